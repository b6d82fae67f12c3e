//! Passwords, as hashes with their parameters. What a hash is made of and what it says is for whoever verifies it.

use std::future::Future;

use chrono::{DateTime, Utc};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::ways_in::{EVERYWHERE, WayIn, end};
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
    /// The epoch of the person that the password is good in.
    pub password_epoch: i64,
    /// The epoch of the person in which they have signed in on this device, if they have.
    pub device_epoch: Option<i64>,
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
            "select c.owner, k.phc, coalesce(k.epoch, 0) as password_epoch, (
                select d.epoch from devices d where d.site_id = c.site_id and d.device_hash = $3 and d.person_id = c.owner
                    and d.expires_at > $4) as device_epoch
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
                password_epoch: row.try_get("password_epoch")?,
                device_epoch: row.try_get("device_epoch")?,
            })
        })
        .transpose()
    }

    /// The hash of a person's password, if they have one that is good in this epoch of theirs.
    pub async fn credential(
        &self,
        site: SiteId,
        person: PersonId,
        epoch: i64,
    ) -> Result<Option<SecretString>, StoreError> {
        let sql = "select phc from credentials where site_id = $1 and person_id = $2 and epoch = $3";
        let phc: Option<String> =
            sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(epoch).fetch_optional(&self.pool).await?;
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

    /// Puts another password in the place of the one that was verified, good in the same epoch, and ends everything
    /// else that lets the person in but one session; false where the password has changed since it was verified, and
    /// nothing was done. `told` tells the log: it is polled only once nobody else can change the password any more, and
    /// nothing is changed if it fails. It must not need this store's pool, a connection of which is held meanwhile.
    pub async fn change_password<E: From<StoreError>>(
        &self,
        (site, person): (SiteId, PersonId),
        (old, new): (&SecretString, &SecretString),
        but: Option<Uuid>,
        now: DateTime<Utc>,
        told: impl Future<Output = Result<(), E>>,
    ) -> Result<bool, E> {
        let mut transaction = begin(&self.pool).await.map_err(StoreError::from)?;
        let sql = "select epoch from credentials where site_id = $1 and person_id = $2 and phc = $3 for update";
        let held = sqlx::query_scalar(sql).bind(site.0).bind(person.0).bind(old.expose_secret());
        let held = held.fetch_optional(&mut *transaction).await.map_err(StoreError::from)?;
        let Some(epoch) = held else { return Ok(false) };
        told.await?;
        put_password(&mut transaction, (site, person), (new, epoch), (EVERYWHERE, but), now).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(true)
    }
}

/// Sets a password, good in an epoch of its person, and ends ways in, but one session.
pub(super) async fn put_password(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
    (phc, epoch): (&SecretString, i64),
    (ended, but): (&[WayIn], Option<Uuid>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into credentials (site_id, person_id, phc, set_at, epoch) values ($1, $2, $3, $4, $5)
         on conflict (site_id, person_id) do update set phc = excluded.phc, set_at = excluded.set_at,
            epoch = excluded.epoch",
    )
    .bind(site.0)
    .bind(person.0)
    .bind(phc.expose_secret())
    .bind(now)
    .bind(epoch)
    .execute(&mut *connection)
    .await?;
    end(connection, (site, person), ended, but, now).await
}
