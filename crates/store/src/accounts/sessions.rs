//! Sessions and keys by their public ids: made, listed, ended. A token is shown when it is made and never again.

use chrono::{DateTime, Utc};
use rollbook_domain::account::{KeyScope, ShownFactor, SignInMethod};
use rollbook_domain::person::Person;
use rollbook_domain::{PersonId, Personal, SiteId};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::Row;
use sqlx::types::Json;
use uuid::Uuid;

use super::grounds::{Grounds, hold};
use super::ways_in::{EVERYWHERE, end};
use crate::tokens::{TokenKind, hash, new_token};
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its public id.
    pub id: Uuid,
    /// A session that was begun by this, or a key.
    pub what: NewTokenKind,
    /// What was shown besides: of a key, what its session had shown.
    pub second_factor: ShownFactor,
    /// What it is made by: if that has ended meanwhile, nothing is made.
    pub grounds: Grounds,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// The epoch of its person that it is good in: that of the way in that it is made by.
    pub epoch: i64,
}

/// What a new token is.
#[derive(Clone, Debug)]
pub enum NewTokenKind {
    /// A session.
    Session(SignInMethod),
    /// A key, with what its person calls it and what it may do.
    ApiKey(Personal<String>, KeyScope),
}

/// A session, or a token that the command line printed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionItem {
    /// Its public id.
    pub session_id: Uuid,
    /// `session`, or `issued` for a token from the command line.
    pub kind: TokenKind,
    /// What its person signed in with.
    pub method: Option<SignInMethod>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was used last, to five minutes; a session that is not used for long enough ends.
    pub last_used_at: DateTime<Utc>,
    /// When it ends by itself, however much it is used.
    pub expires_at: DateTime<Utc>,
}

/// An API key as it is listed: never the key itself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApiKeyItem {
    /// Its public id.
    pub key_id: Uuid,
    /// What its person calls it.
    pub name: Personal<String>,
    /// What it may do.
    pub scope: KeyScope,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl EventStore {
    /// Makes a session or a key; the token, or none where what it is made by has ended. Whoever changes the password waits for this,
    /// or this for them: nothing is left that was made by the old one.
    pub async fn issue(
        &self,
        site: SiteId,
        person: PersonId,
        token: &NewToken,
        now: DateTime<Utc>,
    ) -> Result<Option<SecretString>, StoreError> {
        let mut transaction = begin(&self.pool).await?;
        if !hold(&mut transaction, (site, person), &token.grounds, now).await? {
            return Ok(None);
        }
        let secret = new_token();
        let (kind, method, name, scope) = match &token.what {
            NewTokenKind::Session(method) => (TokenKind::Session, Some(<&str>::from(method)), None, None),
            NewTokenKind::ApiKey(name, scope) => (TokenKind::ApiKey, None, Some(name.as_str()), Some(Json(scope))),
        };
        sqlx::query(
            "insert into tokens (token_hash, site_id, person_id, created_at, last_used_at, expires_at, id, kind, method, name,
                 scope, epoch, second_factor)
             values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, 'nothing'))",
        )
        .bind(hash(secret.expose_secret()))
        .bind(site.0)
        .bind(person.0)
        .bind(now)
        .bind(token.expires_at)
        .bind(token.id)
        .bind(<&str>::from(kind))
        .bind(method)
        .bind(name)
        .bind(scope)
        .bind(token.epoch)
        .bind(<&str>::from(token.second_factor))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(secret))
    }

    /// A person's sessions that can still be used, the newest first, by what the log says of the person: in which epoch they are
    /// good, and how long one may rest.
    pub async fn sessions(
        &self,
        site: SiteId,
        person: PersonId,
        state: &Person,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionItem>, StoreError> {
        let rows = sqlx::query(
            "select id, kind, method, created_at, last_used_at, expires_at from tokens
             where site_id = $1 and person_id = $2 and kind <> 'api_key' and revoked_at is null and expires_at > $3
                and epoch = $4 and (kind <> 'session' or last_used_at > $5)
             order by created_at desc, id",
        )
        .bind(site.0)
        .bind(person.0)
        .bind(now)
        .bind(state.epochs.access)
        .bind(now - state.idle_limit())
        .fetch_all(&self.pool)
        .await?;
        let unknown = |_| StoreError::Corrupt("a token of a kind that is not known".to_owned());
        rows.iter()
            .map(|row| {
                let method: Option<&str> = row.try_get("method")?;
                Ok(SessionItem {
                    session_id: row.try_get("id")?,
                    kind: row.try_get::<&str, _>("kind")?.parse().map_err(unknown)?,
                    method: method.map(str::parse).transpose().map_err(unknown)?,
                    created_at: row.try_get("created_at")?,
                    last_used_at: row.try_get("last_used_at")?,
                    expires_at: row.try_get("expires_at")?,
                })
            })
            .collect()
    }

    /// A person's keys that can still be used in an epoch of theirs, the newest first.
    pub async fn api_keys(
        &self,
        site: SiteId,
        person: PersonId,
        epoch: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<ApiKeyItem>, StoreError> {
        let rows = sqlx::query(
            "select id, name, scope, created_at, expires_at from tokens
             where site_id = $1 and person_id = $2 and kind = 'api_key' and revoked_at is null and expires_at > $3
                and epoch = $4
             order by created_at desc, id",
        )
        .bind(site.0)
        .bind(person.0)
        .bind(now)
        .bind(epoch)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let (name, Json(scope)): (String, Json<KeyScope>) = (row.try_get("name")?, row.try_get("scope")?);
                Ok(ApiKeyItem {
                    key_id: row.try_get("id")?,
                    name: name.into(),
                    scope,
                    created_at: row.try_get("created_at")?,
                    expires_at: row.try_get("expires_at")?,
                })
            })
            .collect()
    }

    /// Ends one of a person's sessions, or one of their keys.
    pub async fn revoke(&self, site: SiteId, person: PersonId, id: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "update tokens set revoked_at = $4
            where site_id = $1 and person_id = $2 and id = $3 and revoked_at is null";
        sqlx::query(sql).bind(site.0).bind(person.0).bind(id).bind(now).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends whatever lets a person in without their password: sessions, keys, links, the calendar's address.
    pub async fn sign_out_everywhere(
        &self,
        site: SiteId,
        person: PersonId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await?;
        end(&mut transaction, (site, person), EVERYWHERE, None, now).await?;
        Ok(transaction.commit().await?)
    }
}
