//! An issuer's keys: fetched when they are first needed, kept, and fetched again for a key that is not among them, but no more than
//! once a minute, whoever makes keys up.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{CommonParameters, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse};
use reqwest::Client;
use tokio::sync::Mutex;

use crate::{OidcError, fetch};

/// How soon keys are fetched again.
const APART: TimeDelta = TimeDelta::minutes(1);
/// How long keys are taken for the issuer's: what it has withdrawn ends then.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// Which key a token says it is signed by.
#[derive(Debug)]
pub struct Wanted {
    /// The key's name; none is the only one there is.
    pub kid: Option<String>,
    /// What it is signed with.
    pub algorithm: Algorithm,
}

/// The keys, as they were fetched.
#[derive(Debug, Default)]
pub struct Keys(Mutex<Option<(JwkSet, DateTime<Utc>)>>);

impl Keys {
    /// The key that a token names, or the only one that fits where it names none.
    pub async fn key(&self, client: &Client, url: &str, wanted: &Wanted, now: DateTime<Utc>) -> Result<Jwk, OidcError> {
        let unknown = OidcError::NotVouched("it is signed with a key that the issuer does not have");
        let mut keys = self.0.lock().await;
        if let Some((set, fetched_at)) = &*keys {
            let age = now - *fetched_at;
            if let Some(key) = find(set, wanted).filter(|_| age < FRESH) {
                return Ok(key.clone());
            }
            if age < APART {
                return Err(unknown);
            }
        }
        let set: JwkSet = fetch::json(client.get(url), OidcError::Unavailable("it does not give its keys")).await?;
        let found = find(&set, wanted).cloned();
        *keys = Some((set, now));
        found.ok_or(unknown)
    }
}

/// A key of the issuer's for what a token was signed by. Those that it says are for something else are as good as not there.
fn find<'k>(set: &'k JwkSet, wanted: &Wanted) -> Option<&'k Jwk> {
    let mut keys = set.keys.iter().filter(|key| is_for(key, wanted.algorithm));
    match &wanted.kid {
        Some(kid) => keys.find(|key| key.common.key_id.as_ref() == Some(kid)),
        None => keys.next().filter(|_| keys.next().is_none()),
    }
}

/// Whether a key is for verifying signatures of this kind, as far as its issuer says what it is for.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let CommonParameters { public_key_use, key_operations, key_algorithm, .. } = &key.common;
    key_algorithm.is_none_or(|said| said == KeyAlgorithm::from(algorithm))
        && public_key_use.as_ref().is_none_or(|said| *said == PublicKeyUse::Signature)
        && key_operations.as_ref().is_none_or(|said| said.contains(&KeyOperations::Verify))
}
