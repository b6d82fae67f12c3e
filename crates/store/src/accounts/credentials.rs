//! Passwords, as hashes with their parameters. What a hash is made of and what it says is for whoever verifies it.

use chrono::{DateTime, Utc};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::sessions::end_sessions;
use crate::append::stored_key;
use crate::tokens::hash;
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// Whoever an address that somebody signs in with may belong to.
#[derive(Debug)]
pub struct Candidate {
    /// Who.
    pub person: PersonId,
    /// The hash of their password, if they have one.
    pub phc: Option<SecretString>,
    /// Whether they have signed in on this device before.
    pub known_device: bool,
}

impl EventStore {
    /// Who has an address, with their password's hash, and whether a device is one of theirs. One statement, the same for every
    /// address.
    pub async fn candidate(
        &self,
        site: SiteId,
        email: &str,
        device: Option<&SecretString>,
        now: DateTime<Utc>,
    ) -> Result<Option<Candidate>, StoreError> {
        let row = sqlx::query(
            "select c.owner, k.phc, exists (
                select from devices d where d.site_id = c.site_id and d.device_hash = $3 and d.person_id = c.owner
                    and d.expires_at > $4) as known_device
             from claims c left join credentials k on k.site_id = c.site_id and k.person_id = c.owner
             where c.site_id = $1 and c.kind = 'email' and c.key = $2",
        )
        .bind(site.0)
        .bind(stored_key(site, &ClaimKey::email(email)))
        .bind(device.map(|device| hash(device.expose_secret())))
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let phc: Option<String> = row.try_get("phc")?;
            Ok(Candidate {
                person: PersonId(row.try_get("owner")?),
                phc: phc.map(SecretString::from),
                known_device: row.try_get("known_device")?,
            })
        })
        .transpose()
    }

    /// The hash of a person's password, if they have one.
    pub async fn credential(&self, site: SiteId, person: PersonId) -> Result<Option<SecretString>, StoreError> {
        let sql = "select phc from credentials where site_id = $1 and person_id = $2";
        let phc: Option<String> =
            sqlx::query_scalar(sql).bind(site.0).bind(person.0).fetch_optional(&self.pool).await?;
        Ok(phc.map(SecretString::from))
    }

    /// Puts a hash of the same password in the place of one with older parameters, unless the password has changed meanwhile.
    pub async fn rehash(
        &self,
        site: SiteId,
        person: PersonId,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), StoreError> {
        let sql = "update credentials set phc = $4 where site_id = $1 and person_id = $2 and phc = $3";
        let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(old.expose_secret()).bind(new.expose_secret());
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Puts another password in the place of the one that was verified, and ends all sessions but one; false where the password
    /// has changed since it was verified, and nothing was done.
    pub async fn change_password(
        &self,
        site: SiteId,
        person: PersonId,
        (old, new): (&SecretString, &SecretString),
        but: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        let sql = "select from credentials where site_id = $1 and person_id = $2 and phc = $3 for update";
        let held = sqlx::query(sql).bind(site.0).bind(person.0).bind(old.expose_secret());
        if held.fetch_optional(&mut *transaction).await?.is_none() {
            return Ok(false);
        }
        put_password(&mut transaction, site, person, new, but, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Sets a password, ends the sessions that were begun with another, and the links to set one.
pub(super) async fn put_password(
    connection: &mut PgConnection,
    site: SiteId,
    person: PersonId,
    phc: &SecretString,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into credentials (site_id, person_id, phc, set_at) values ($1, $2, $3, $4)
         on conflict (site_id, person_id) do update set phc = excluded.phc, set_at = excluded.set_at",
    )
    .bind(site.0)
    .bind(person.0)
    .bind(phc.expose_secret())
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let links = "delete from invitations where site_id = $1 and person_id = $2 and used_at is null";
    sqlx::query(links).bind(site.0).bind(person.0).execute(&mut *connection).await?;
    end_sessions(connection, site, person, but, now).await?;
    Ok(())
}
