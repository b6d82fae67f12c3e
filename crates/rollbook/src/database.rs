//! The database of a run: the one that `DATABASE_URL` names, or the private one, joined or started for as long as needed.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rollbook_embedded::{Instance, Options};
use rollbook_store::EventStore;
use rollbook_store::isolation::every_site;
use rollbook_store::migrate::migrate;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::cli::Place;
use crate::failure::{Done, Failure};
use crate::output;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may have been idle and still be used without asking the server whether it is there. Asking takes a
/// round trip, which would double the cost of small queries.
const TRUSTED: Duration = Duration::from_secs(1);
/// How many connections a process has at most.
const MAX_CONNECTIONS: u32 = 20;

/// An open database. End with [`Database::close`].
#[derive(Debug)]
pub struct Database {
    url: String,
    pool: PgPool,
    instance: Option<Instance>,
    told: bool,
}

impl Database {
    /// Opens the database; it may be older than this software. What takes a while is told where somebody waits for it:
    /// on a terminal, and by what runs for long.
    pub async fn open(place: &Place, runs_for_long: bool) -> Done<Self> {
        let (url, instance, told) = if let Some(url) = &place.database_url {
            (url.clone(), None, false)
        } else {
            let (instance, told) = start(place, runs_for_long).await?;
            (instance.url().to_owned(), Some(instance), told)
        };
        match connect(&url).await {
            Ok(pool) => Ok(Self { url, pool, instance, told }),
            Err(failure) => {
                if let Some(instance) = instance {
                    instance.stop().await?;
                }
                Err(failure)
            }
        }
    }

    /// The URL, with the password: for whoever asked for it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is the private one, which runs only while somebody uses it.
    pub fn is_private(&self) -> bool {
        self.instance.is_some()
    }

    /// Says where it is, unless starting it has said so.
    pub fn tell_place(&self) {
        if !self.told {
            output::say(&self.place());
        }
    }

    /// Where it is, without secrets.
    pub fn place(&self) -> String {
        match &self.instance {
            Some(instance) => {
                format!("PostgreSQL {} in {}", instance.version(), instance.directory().display())
            }
            None => match self.url.parse::<PgConnectOptions>() {
                Ok(options) => format!(
                    "PostgreSQL at {}:{}, database {}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or("postgres")
                ),
                Err(_) => "PostgreSQL".to_owned(),
            },
        }
    }

    /// Applies the migrations that it lacks; the ones that it had and the ones that it has now.
    pub async fn migrate(&self) -> Done<(usize, usize)> {
        let before = applied(&self.pool).await;
        migrate(&self.pool).await?;
        Ok((before, applied(&self.pool).await))
    }

    /// The log, on the schema of this version.
    pub async fn store(&self) -> Done<EventStore> {
        self.migrate().await?;
        Ok(EventStore::new(self.pool.clone()))
    }

    /// Closes the connections and leaves the private server, which stops when nobody else uses it.
    pub async fn close(self) -> Done {
        self.pool.close().await;
        if let Some(instance) = self.instance {
            instance.stop().await?;
        }
        Ok(())
    }
}

/// Starts or joins the private server, and whether that was told.
async fn start(place: &Place, runs_for_long: bool) -> Done<(Instance, bool)> {
    let told = Arc::new(AtomicBool::new(false));
    let mut options = Options::new(&place.data_dir);
    options.pg_bin.clone_from(&place.pg_bin);
    if runs_for_long || stderr().is_terminal() {
        let told = Arc::clone(&told);
        options.say = Arc::new(move |line| {
            told.store(true, Ordering::Relaxed);
            output::say(line);
        });
    }
    let instance = Instance::start_or_join(options).await?;
    Ok((instance, told.load(Ordering::Relaxed)))
}

async fn connect(url: &str) -> Done<PgPool> {
    // sqlx itself takes any scheme for PostgreSQL's, and `mysql://…` would be looked for on port 5432.
    let ours = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options: PgConnectOptions = url.parse().ok().filter(|_| ours).ok_or_else(|| {
        Failure::new("DATABASE_URL cannot be read; it looks like postgres://user:password@localhost:5432/rollbook")
    })?;
    let options = every_site(options.application_name("rollbook"));
    // A pool tries again until its time is up, and then knows no reason: the first connection is made without one.
    let reached = match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => {
            new_enough(connection.server_version_num())?;
            connection.close().await.map_err(|error| reason(&error))
        }
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())),
    };
    reached.map_err(|reason| {
        let (host, port) = (options.get_host(), options.get_port());
        Failure::new(format!("the database at {host}:{port} cannot be reached: {reason}"))
    })?;
    Ok(PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, since| {
            Box::pin(async move {
                if since.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}

/// Refuses a server that is older than what the migrations are written for. `version` is as PostgreSQL counts: 150018 is
/// 15.18.
fn new_enough(version: Option<u32>) -> Done {
    match version.map(|version| version / 10_000) {
        Some(major) if major < rollbook_embedded::OLDEST_MAJOR => Err(Failure::new(format!(
            "the database is PostgreSQL {major}; Rollbook needs {} or newer",
            rollbook_embedded::OLDEST_MAJOR
        ))),
        _ => Ok(()),
    }
}

fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// How many migrations a database has; none where it was never migrated.
async fn applied(pool: &PgPool) -> usize {
    let applied: Result<i64, _> =
        sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(pool).await;
    applied.ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    #[test]
    fn refuses_a_server_that_is_too_old() {
        assert!(new_enough(Some(140_022)).is_err());
        assert!(new_enough(Some(150_000)).is_ok());
        assert!(new_enough(Some(180_001)).is_ok());
    }
}
