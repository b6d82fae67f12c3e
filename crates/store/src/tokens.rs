//! Bearer tokens: random, stored hashed, revocable, expiring. The token itself is never stored, logged or shown again.

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::{PersonId, SiteId};

use crate::{EventStore, Position, StoreError};

/// Who a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The person.
    pub person: PersonId,
    /// The position of the log when the token was looked up: what the reader's rights are read at.
    pub head: Position,
}

impl EventStore {
    /// Makes a token for a person, valid for `ttl` from `now`. The only time the token can be seen.
    pub async fn issue_token(
        &self,
        site: SiteId,
        person: PersonId,
        now: DateTime<Utc>,
        ttl: TimeDelta,
    ) -> Result<String, StoreError> {
        let _ = (site, person, now, ttl);
        unimplemented!()
    }

    /// Whom a token stands for at `now`; none if it is unknown, expired or revoked.
    pub async fn bearer(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<Option<Bearer>, StoreError> {
        let _ = (site, token, now);
        unimplemented!()
    }

    /// Revokes a token; whether it was one that stood for somebody.
    pub async fn revoke_token(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let _ = (site, token, now);
        unimplemented!()
    }
}
