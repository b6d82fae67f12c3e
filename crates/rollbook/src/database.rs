//! The database of a run: the one that `DATABASE_URL` names, or the private one, joined or started for as long as needed.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rollbook_domain::SiteId;
use rollbook_domain::site::{SiteDatabase, Slug};
use rollbook_embedded::{Instance, Options};
use rollbook_http::SiteDatabases;
use rollbook_store::connect::{self, ConnectError, options};
use rollbook_store::keys::Keys;
use rollbook_store::migrate::migrate;
use rollbook_store::site_databases::{Opened, Reach, Relay};
use rollbook_store::transfer::{TransferError, copy};
use rollbook_store::{Clock, EventStore, Executor};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::cli::DatabaseArgs;
use crate::failure::{Done, Failure};
use crate::output;
use crate::sites::by_slug;

/// How many connections a process has at most.
const MAX_CONNECTIONS: u32 = 20;

/// An open database. End with [`Database::close`].
#[derive(Debug)]
pub struct Database {
    url: SecretString,
    pool: PgPool,
    keys: Keys,
    reach: Reach,
    /// The connections to sites' own databases.
    sites: Mutex<Vec<(PgPool, Relay)>>,
    instance: Option<Instance>,
    told: bool,
}

impl Database {
    /// Opens the database; it may be older than this software. What takes a while is told where somebody waits for it:
    /// on a terminal, and by what runs for long.
    pub async fn open(place: &DatabaseArgs, keys: Keys, reach: Reach, runs_for_long: bool) -> Done<Self> {
        let (url, instance, told) = if let Some(url) = &place.database_url {
            (url.as_str().into(), None, false)
        } else {
            let (instance, told) = start(place, runs_for_long).await?;
            (SecretString::from(instance.url()), Some(instance), told)
        };
        match connect(&url).await {
            Ok(pool) => Ok(Self { url, pool, keys, reach, sites: Mutex::default(), instance, told }),
            Err(failure) => {
                if let Some(instance) = instance {
                    instance.stop().await?;
                }
                Err(failure)
            }
        }
    }

    /// The URL, with the password: for whoever asked for it.
    pub fn url(&self) -> &SecretString {
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
            None => match options(&self.url) {
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

    /// Copies everything that cannot be made again out of another database into this one, which nothing may be in. Says
    /// how many rows each table had.
    pub async fn load(&self, from: &Self) -> Result<Vec<(&'static str, i64)>, TransferError> {
        copy(&from.pool, &self.pool).await
    }

    /// The log, on the schema of this version.
    pub async fn store(&self) -> Done<EventStore> {
        self.migrate().await?;
        Ok(EventStore::new(self.pool.clone()))
    }

    /// What the URLs of sites' own databases are sealed under.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How sites' own databases are reached.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The log that a site is in, and the site: the one place where a subcommand learns which database it works on.
    pub async fn of_site(&self, slug: &Slug) -> Done<(EventStore, SiteId)> {
        let store = self.store().await?;
        let site = by_slug(&store, slug).await?;
        match store.site(site).await?.state.database {
            SiteDatabase::Shared => return Ok((store, site)),
            SiteDatabase::Active => {}
            SiteDatabase::Wanted | SiteDatabase::Given => {
                let slug = slug.as_str();
                let missing = format!("the database of {slug} is not set up yet; see rollbook sites database {slug}");
                return Err(Failure::new(missing));
            }
        }
        let opened = self.open_site(&store, site).await;
        let pool = opened.map_err(|failure| failure.during(format!("the database of {}", slug.as_str())))?;
        Ok((EventStore::new(pool), site))
    }

    /// Brings the schemas of sites' own databases to this version; how many there are.
    pub async fn migrate_sites(&self) -> Done<usize> {
        Ok(self.own_stores(&EventStore::new(self.pool.clone())).await?.len())
    }

    /// The logs of the sites that have databases of their own, on the schema of this version.
    pub async fn own_stores(&self, store: &EventStore) -> Done<Vec<EventStore>> {
        let mut stores = Vec::new();
        for given in store.site_databases().await?.into_iter().filter(|given| given.settled) {
            let opened = self.open_site(store, given.site).await;
            let pool = opened.map_err(|failure| failure.during(format!("the database of site {}", given.site)))?;
            stores.push(EventStore::new(pool));
        }
        Ok(stores)
    }

    async fn open_site(&self, store: &EventStore, site: SiteId) -> Done<PgPool> {
        // Nothing is decided by it that a clock would matter to.
        let executor = Executor::new(store.clone(), Clock::system());
        let databases = SiteDatabases::new(executor, self.keys.clone(), self.reach.clone());
        let Opened { pool, relay } = databases.open(site, MAX_CONNECTIONS).await?;
        self.sites.lock().unwrap_or_else(PoisonError::into_inner).push((pool.clone(), relay));
        Ok(pool)
    }

    /// Closes the connections and leaves the private server, which stops when nobody else uses it.
    pub async fn close(self) -> Done {
        for (pool, relay) in self.sites.into_inner().unwrap_or_else(PoisonError::into_inner) {
            pool.close().await;
            drop(relay);
        }
        self.pool.close().await;
        if let Some(instance) = self.instance {
            instance.stop().await?;
        }
        Ok(())
    }
}

/// Starts or joins the private server, and whether that was told.
async fn start(place: &DatabaseArgs, runs_for_long: bool) -> Done<(Instance, bool)> {
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

async fn connect(url: &SecretString) -> Done<PgPool> {
    let options = options(url).map_err(|error| Failure::new(format!("DATABASE_URL cannot be read; {error}")))?;
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    connect::connect(options, MAX_CONNECTIONS).await.map_err(|error| match error {
        ConnectError::TooOld(_) => Failure::new(format!("the database cannot be used: {error}")),
        ConnectError::Refused(error) => {
            Failure::new(format!("the database at {host}:{port} cannot be reached: {}", reason(&error)))
        }
        error => Failure::new(format!("the database at {host}:{port} cannot be reached: {error}")),
    })
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
