//! Bearer tokens: random, stored hashed, revocable, expiring. The token itself is never stored, logged or shown again.

use chrono::{DateTime, TimeDelta, Utc};
use rand::distr::{Alphanumeric, SampleString};
use rollbook_domain::{PersonId, SiteId};
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use crate::{EventStore, Position, StoreError};

/// 43 characters of 62 are 256 bits.
const RANDOM_CHARACTERS: usize = 43;

/// Begins every token, so that one in the wrong place can be recognised.
const PREFIX: &str = "rb_";

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
        let token = format!("{PREFIX}{}", Alphanumeric.sample_string(&mut rand::rng(), RANDOM_CHARACTERS));
        sqlx::query(
            "insert into tokens (token_hash, site_id, person_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(hash(&token))
        .bind(site.0)
        .bind(person.0)
        .bind(now)
        .bind(now + ttl)
        .execute(&self.pool)
        .await?;
        Ok(token)
    }

    /// Whom a token stands for at `now`; none if it is unknown, expired, revoked, or of another site.
    pub async fn bearer(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<Option<Bearer>, StoreError> {
        let row = sqlx::query(
            "select person_id, (select coalesce(max(position), 0) from events) as head from tokens
             where token_hash = $1 and site_id = $2 and expires_at > $3 and revoked_at is null",
        )
        .bind(hash(token))
        .bind(site.0)
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok(Bearer { person: row.try_get::<Uuid, _>("person_id")?.into(), head: row.try_get("head")? }))
            .transpose()
    }

    /// Revokes a token; whether it was one that could still be used.
    pub async fn revoke_token(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update tokens set revoked_at = $3 where token_hash = $1 and site_id = $2 and revoked_at is null
             and expires_at > $3",
        )
        .bind(hash(token))
        .bind(site.0)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Revokes all tokens of a person; how many could still be used.
    pub async fn revoke_tokens_of(
        &self,
        site: SiteId,
        person: PersonId,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "update tokens set revoked_at = $3 where person_id = $1 and site_id = $2 and revoked_at is null
             and expires_at > $3",
        )
        .bind(person.0)
        .bind(site.0)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}

/// A token has 256 random bits, so a fast hash without salt is enough: there is nothing to guess.
fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
