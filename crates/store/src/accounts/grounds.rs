//! By what somebody makes something that outlives their request. It is held in the transaction that makes it: whoever ends it waits for
//! that, and ends what it has made, or that waits for them, and makes nothing.

use chrono::{DateTime, Utc};
use rollbook_domain::{PersonId, SiteId};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

/// What must still be good.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    /// The session, or the token from the command line, by which it is asked for; none where it is to be one.
    pub session: Option<Uuid>,
    /// The hash of the password that was verified for it.
    pub verified: Option<SecretString>,
}

/// Whether all of it is still good; then it is until the transaction has ended. The password first, as whoever changes it has it, so
/// that nobody waits for each other.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    (site, person): (SiteId, PersonId),
    grounds: &Grounds,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if let Some(phc) = &grounds.verified {
        let sql = "select from credentials where site_id = $1 and person_id = $2 and phc = $3 for share";
        let held = sqlx::query(sql).bind(site.0).bind(person.0).bind(phc.expose_secret());
        if held.fetch_optional(&mut *connection).await?.is_none() {
            return Ok(false);
        }
    }
    if let Some(session) = grounds.session {
        // Not shared: of two that then wrote to it, each would wait for the other.
        let sql = "select from tokens where site_id = $1 and person_id = $2 and id = $3 and revoked_at is null and expires_at > $4
            for no key update";
        let held = sqlx::query(sql).bind(site.0).bind(person.0).bind(session).bind(now);
        if held.fetch_optional(&mut *connection).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
