//! Ways to another system and back, while somebody is on one: taken away by whoever comes back, so that nobody comes back twice.

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use crate::tokens::{hash, secret};
use crate::{EventStore, StoreError};

/// A way that somebody sets out on.
#[derive(Debug)]
pub struct NewFlow<'a> {
    /// What comes back with them.
    pub state: &'a str,
    /// To which system.
    pub provider: &'a str,
    /// What the system's word must repeat.
    pub nonce: &'a str,
    /// What proves to the system that they come from here.
    pub verifier: &'a str,
    /// Where on this site they go afterwards.
    pub next: &'a str,
    /// When it is too late to come back.
    pub expires_at: DateTime<Utc>,
}

/// A way that somebody has come back from.
#[derive(Debug)]
pub struct Flow {
    /// From which system.
    pub provider: String,
    /// What the system's word must repeat.
    pub nonce: SecretString,
    /// What proves to the system that they come from here.
    pub verifier: SecretString,
    /// Where on this site they go.
    pub next: String,
}

impl EventStore {
    /// Writes down that somebody sets out; what their browser keeps to show that it was them.
    pub async fn begin_flow(&self, site: SiteId, flow: &NewFlow<'_>) -> Result<SecretString, StoreError> {
        let browser = SecretString::from(secret());
        sqlx::query(
            "insert into sign_in_flows (site_id, state_hash, browser_hash, provider, nonce, verifier, next, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(site.0)
        .bind(hash(flow.state))
        .bind(hash(browser.expose_secret()))
        .bind(flow.provider)
        .bind(flow.nonce)
        .bind(flow.verifier)
        .bind(flow.next)
        .bind(flow.expires_at)
        .execute(&self.pool)
        .await?;
        Ok(browser)
    }

    /// Takes the way that a state is of, once; none if it is no state, was used, has run out, or another browser's.
    pub async fn take_flow(
        &self,
        site: SiteId,
        state: &str,
        browser: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<Option<Flow>, StoreError> {
        let row = sqlx::query(
            "delete from sign_in_flows where site_id = $1 and state_hash = $2 and browser_hash = $3
             returning provider, nonce, verifier, next, expires_at",
        )
        .bind(site.0)
        .bind(hash(state))
        .bind(hash(browser.expose_secret()))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let expires_at: DateTime<Utc> = row.try_get("expires_at")?;
        if expires_at <= now {
            return Ok(None);
        }
        let secret = |name| row.try_get::<String, _>(name).map(SecretString::from);
        Ok(Some(Flow {
            provider: row.try_get("provider")?,
            nonce: secret("nonce")?,
            verifier: secret("verifier")?,
            next: row.try_get("next")?,
        }))
    }
}
