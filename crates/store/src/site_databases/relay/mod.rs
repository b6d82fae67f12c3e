//! The way to a site's own database. sqlx and tokio-postgres meet a Unix socket of this process and no server: what is behind it
//! reaches the server, proves who we are, and passes on nothing but messages of PostgreSQL's protocol, of bounded size and in bounded
//! time. All of it runs on a runtime of its own. It never reads a message that is passed on.
//!
//! How people get in, and with which password, is known here alone: whoever asks the libraries for a password asks in vain.

mod frames;
mod pump;
mod start_up;
mod trouble;
mod upstream;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rollbook_domain::SiteId;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use super::address::Address;
use super::reach::Reach;
use crate::isolation::every_site;

pub use trouble::Trouble;

/// How many threads copy bytes for all own databases together: they never wait for a server, and leave the others to answer.
const THREADS: usize = 2;
/// How many threads look names up and hash: each database looks up one at a time.
const BLOCKING_THREADS: usize = 64;
/// How many connections a database has at most; its pools and links have fewer.
const CONNECTIONS: usize = 128;
/// How often what is wrong with one database is told at most.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// How much of the time for getting in there is here, so that what is wrong is told before whoever waits gives up.
const HEAD_START: f32 = 0.9;
/// The port in the socket's name. It is nobody's port.
const PORT: u16 = 5432;
/// The setting by which connections of ours are told, and after which what they ask for begins.
const MARK: &str = "rollbook.relay";
/// How long a statement may take, as the server is told; it is also held here.
const STATEMENT_TIMEOUT: (&str, &str) = ("statement_timeout", "30min");

/// A way to one database, for as long as this lives.
#[derive(Debug)]
pub struct Relay {
    folder: TempDir,
    mark: String,
    user: String,
    database: String,
    accepting: AbortHandle,
}

/// What all connections to a database share.
struct Shared {
    site: SiteId,
    address: Address,
    tls: Option<TlsConnector>,
    reach: Reach,
    mark: String,
    /// How many bytes of answers that are not at their end have come.
    answers: AtomicUsize,
    /// One look-up of a name at a time.
    look_up: Arc<Semaphore>,
    told: Mutex<Option<Instant>>,
}

impl Relay {
    /// A way to a database. No server has been asked anything yet.
    pub async fn open(site: SiteId, address: Address, reach: &Reach) -> Result<Self, Trouble> {
        let runtime = runtime()?;
        let (reach, tls) = (reach.clone(), address.tls);
        // Reads files.
        let prepared = runtime.spawn_blocking(move || {
            let tls = if tls { Some(upstream::connector(reach.authorities())?) } else { None };
            let folder =
                tempfile::Builder::new().prefix("rollbook-").permissions(Permissions::from_mode(0o700)).tempdir()?;
            Ok::<_, Trouble>((reach, tls, folder))
        });
        let (reach, tls, folder) = prepared.await.map_err(|_| Trouble::Ended)??;
        let listener = {
            let _entered = runtime.enter();
            UnixListener::bind(folder.path().join(format!(".s.PGSQL.{PORT}")))?
        };
        let mark = Uuid::new_v4().simple().to_string();
        let (user, database) = (address.user.clone(), address.database.clone());
        let (answers, look_up, told) = (AtomicUsize::default(), Arc::new(Semaphore::new(1)), Mutex::default());
        let shared = Arc::new(Shared { site, address, tls, reach, mark: mark.clone(), answers, look_up, told });
        let accepting = runtime.spawn(accept(listener, shared)).abort_handle();
        Ok(Self { folder, mark, user, database, accepting })
    }

    /// How sqlx connects through it, to see every site.
    pub fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass().socket(self.folder.path()).port(PORT);
        // The environment's password is kept out here, and would not be asked for.
        let options = options.username(&self.user).password("").database(&self.database);
        let options = options.ssl_mode(PgSslMode::Disable).application_name("rollbook");
        every_site(options.options([(MARK, &*self.mark)]).options([STATEMENT_TIMEOUT]))
    }

    /// How tokio-postgres connects through it.
    pub fn listening(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder.path()).port(PORT).user(&self.user).dbname(&self.database);
        config.ssl_mode(tokio_postgres::config::SslMode::Disable).options(format!("-c {MARK}={}", self.mark));
        config
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// What the operator has to know, and nobody else. Now and then: who asks chooses how often it happens.
    fn tell(&self, trouble: &Trouble) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(site = %self.site, %trouble, "a connection to the database of a site failed");
        }
    }
}

/// Passes connections on until it is broken off, and they with it.
async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) if connections.len() < CONNECTIONS => {
                    connections.spawn(pass(client, Arc::clone(&shared)));
                }
                Ok(_) => shared.tell(&Trouble::TooMany),
                Err(error) => {
                    shared.tell(&error.into());
                    tokio::time::sleep(TOLD_EVERY).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass(mut client: UnixStream, shared: Arc<Shared>) {
    let started = tokio::time::timeout(
        shared.reach.patience().within.mul_f32(HEAD_START),
        start_up::start_up(&mut client, &shared),
    )
    .await;
    let passed = match started {
        Ok(Ok(Some(server))) => pump::pump(client, server, &shared).await,
        Ok(Ok(None)) => Ok(()),
        Ok(Err(trouble)) => Err(trouble),
        Err(_) => Err(Trouble::Late),
    };
    if let Err(trouble) = passed {
        shared.tell(&trouble);
    }
}

/// The runtime of all relays, which ends with the process.
fn runtime() -> Result<Handle, Trouble> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).max_blocking_threads(BLOCKING_THREADS).thread_name("own-databases").enable_all();
    let made = builder.build()?;
    // Where two made one at once, the other one has no work yet.
    if let Err(other) = RUNTIME.set(made) {
        other.shutdown_background();
    }
    RUNTIME.get().map(|runtime| runtime.handle().clone()).ok_or(Trouble::Ended)
}
