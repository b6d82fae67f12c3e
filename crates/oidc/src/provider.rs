//! One system: the way to it and back, and the tokens that it gives to programs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::distr::{Alphanumeric, SampleString};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use url::Url;

use crate::discord::Endpoints;
use crate::flow::{self, Flow, SealError};
use crate::keys::Keys;
use crate::settings::{Kind, ProviderSettings, is_safe};
use crate::token::{self, Expected};
use crate::{OidcError, VerifiedIdentity, fetch};

/// 43 characters of 62 are 256 bits.
const RANDOM_CHARACTERS: usize = 43;

/// A system that people may sign in by.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    client: Client,
    discovered: OnceCell<Discovered>,
    keys: Keys,
}

/// What an issuer says of itself.
#[derive(Debug, Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// The beginning of somebody's way.
pub struct AuthorizationRequest {
    /// Where the browser goes.
    pub url: String,
    /// What comes back with them.
    pub state: String,
    /// What the system's word must repeat.
    pub nonce: String,
    /// What proves that they come from here.
    pub verifier: String,
}

/// What somebody has come back with.
pub struct Callback<'a> {
    /// What the system gave them.
    pub code: &'a str,
    /// What they set out with.
    pub nonce: &'a str,
    /// What they set out with.
    pub verifier: &'a str,
    /// Where they came back to.
    pub redirect_uri: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    id_token: Option<String>,
}

impl Provider {
    /// A system; nothing is asked of it yet.
    pub fn try_new(settings: ProviderSettings) -> Result<Self, String> {
        let (client, discovered, keys) = (fetch::client()?, OnceCell::new(), Keys::default());
        Ok(Self { settings, client, discovered, keys })
    }

    /// What is configured.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// Seals somebody's way here, begun in a site.
    pub fn seal(&self, site: &str, flow: &Flow) -> Result<SecretString, SealError> {
        flow::seal(&self.settings, site, flow)
    }

    /// Opens what was sealed; none if it was sealed for another system or site, or is no such thing.
    pub fn open(&self, site: &str, sealed: &SecretString) -> Option<Flow> {
        flow::open(&self.settings, site, sealed)
    }

    /// Sends somebody off.
    pub async fn begin_authorization(&self, redirect_uri: &str) -> Result<AuthorizationRequest, OidcError> {
        let authorization = match self.settings.kind {
            Kind::Oidc => self.discovered().await?.authorization_endpoint.clone(),
            Kind::Discord => Endpoints::of(&self.settings.issuer).authorization,
        };
        let (state, nonce, verifier) = (random(), random(), random());
        let mut url = Url::parse(&authorization)
            .map_err(|_| OidcError::Unavailable("its address is none that can be gone to"))?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)))
            .append_pair("code_challenge_method", "S256");
        if self.settings.kind == Kind::Oidc {
            query.append_pair("nonce", &nonce);
        }
        drop(query);
        Ok(AuthorizationRequest { url: url.into(), state, nonce, verifier })
    }

    /// Whom the system vouches for, of whoever has come back.
    pub async fn exchange_code(&self, back: &Callback<'_>, now: DateTime<Utc>) -> Result<VerifiedIdentity, OidcError> {
        let endpoint = match self.settings.kind {
            Kind::Oidc => self.discovered().await?.token_endpoint.clone(),
            Kind::Discord => Endpoints::of(&self.settings.issuer).token,
        };
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", back.code)
            .append_pair("redirect_uri", back.redirect_uri)
            .append_pair("code_verifier", back.verifier)
            .finish();
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .client
            .post(endpoint)
            // RFC 6749: both are encoded as in a form.
            .basic_auth(encoded(&self.settings.client_id), Some(encoded(self.settings.client_secret.expose_secret())))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form);
        let refused = OidcError::NotVouched("the code is not, or no longer, good for anything");
        let Tokens { access_token, id_token } = fetch::json(request, refused).await?;
        let nothing = OidcError::NotVouched("it came with no token");
        match self.settings.kind {
            Kind::Oidc => {
                let (issuer, client) = (&*self.settings.issuer, &*self.settings.client_id);
                let expected = Expected { issuer, audience: client, client, nonce: Some(back.nonce) };
                self.believed(&id_token.ok_or(nothing)?, &expected, now).await
            }
            Kind::Discord => {
                let endpoints = Endpoints::of(&self.settings.issuer);
                let vouched =
                    endpoints.vouched(&self.client, &self.settings.issuer, &access_token.ok_or(nothing)?).await?;
                Ok(VerifiedIdentity { multi_factor: self.settings.multi_factor, ..vouched })
            }
        }
    }

    /// Whether a token says to be of this system; not believed yet.
    pub fn unverified_issuer_is(&self, token: &str) -> bool {
        self.settings.kind == Kind::Oidc && token::alleged_issuer(token).as_ref() == Some(&self.settings.issuer)
    }

    /// Whom a program's token is of.
    pub async fn bearer(&self, token: &str, now: DateTime<Utc>) -> Result<VerifiedIdentity, OidcError> {
        let audience = self.settings.audience.as_deref().unwrap_or(&self.settings.client_id);
        let (issuer, client) = (&*self.settings.issuer, &*self.settings.client_id);
        self.believed(token, &Expected { issuer, audience, client, nonce: None }, now).await
    }

    async fn believed(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: DateTime<Utc>,
    ) -> Result<VerifiedIdentity, OidcError> {
        let wanted = token::key_of(token, expected)?;
        let url = &self.discovered().await?.jwks_uri;
        let key = self.keys.key(&self.client, url, &wanted, now).await?;
        let claims = token::claims(token, &key, expected, now)?;
        let email = claims.verified_email();
        let multi_factor = self.settings.multi_factor || claims.is_multi_factor();
        let said_at = Some(claims.issued_at());
        Ok(VerifiedIdentity { issuer: self.settings.issuer.clone(), subject: claims.sub, email, multi_factor, said_at })
    }

    /// What the issuer says of itself, asked until it answers, and then kept.
    async fn discovered(&self) -> Result<&Discovered, OidcError> {
        let asked = async || {
            let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
            let refused = OidcError::Unavailable("it says nothing of itself");
            let discovered: Discovered = fetch::json(self.client.get(url), refused).await?;
            if discovered.issuer != self.settings.issuer {
                return Err(OidcError::Unavailable("it calls itself otherwise than it is configured"));
            }
            let all = [&discovered.authorization_endpoint, &discovered.token_endpoint, &discovered.jwks_uri];
            if all.into_iter().all(|url| is_safe(url)) {
                Ok(discovered)
            } else {
                Err(OidcError::Unavailable("it would have secrets sent in clear"))
            }
        };
        self.discovered.get_or_try_init(asked).await.inspect_err(|error| {
            tracing::warn!(provider = self.settings.name, %error, "a system to sign in by does not answer");
        })
    }
}

fn random() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), RANDOM_CHARACTERS)
}
