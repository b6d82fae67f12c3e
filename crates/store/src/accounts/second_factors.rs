//! What people show besides their password: what codes are made from, passkeys' public keys, recovery codes. Which of them are good
//! is the log's to say; whether something shown is right is for whoever verifies it. What is used once is used here, in the statement
//! that looks for it.

use std::collections::BTreeMap;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::ShownFactor;
use rollbook_domain::person::SecondFactorKind;
use rollbook_domain::{PersonId, Personal, SiteId};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::grounds::{Grounds, hold};
use crate::keys::{Keys, SealError, Sealed, SealedFor};
use crate::site_databases::RotateError;
use crate::tokens::hash;
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// The second factors that the log says a person has.
type Known = BTreeMap<Uuid, SecondFactorKind>;

/// How long what was begun is left alone that is not in the log: longer than anybody may take from there to the log.
const ABANDONED: TimeDelta = TimeDelta::hours(1);

/// A second factor as it is listed: never what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SecondFactorItem {
    /// Its id.
    pub factor_id: Uuid,
    /// What it is.
    pub kind: SecondFactorKind,
    /// What its person calls it.
    pub name: Personal<String>,
    /// Since when.
    pub added_at: DateTime<Utc>,
    /// When it was shown last; null is never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What codes are made from, as it is kept: sealed where the installation has a key.
#[derive(Clone, Debug)]
pub enum TotpSecret {
    /// Only the keys open it.
    Sealed(Sealed),
    /// There was no key when it was made.
    Open(SecretString),
}

impl TotpSecret {
    /// Seals a secret, if there is a key.
    pub fn of(keys: &Keys, sealed_for: SealedFor, secret: &SecretString) -> Result<Self, SealError> {
        match keys.seal(sealed_for, secret) {
            Ok(sealed) => Ok(Self::Sealed(sealed)),
            Err(SealError::NoKeys) => Ok(Self::Open(secret.clone())),
            Err(error) => Err(error),
        }
    }

    /// The secret.
    pub fn reveal(&self, keys: &Keys, sealed_for: SealedFor) -> Result<SecretString, SealError> {
        match self {
            Self::Sealed(sealed) => keys.open(sealed_for, sealed),
            Self::Open(secret) => Ok(secret.clone()),
        }
    }

    /// Whether it is sealed under the key that seals now, or there is none.
    pub fn is_current(&self, keys: &Keys) -> bool {
        match (self, keys.first()) {
            (Self::Sealed(sealed), Ok(first)) => sealed.key_id == first,
            (Self::Open(_), Ok(_)) => false,
            (_, Err(_)) => true,
        }
    }

    fn columns(&self) -> (Option<&str>, &[u8]) {
        match self {
            Self::Sealed(Sealed { key_id, bytes }) => (Some(key_id), bytes),
            Self::Open(secret) => (None, secret.expose_secret().as_bytes()),
        }
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let (key_id, bytes): (Option<String>, Vec<u8>) = (row.try_get("key_id")?, row.try_get("secret")?);
        let Some(key_id) = key_id else {
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| StoreError::Corrupt("a secret of codes is no text".to_owned()))?;
            return Ok(Self::Open(text.into()));
        };
        Ok(Self::Sealed(Sealed { key_id, bytes }))
    }
}

/// What somebody's codes are made from.
#[derive(Clone, Debug)]
pub struct KeptTotp {
    /// The factor.
    pub factor_id: Uuid,
    /// The secret.
    pub secret: TotpSecret,
    /// When it was made.
    pub added_at: DateTime<Utc>,
}

/// A passkey, as whoever verifies it has written it.
#[derive(Clone, Debug)]
pub struct KeptPasskey {
    /// The factor.
    pub factor_id: Uuid,
    /// The public key with what belongs to it.
    pub passkey: Value,
    /// The host that it is for.
    pub rp_id: String,
}

/// A passkey that is being made.
#[derive(Clone, Debug)]
pub struct PasskeyRegistration {
    /// Who makes it.
    pub person: PersonId,
    /// In which epoch of their access.
    pub epoch: i64,
    /// What it was asked to sign.
    pub challenge: Value,
    /// The host that it is for.
    pub rp_id: String,
    /// Until when it is waited for.
    pub expires_at: DateTime<Utc>,
}

/// A second factor that its person has just shown for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'s> {
    /// Which.
    pub factor_id: Uuid,
    /// Of codes, the step of the one that was shown.
    pub step: Option<i64>,
    /// What was shown, and in which session: it has shown it from then on.
    pub shown: (ShownFactor, Option<Uuid>),
    /// The recovery codes that take the place of those before, if any do.
    pub codes: Option<&'s [SecretString]>,
}

/// What came of settling a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// It is the person's from now on.
    Done,
    /// Its first code was used before.
    Used,
    /// The session has ended in which it was shown.
    Ended,
}

impl EventStore {
    /// A person's second factors that the log knows, the newest first.
    pub async fn second_factors(
        &self,
        site: SiteId,
        person: PersonId,
        known: &Known,
    ) -> Result<Vec<SecondFactorItem>, StoreError> {
        let sql = "select factor_id, name, added_at, last_used_at from second_factors
            where site_id = $1 and person_id = $2 order by added_at desc, factor_id";
        let rows = sqlx::query(sql).bind(site.0).bind(person.0).fetch_all(&self.pool).await?;
        let items = rows.iter().map(|row| {
            let factor_id = row.try_get("factor_id")?;
            let Some(kind) = known.get(&factor_id).copied() else { return Ok(None) };
            let name: String = row.try_get("name")?;
            let (added_at, last_used_at) = (row.try_get("added_at")?, row.try_get("last_used_at")?);
            Ok(Some(SecondFactorItem { factor_id, kind, name: name.into(), added_at, last_used_at }))
        });
        items.filter_map(Result::transpose).collect()
    }

    /// Keeps what a person's codes may be made from. What they have begun with long before and not gone on with is taken away.
    pub async fn put_totp(
        &self,
        (site, person): (SiteId, PersonId),
        (factor_id, name): (Uuid, &str),
        secret: &TotpSecret,
        known: &Known,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await?;
        forget_abandoned(&mut transaction, (site, person), known, now).await?;
        let (key_id, bytes) = secret.columns();
        let sql = "insert into second_factors (site_id, person_id, factor_id, kind, name, added_at, key_id, secret)
            values ($1, $2, $3, 'totp', $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(factor_id).bind(name).bind(now);
        query.bind(key_id).bind(bytes).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// What a person's codes are made from, or may be, by the factor's id.
    pub async fn totp(&self, site: SiteId, person: PersonId, factor: Uuid) -> Result<Option<KeptTotp>, StoreError> {
        let sql = "select factor_id, key_id, secret, added_at from second_factors
            where site_id = $1 and person_id = $2 and factor_id = $3 and kind = 'totp'";
        let row = sqlx::query(sql).bind(site.0).bind(person.0).bind(factor).fetch_optional(&self.pool).await?;
        row.map(|row| kept_totp(&row)).transpose()
    }

    /// Puts a secret that is sealed anew in the place of the same one, unless somebody was faster.
    pub async fn reseal_totp(
        &self,
        site: SiteId,
        factor: Uuid,
        (old, new): (&TotpSecret, &TotpSecret),
    ) -> Result<bool, StoreError> {
        let ((_, before), (key_id, bytes)) = (old.columns(), new.columns());
        let sql = "update second_factors set key_id = $4, secret = $5
            where site_id = $1 and factor_id = $2 and secret = $3";
        let query = sqlx::query(sql).bind(site.0).bind(factor).bind(before).bind(key_id).bind(bytes);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Uses the code of a step; whether it, and no later one, was used before: of two requests at once one uses it.
    pub async fn use_totp(
        &self,
        site: SiteId,
        factor: Uuid,
        step: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(USE_STEP).bind(site.0).bind(factor).bind(step).bind(now);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Keeps a passkey of a person: good from when the log has it.
    pub async fn put_passkey(
        &self,
        (site, person): (SiteId, PersonId),
        name: &str,
        kept: &KeptPasskey,
        known: &Known,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await?;
        forget_abandoned(&mut transaction, (site, person), known, now).await?;
        let sql = "insert into second_factors (site_id, person_id, factor_id, kind, name, added_at, passkey, rp_id)
            values ($1, $2, $3, 'passkey', $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(kept.factor_id).bind(name).bind(now);
        query.bind(&kept.passkey).bind(&kept.rp_id).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// A person's passkeys that the log knows, and that are for a host.
    pub async fn passkeys(
        &self,
        site: SiteId,
        person: PersonId,
        rp_id: &str,
        known: &Known,
    ) -> Result<Vec<KeptPasskey>, StoreError> {
        let sql = "select factor_id, passkey, rp_id from second_factors
            where site_id = $1 and person_id = $2 and kind = 'passkey' and rp_id = $3 order by added_at, factor_id";
        let rows = sqlx::query(sql).bind(site.0).bind(person.0).bind(rp_id).fetch_all(&self.pool).await?;
        let kept = rows.iter().map(|row| {
            Ok(KeptPasskey {
                factor_id: row.try_get("factor_id")?,
                passkey: row.try_get("passkey")?,
                rp_id: row.try_get("rp_id")?,
            })
        });
        let kept: Result<Vec<_>, StoreError> = kept.collect();
        Ok(kept?.into_iter().filter(|kept| known.contains_key(&kept.factor_id)).collect())
    }

    /// Keeps what a passkey says of itself once it was shown, its counter among it, unless that has changed meanwhile: of two requests
    /// with one counter one is let by.
    pub async fn use_passkey(
        &self,
        site: SiteId,
        factor: Uuid,
        (before, after): (&Value, &Value),
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "update second_factors set passkey = $4, last_used_at = $5
            where site_id = $1 and factor_id = $2 and passkey = $3";
        let query = sqlx::query(sql).bind(site.0).bind(factor).bind(before).bind(after).bind(now);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Begins a passkey, in place of one that was begun in the same session.
    pub async fn begin_passkey(
        &self,
        site: SiteId,
        session: Uuid,
        registration: &PasskeyRegistration,
    ) -> Result<(), StoreError> {
        let PasskeyRegistration { person, epoch, challenge, rp_id, expires_at } = registration;
        sqlx::query(
            "insert into passkey_registrations (site_id, token_id, person_id, epoch, challenge, rp_id, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (site_id, token_id) do update set person_id = excluded.person_id, epoch = excluded.epoch,
                challenge = excluded.challenge, rp_id = excluded.rp_id, expires_at = excluded.expires_at",
        )
        .bind(site.0)
        .bind(session)
        .bind(person.0)
        .bind(epoch)
        .bind(challenge)
        .bind(rp_id)
        .bind(expires_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes up the passkey that was begun in a session: once.
    pub async fn take_passkey(
        &self,
        site: SiteId,
        session: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<PasskeyRegistration>, StoreError> {
        let sql = "delete from passkey_registrations where site_id = $1 and token_id = $2
            returning person_id, epoch, challenge, rp_id, expires_at";
        let row = sqlx::query(sql).bind(site.0).bind(session).fetch_optional(&self.pool).await?;
        let taken = row.map(|row| {
            Ok::<_, StoreError>(PasskeyRegistration {
                person: PersonId(row.try_get("person_id")?),
                epoch: row.try_get("epoch")?,
                challenge: row.try_get("challenge")?,
                rp_id: row.try_get("rp_id")?,
                expires_at: row.try_get("expires_at")?,
            })
        });
        Ok(taken.transpose()?.filter(|taken| taken.expires_at > now))
    }

    /// A second factor is its person's from now on, unless its first code was used before, or the session has ended: then nothing was
    /// done. `told` tells the log: it is polled only once nobody else can use the code or end the session, and nothing else is changed
    /// if it fails. It must not need this store's pool, a connection of which is held meanwhile.
    pub async fn settle_second_factor<E: From<StoreError>>(
        &self,
        (site, person): (SiteId, PersonId),
        settled: Settled<'_>,
        now: DateTime<Utc>,
        told: impl Future<Output = Result<(), E>>,
    ) -> Result<Settling, E> {
        let Settled { factor_id, step, shown: (shown, session), codes } = settled;
        let mut transaction = begin(&self.pool).await.map_err(StoreError::from)?;
        let grounds = Grounds { session, verified: None };
        if !hold(&mut transaction, (site, person), &grounds, now).await? {
            return Ok(Settling::Ended);
        }
        if let Some(step) = step {
            let query = sqlx::query(USE_STEP).bind(site.0).bind(factor_id).bind(step).bind(now);
            let used = query.execute(&mut *transaction).await.map_err(StoreError::from)?;
            if used.rows_affected() == 0 {
                return Ok(Settling::Used);
            }
        }
        told.await?;
        if let Some(codes) = codes {
            put_codes(&mut transaction, (site, person), codes).await?;
        }
        let sql = "update tokens set second_factor = $4 where site_id = $1 and person_id = $2 and id = $3";
        let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(session).bind(<&str>::from(shown));
        query.execute(&mut *transaction).await.map_err(StoreError::from)?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(Settling::Done)
    }

    /// Calls a second factor something else.
    pub async fn rename_second_factor(
        &self,
        site: SiteId,
        person: PersonId,
        factor: Uuid,
        name: &str,
    ) -> Result<(), StoreError> {
        let sql = "update second_factors set name = $4 where site_id = $1 and person_id = $2 and factor_id = $3";
        sqlx::query(sql).bind(site.0).bind(person.0).bind(factor).bind(name).execute(&self.pool).await?;
        Ok(())
    }

    /// Takes away what is kept of second factors that have gone from the log, with the recovery codes where none is left there.
    pub async fn forget_second_factors(
        &self,
        site: SiteId,
        person: PersonId,
        (gone, known): (&[Uuid], &Known),
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await?;
        let sql = "delete from second_factors where site_id = $1 and person_id = $2 and factor_id = any ($3)";
        sqlx::query(sql).bind(site.0).bind(person.0).bind(gone).execute(&mut *transaction).await?;
        if known.is_empty() {
            put_codes(&mut transaction, (site, person), &[]).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Puts recovery codes in the place of those before; false where what they are made by has ended, and nothing was done.
    pub async fn put_recovery_codes(
        &self,
        (site, person): (SiteId, PersonId),
        codes: &[SecretString],
        grounds: &Grounds,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        if !hold(&mut transaction, (site, person), grounds, now).await? {
            return Ok(false);
        }
        put_codes(&mut transaction, (site, person), codes).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Uses a recovery code up; whether it was one of the person's, which it is once.
    pub async fn use_recovery_code(
        &self,
        site: SiteId,
        person: PersonId,
        code: &SecretString,
    ) -> Result<bool, StoreError> {
        let sql = "delete from recovery_codes where site_id = $1 and person_id = $2 and code_hash = $3";
        let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(hash(code.expose_secret()));
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// How many recovery codes a person has left.
    pub async fn recovery_codes_left(&self, site: SiteId, person: PersonId) -> Result<i64, StoreError> {
        let sql = "select count(*) from recovery_codes where site_id = $1 and person_id = $2";
        Ok(sqlx::query_scalar(sql).bind(site.0).bind(person.0).fetch_one(&self.pool).await?)
    }

    /// Seals anew, one by one, what codes are made from and is not sealed under the first key, of every site that this store sees; how
    /// many there are. Where one cannot be opened, none is.
    pub async fn reseal_totps(&self, keys: &Keys) -> Result<usize, RotateError> {
        keys.first().map_err(RotateError::NoKeys)?;
        let mut outdated = Vec::new();
        for (site, person, kept) in self.totps().await? {
            if kept.secret.is_current(keys) {
                continue;
            }
            let sealed_for = SealedFor::SecondFactor(site, person, kept.factor_id);
            let secret = kept.secret.reveal(keys, sealed_for).and_then(|text| TotpSecret::of(keys, sealed_for, &text));
            let anew = secret.map_err(|error| RotateError::SecondFactor { site, error })?;
            outdated.push((site, kept, anew));
        }
        for (site, kept, anew) in &outdated {
            self.reseal_totp(*site, kept.factor_id, (&kept.secret, anew)).await?;
        }
        Ok(outdated.len())
    }

    async fn totps(&self) -> Result<Vec<(SiteId, PersonId, KeptTotp)>, StoreError> {
        let sql = "select site_id, person_id, factor_id, key_id, secret, added_at from second_factors
            where kind = 'totp' order by site_id, factor_id";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        let kept = rows.iter().map(|row| {
            let (site, person) = (SiteId(row.try_get("site_id")?), PersonId(row.try_get("person_id")?));
            Ok((site, person, kept_totp(row)?))
        });
        kept.collect()
    }
}

const USE_STEP: &str = "update second_factors set last_step = $3, last_used_at = $4
    where site_id = $1 and factor_id = $2 and kind = 'totp' and last_step < $3";

fn kept_totp(row: &PgRow) -> Result<KeptTotp, StoreError> {
    let (factor_id, added_at) = (row.try_get("factor_id")?, row.try_get("added_at")?);
    Ok(KeptTotp { factor_id, secret: TotpSecret::read(row)?, added_at })
}

/// Takes away what a person has begun with and not gone on with. What has just come to the log is not taken for it.
async fn forget_abandoned(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
    known: &Known,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let known: Vec<Uuid> = known.keys().copied().collect();
    let sql = "delete from second_factors
        where site_id = $1 and person_id = $2 and added_at < $3 and factor_id <> all ($4)";
    let query = sqlx::query(sql).bind(site.0).bind(person.0).bind(now - ABANDONED).bind(&known);
    query.execute(&mut *connection).await?;
    Ok(())
}

async fn put_codes(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
    codes: &[SecretString],
) -> Result<(), StoreError> {
    let sql = "delete from recovery_codes where site_id = $1 and person_id = $2";
    sqlx::query(sql).bind(site.0).bind(person.0).execute(&mut *connection).await?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| hash(code.expose_secret())).collect();
    let sql = "insert into recovery_codes (site_id, person_id, code_hash) select $1, $2, unnest($3::bytea[])";
    sqlx::query(sql).bind(site.0).bind(person.0).bind(&hashes).execute(&mut *connection).await?;
    Ok(())
}
