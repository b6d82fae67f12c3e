//! An issuer's keys: fetched when they are first needed, kept, and fetched again for a key that is not among them, but no more than
//! once a minute, whoever makes keys up.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use reqwest::Client;
use tokio::sync::Mutex;

use crate::{OidcError, fetch};

/// How soon keys are fetched again.
const APART: TimeDelta = TimeDelta::minutes(1);
/// How long keys are taken for the issuer's: what it has withdrawn ends then.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// The keys, as they were fetched.
#[derive(Debug, Default)]
pub struct Keys(Mutex<Option<(JwkSet, DateTime<Utc>)>>);

impl Keys {
    /// The key that a token names, or the only one there is where it names none.
    pub async fn key(
        &self,
        client: &Client,
        url: &str,
        kid: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Jwk, OidcError> {
        let unknown = OidcError::NotVouched("it is signed with a key that the issuer does not have");
        let mut keys = self.0.lock().await;
        if let Some((set, fetched_at)) = &*keys {
            let age = now - *fetched_at;
            if let Some(key) = find(set, kid).filter(|_| age < FRESH) {
                return Ok(key.clone());
            }
            if age < APART {
                return Err(unknown);
            }
        }
        let set: JwkSet = fetch::json(client.get(url), OidcError::Unavailable("it does not give its keys")).await?;
        let found = find(&set, kid).cloned();
        *keys = Some((set, now));
        found.ok_or(unknown)
    }
}

fn find<'k>(set: &'k JwkSet, kid: Option<&str>) -> Option<&'k Jwk> {
    match (kid, &*set.keys) {
        (Some(kid), _) => set.find(kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}
