//! The way to a database by its URL: whether it can be reached at all, and the pool that all of this crate works on.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::isolation::every_site;
use crate::transaction::lending_none_in_transaction;

/// The oldest PostgreSQL that the migrations are written for.
pub const OLDEST_MAJOR: u32 = 15;
/// How long to wait for a connection.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may have been idle and still be used without asking the server whether it is there. Asking takes a
/// round trip, which would double the cost of small queries.
const TRUSTED: Duration = Duration::from_secs(1);

/// Why a database cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none of a database.
    #[error("it looks like postgres://user:password@localhost:5432/rollbook")]
    Url,
    /// There was no answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
    /// The server cannot be reached, or does not let us in. In the server's words, which may name a user or a database.
    #[error("{0}")]
    Refused(sqlx::Error),
    /// The server is too old.
    #[error("it is PostgreSQL {0}; Rollbook needs {OLDEST_MAJOR} or newer")]
    TooOld(u32),
}

/// What connections of the service and of its subcommands call themselves.
pub(crate) const APPLICATION: &str = "rollbook";

/// What a URL says; what it does not say is the environment's, as everywhere with PostgreSQL.
pub fn options(url: &SecretString) -> Result<PgConnectOptions, ConnectError> {
    let url = url.expose_secret();
    // sqlx itself takes any scheme for PostgreSQL's, and `mysql://…` would be looked for on port 5432.
    let ours = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options: PgConnectOptions = url.parse().ok().filter(|_| ours).ok_or(ConnectError::Url)?;
    Ok(every_site(options.application_name(APPLICATION)))
}

/// Connections that see every site, at most so many at a time. A pool tries again until its time is up, and then knows no reason:
/// the first connection is made without one.
pub async fn connect(options: PgConnectOptions, most: u32) -> Result<PgPool, ConnectError> {
    let reached = tokio::time::timeout(TIMEOUT, PgConnection::connect_with(&options)).await;
    let connection = reached.map_err(|_| ConnectError::Late)?.map_err(ConnectError::Refused)?;
    new_enough(connection.server_version_num())?;
    connection.close().await.map_err(ConnectError::Refused)?;
    Ok(pool_options(most).connect_lazy_with(options))
}

/// The options of every pool: at most so many connections at a time, none of which is lent while it is in a transaction.
#[expect(clippy::disallowed_methods, reason = "this is where pools are made")]
pub fn pool_options(most: u32) -> PgPoolOptions {
    let options =
        PgPoolOptions::new().max_connections(most).acquire_timeout(TIMEOUT).test_before_acquire(false).before_acquire(
            |connection, since| {
                Box::pin(async move {
                    if since.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            },
        );
    lending_none_in_transaction(options)
}

/// Refuses a server that is older than what the migrations are written for. `version` is as PostgreSQL counts: 150018 is
/// 15.18.
fn new_enough(version: Option<u32>) -> Result<(), ConnectError> {
    match version.map(|version| version / 10_000) {
        Some(major) if major < OLDEST_MAJOR => Err(ConnectError::TooOld(major)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_server_that_is_too_old() {
        assert!(matches!(new_enough(Some(140_022)), Err(ConnectError::TooOld(14))));
        assert!(new_enough(Some(150_000)).is_ok());
        assert!(new_enough(Some(180_001)).is_ok());
    }
}
