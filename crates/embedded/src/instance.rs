//! An instance and its users: the first one in starts it, the last one out stops it; never stops it under anybody.

use std::fmt;
use std::path::Path;

use crate::cluster::{Cluster, clear_unfinished};
use crate::error::Error;
use crate::find::{Version, find};
use crate::home::Home;
use crate::locks::{StartLock, UserMark};
use crate::process::{State, namespace};
use crate::secrets::{Secrets, write_durably};
use crate::server::Server;
use crate::temporary::Watchdog;
use crate::{Options, roles};

/// A private server, for as long as this is held. End with [`Instance::stop`].
///
/// Without that (a panic, a kill), the server goes on, and the next start for the same data directory joins it.
#[must_use = "the server runs for as long as this is held"]
pub struct Instance {
    url: String,
    superuser_url: String,
    version: Version,
    server: Server,
    mark: UserMark,
    say: crate::Say,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Instance {
    /// Joins the server of a data directory, or starts it; makes its cluster, role and database if they are missing.
    ///
    /// A new cluster takes about two seconds, an old one less than one, joining some milliseconds. All waiting is bounded.
    /// Needs a Tokio runtime with I/O and time.
    pub async fn start_or_join(options: Options) -> Result<Self, Error> {
        Self::open(options, true).await
    }

    pub(crate) async fn open(options: Options, durable: bool) -> Result<Self, Error> {
        let Options { data_dir, pg_bin, settings, say, search } = options;
        let home = Home::open(&data_dir, &search, &say).await?;
        let owner = home.owner;
        let _lock = StartLock::take(&home.directory, owner, &say).await?;
        clear_unfinished(&home.directory);
        let mark = UserMark::open(&home.directory, owner)?;
        let secrets = Secrets::load(&home.directory, owner)?;
        let cluster = Cluster::of(&home);
        let made_by = cluster.made_by()?;
        let wanted = made_by.map(|major| (cluster.directory.as_path(), major));
        let fetched = home.directory.join("postgresql");
        let binaries = find(pg_bin.as_deref(), &search, &home.user, wanted, &fetched, &say).await?;
        let server = Server { home, cluster, binaries };
        if made_by.is_none() {
            server.cluster.make(&server.home, &server.binaries, &secrets.superuser, durable, &say).await?;
        } else if secrets.fresh {
            say("the superuser's password was lost: giving it a new one");
            server.stop().await?;
            server.reset_password(&secrets.superuser).await?;
        }
        let port = match server.state()? {
            State::Ready(port) => port,
            _ => start(&server, &mark, &data_dir, &settings, &say).await?,
        };
        let version = roles::ensure(&server, port, &secrets).await?;
        mark.set()?;
        Ok(Self {
            url: roles::url(port, roles::ROLE, &secrets.role),
            superuser_url: roles::url(port, roles::SUPERUSER, &secrets.superuser),
            version,
            server,
            mark,
            say,
            watchdog: None,
        })
    }

    /// The URL of the database `rollbook` for its ordinary role `rollbook`, with the password: keep it out of logs.
    ///
    /// sqlx, tokio-postgres and psql read it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the database `postgres` for the superuser. For set-up and tests; the service has no use for it.
    pub fn superuser_url(&self) -> &str {
        &self.superuser_url
    }

    /// The cluster's folder. It is not in the data directory when the server's user cannot reach that.
    pub fn directory(&self) -> &Path {
        &self.server.cluster.directory
    }

    /// The version of the server that runs.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Leaves the instance. The last one out stops the server: its clients are disconnected and everything is written.
    pub async fn stop(self) -> Result<(), Error> {
        if let Some(watchdog) = self.watchdog {
            return watchdog.finish().await;
        }
        let home = &self.server.home;
        let _lock = StartLock::take(&home.directory, home.owner, &self.say).await?;
        if self.mark.clear()? {
            self.server.stop().await?;
        }
        Ok(())
    }
}

/// Starts a server that does not run.
async fn start(
    server: &Server,
    mark: &UserMark,
    data_dir: &Path,
    settings: &[(String, String)],
    say: &crate::Say,
) -> Result<u16, Error> {
    let home = &server.home;
    // Users without a server: it crashed under them, and is started again; unless it runs where we cannot see it.
    let (note, here) = (home.directory.join("namespace"), namespace());
    let there = std::fs::read_to_string(&note).unwrap_or_default();
    if there.trim() != here && !mark.clear()? {
        return Err(Error::OtherContainer { path: data_dir.into() });
    }
    write_durably(&note, &format!("{here}\n"), home.owner, 0o600)?;
    let version = server.binaries.version;
    say(&format!("starting PostgreSQL {version} in {}", server.cluster.directory.display()));
    server.start(settings, say).await
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the URLs, which have passwords in them.
        f.debug_struct("Instance")
            .field("directory", &self.directory())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
