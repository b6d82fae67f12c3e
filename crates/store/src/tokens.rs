//! Bearer tokens: random, stored hashed, revocable, expiring. The token itself is never stored, logged or shown again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rand::distr::{Alphanumeric, SampleString};
use rollbook_domain::person::Person;
use rollbook_domain::world::{AnyLoaded, World};
use rollbook_domain::{Event, PersonId, SiteId, StreamType};
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use crate::{EventStore, Position, StoreError};

/// 43 characters of 62 are 256 bits.
const RANDOM_CHARACTERS: usize = 43;

/// Begins every token, so that one in the wrong place can be recognised.
const PREFIX: &str = "rb_";

/// Who a token stands for.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The person.
    pub person: PersonId,
    /// The person as the log had them when the token was looked up: roles and activity without the delay of a read model.
    pub state: Arc<Person>,
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
    ///
    /// The same statement reads the person's events: all of them, which are few.
    pub async fn bearer(&self, site: SiteId, token: &str, now: DateTime<Utc>) -> Result<Option<Bearer>, StoreError> {
        let rows = sqlx::query(
            "select t.person_id, (select coalesce(max(position), 0) from events) as head,
                    e.sequence, e.event_type, e.event_version, e.payload::text
             from tokens t
             left join events e on e.aggregate_type = 'person' and e.aggregate_id = t.person_id::text
                 and e.site_id = t.site_id
             where t.token_hash = $1 and t.site_id = $2 and t.expires_at > $3 and t.revoked_at is null
             order by e.sequence",
        )
        .bind(hash(token))
        .bind(site.0)
        .bind(now)
        .fetch_all(&self.pool)
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let person: PersonId = first.try_get::<Uuid, _>("person_id")?.into();
        let head = first.try_get("head")?;
        let mut loaded = AnyLoaded::empty(StreamType::Person);
        for row in &rows {
            let Some(sequence) = row.try_get("sequence")? else { continue };
            let (event_type, version) = (row.try_get("event_type")?, row.try_get("event_version")?);
            let event = Event::decode(StreamType::Person, event_type, version, row.try_get("payload")?)?;
            loaded.apply(&event, sequence);
        }
        self.kept.put(site, person.into(), &loaded);
        let mut world = World::default();
        world.put(person.into(), loaded);
        Ok(Some(Bearer { person, state: world.person(person).state, head }))
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
