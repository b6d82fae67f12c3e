//! Sign-ins that have shown one thing of two: good for a short while, for a few tries, and used once. They give no right.

use chrono::{DateTime, Utc};
use rollbook_domain::account::SignInMethod;
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::tokens::{hash, secret};
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// How many a person has at a time; with one more, the oldest is gone. Each takes the right password: more are somebody's script.
const MOST: i64 = 20;

/// Somebody has shown one thing of two.
#[derive(Clone, Debug)]
pub struct NewHalfSignIn {
    /// Who.
    pub person: PersonId,
    /// What they have shown.
    pub method: SignInMethod,
    /// The hash of the password that was verified, if it was that.
    pub verified: Option<SecretString>,
    /// The epoch of the person's access that it is good in.
    pub epoch: i64,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// A half sign-in that is good, as far as its row says.
#[derive(Debug)]
pub struct HalfSignIn {
    /// Who.
    pub person: PersonId,
    /// What they have shown.
    pub method: SignInMethod,
    /// The epoch of the person's access that it is good in.
    pub epoch: i64,
    verified: Option<Vec<u8>>,
}

impl HalfSignIn {
    /// Whether the password that was verified for it is still the one with this hash; also where it was none.
    pub fn was_shown(&self, phc: Option<&SecretString>) -> bool {
        match &self.verified {
            None => true,
            Some(verified) => phc.is_some_and(|phc| *verified == fingerprint(phc)),
        }
    }

    /// Whether a password was verified for it.
    pub fn is_by_password(&self) -> bool {
        self.verified.is_some()
    }
}

fn fingerprint(phc: &SecretString) -> Vec<u8> {
    Sha256::digest(phc.expose_secret()).to_vec()
}

fn read(row: &PgRow) -> Result<HalfSignIn, StoreError> {
    let unknown = |_| StoreError::Corrupt("a half sign-in by what is not known".to_owned());
    Ok(HalfSignIn {
        person: PersonId(row.try_get("person_id")?),
        method: row.try_get::<&str, _>("method")?.parse().map_err(unknown)?,
        epoch: row.try_get("epoch")?,
        verified: row.try_get("verified")?,
    })
}

impl EventStore {
    /// Begins one; the only time its secret can be seen.
    pub async fn begin_half_sign_in(&self, site: SiteId, half: &NewHalfSignIn) -> Result<SecretString, StoreError> {
        let made = SecretString::from(secret());
        let mut transaction = begin(&self.pool).await?;
        sqlx::query(
            "delete from half_sign_ins where site_id = $1 and person_id = $2 and secret_hash not in (
                select secret_hash from half_sign_ins where site_id = $1 and person_id = $2
                order by expires_at desc, secret_hash limit $3)",
        )
        .bind(site.0)
        .bind(half.person.0)
        .bind(MOST - 1)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "insert into half_sign_ins (site_id, secret_hash, person_id, method, verified, epoch, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(site.0)
        .bind(hash(made.expose_secret()))
        .bind(half.person.0)
        .bind(<&str>::from(half.method))
        .bind(half.verified.as_ref().map(fingerprint))
        .bind(half.epoch)
        .bind(half.expires_at)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(made)
    }

    /// The one that a secret is of, if it can be used at an instant.
    pub async fn half_sign_in(
        &self,
        site: SiteId,
        secret: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<Option<HalfSignIn>, StoreError> {
        let sql = "select person_id, method, verified, epoch from half_sign_ins
            where site_id = $1 and secret_hash = $2 and expires_at > $3";
        let query = sqlx::query(sql).bind(site.0).bind(hash(secret.expose_secret())).bind(now);
        query.fetch_optional(&self.pool).await?.map(|row| read(&row)).transpose()
    }

    /// Takes one of its tries, of which there are so many, before anything is looked at: of many requests at once no more are let by.
    /// Whether there was one; the challenge comes with it, and is gone with it.
    pub async fn try_half_sign_in(
        &self,
        site: SiteId,
        secret: &SecretString,
        most: i32,
        now: DateTime<Utc>,
    ) -> Result<Option<Option<Value>>, StoreError> {
        let row = sqlx::query(
            "update half_sign_ins h set tries = h.tries + 1, challenge = null
             from (select site_id, secret_hash, challenge from half_sign_ins
                   where site_id = $1 and secret_hash = $2 and tries < $3 and expires_at > $4 for update) before
             where h.site_id = before.site_id and h.secret_hash = before.secret_hash
             returning before.challenge",
        )
        .bind(site.0)
        .bind(hash(secret.expose_secret()))
        .bind(most)
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok(row.try_get("challenge")?)).transpose()
    }

    /// Says what a passkey is to sign, in place of what was said before.
    pub async fn challenge_half_sign_in(
        &self,
        site: SiteId,
        secret: &SecretString,
        challenge: &Value,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "update half_sign_ins set challenge = $3 where site_id = $1 and secret_hash = $2 and expires_at > $4";
        let query = sqlx::query(sql).bind(site.0).bind(hash(secret.expose_secret())).bind(challenge).bind(now);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Uses one up; whether it was there, which it is once.
    pub async fn end_half_sign_in(&self, site: SiteId, secret: &SecretString) -> Result<bool, StoreError> {
        let sql = "delete from half_sign_ins where site_id = $1 and secret_hash = $2";
        let query = sqlx::query(sql).bind(site.0).bind(hash(secret.expose_secret()));
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }
}
