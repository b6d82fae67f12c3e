//! Devices on which somebody has signed in before: a random cookie, stored hashed. It lets nobody in; it says that a failure on
//! it is not a stranger's.

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};

use crate::tokens::{hash, secret};
use crate::{EventStore, StoreError};

impl EventStore {
    /// Whether a person has signed in on a device, in this epoch of theirs.
    pub async fn knows_device(
        &self,
        site: SiteId,
        (person, epoch): (PersonId, i64),
        device: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "select exists (select from devices where site_id = $1 and device_hash = $2 and person_id = $3
            and epoch = $4 and expires_at > $5)";
        let query = sqlx::query_scalar(sql).bind(site.0).bind(hash(device.expose_secret())).bind(person.0);
        Ok(query.bind(epoch).bind(now).fetch_one(&self.pool).await?)
    }

    /// Remembers that a person has signed in on a device, by the cookie that it had or a new one; the cookie.
    pub async fn remember_device(
        &self,
        site: SiteId,
        person: PersonId,
        device: Option<SecretString>,
        epoch: i64,
        (now, ttl): (DateTime<Utc>, TimeDelta),
    ) -> Result<SecretString, StoreError> {
        let device = device.unwrap_or_else(|| secret().into());
        sqlx::query(
            "insert into devices (site_id, device_hash, person_id, expires_at, epoch) values ($1, $2, $3, $4, $5)
             on conflict (site_id, device_hash, person_id) do update set expires_at = excluded.expires_at,
                epoch = excluded.epoch",
        )
        .bind(site.0)
        .bind(hash(device.expose_secret()))
        .bind(person.0)
        .bind(now + ttl)
        .bind(epoch)
        .execute(&self.pool)
        .await?;
        Ok(device)
    }
    /// Ends the sessions of a person that were used least lately, and forgets the oldest devices, beyond so many of each.
    pub async fn keep_newest(&self, site: SiteId, person: PersonId, at_most: i64) -> Result<(), StoreError> {
        for sql in [
            "delete from tokens where token_hash in (
                select token_hash from tokens where site_id = $1 and person_id = $2 and kind = 'session'
                order by last_used_at desc, created_at desc, id offset $3)",
            "delete from devices where site_id = $1 and person_id = $2 and device_hash in (
                select device_hash from devices where site_id = $1 and person_id = $2
                order by expires_at desc, device_hash offset $3)",
        ] {
            sqlx::query(sql).bind(site.0).bind(person.0).bind(at_most).execute(&self.pool).await?;
        }
        Ok(())
    }
}
