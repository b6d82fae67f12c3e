//! Somebody's way to a system and back, sealed for their browser to keep: setting out writes nothing here, and any process that has
//! the same settings knows it again.
//!
//! The key is derived from the client's secret, which all processes share with the system alone: a system that seals ways by itself
//! could vouch for whom it likes anyway. A way that links somebody names their session, and is worth nothing without it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::settings::ProviderSettings;

/// What the key is for: nothing else is ever derived from the secret.
const PURPOSE: &[u8] = b"rollbook: a way to sign in and back";

/// A way that somebody is on.
#[derive(Serialize, Deserialize)]
pub struct Flow {
    /// What comes back with them.
    pub state: String,
    /// What the system's word must repeat.
    pub nonce: String,
    /// What proves to the system that they come from here.
    pub verifier: String,
    /// Where on this site they go afterwards.
    pub next: String,
    /// When it is too late to come back.
    pub expires_at: DateTime<Utc>,
    /// The public id of the session that the system is to be linked in; none where somebody signs in.
    pub linking: Option<String>,
}

/// A way could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a way to another system could not be sealed")]
pub struct SealError;

/// Seals a way to a system, begun in a site.
pub(crate) fn seal(settings: &ProviderSettings, site: &str, flow: &Flow) -> Result<SecretString, SealError> {
    let mut sealed = serde_json::to_vec(flow).map_err(|_| SealError)?;
    let nonce: [u8; NONCE_LEN] = rand::random();
    let key = key(settings).ok_or(SealError)?;
    let about = about(settings, site);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut sealed).map_err(|_| SealError)?;
    sealed.splice(..0, nonce);
    Ok(URL_SAFE_NO_PAD.encode(sealed).into())
}

/// Opens what was sealed; none if it was sealed for another system or site, or is no such thing.
pub(crate) fn open(settings: &ProviderSettings, site: &str, sealed: &SecretString) -> Option<Flow> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed.expose_secret()).ok()?;
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let (nonce, mut sealed) = (Nonce::assume_unique_for_key(*nonce), sealed.to_vec());
    let opened = key(settings)?.open_in_place(nonce, about(settings, site), &mut sealed).ok()?;
    serde_json::from_slice(opened).ok()
}

fn key(settings: &ProviderSettings) -> Option<LessSafeKey> {
    let secret = settings.client_secret.expose_secret().as_bytes();
    let derived = Salt::new(HKDF_SHA256, PURPOSE).extract(secret);
    let info = [settings.issuer.as_bytes(), settings.client_id.as_bytes()];
    Some(LessSafeKey::new(UnboundKey::from(derived.expand(&info, &AES_256_GCM).ok()?)))
}

/// What a sealed way is bound to.
fn about(settings: &ProviderSettings, site: &str) -> Aad<Vec<u8>> {
    Aad::from([site.as_bytes(), b"/", settings.name.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Kind, Sites};

    fn settings(name: &str, secret: &str) -> ProviderSettings {
        ProviderSettings {
            name: name.to_owned(),
            title: name.to_owned(),
            kind: Kind::Oidc,
            issuer: "https://id.example.org".to_owned(),
            client_id: "rollbook".to_owned(),
            client_secret: secret.into(),
            scopes: Vec::new(),
            audience: None,
            sites: Sites::Every,
            privileged: false,
            multi_factor: false,
        }
    }

    #[test]
    fn a_way_opens_where_it_was_begun_and_nowhere_else() {
        let flow = Flow {
            state: "s".repeat(43),
            nonce: "n".repeat(43),
            verifier: "v".repeat(43),
            next: format!("/{}", "x".repeat(511)),
            expires_at: DateTime::UNIX_EPOCH,
            linking: Some("7".repeat(36)),
        };
        let ako = settings("ako", "a secret of sixteen");
        let sealed = seal(&ako, "north", &flow).unwrap();
        assert_eq!(open(&ako, "north", &sealed).unwrap().verifier, flow.verifier);
        assert!(open(&ako, "south", &sealed).is_none());
        assert!(open(&settings("other", "a secret of sixteen"), "north", &sealed).is_none());
        assert!(open(&settings("ako", "another secret of them"), "north", &sealed).is_none());
        for nothing in ["", "x", "%%%", &sealed.expose_secret()[1..]] {
            assert!(open(&ako, "north", &nothing.into()).is_none(), "{nothing}");
        }
        assert!(sealed.expose_secret().len() < 2_048, "no longer than the longest cookie that is looked at");
        assert_ne!(seal(&ako, "north", &flow).unwrap().expose_secret(), sealed.expose_secret());
    }
}
