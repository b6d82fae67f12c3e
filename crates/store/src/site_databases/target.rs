//! A database that is to be a site's: whether it is fit, and its set-up. Nothing is written to one that holds anything else.

use std::collections::BTreeMap;

use rollbook_domain::SiteId;
use secrecy::SecretString;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::{Connection, PgConnection, PgPool, Row};

use super::address::Address;
use super::claim;
use super::reach::Reach;
use super::relay::Relay;
use crate::connect::{ConnectError, connect};
use crate::error::is_gone;
use crate::migrate::{BASELINE, MIGRATIONS, apply, migrate_of};
use crate::{EventStore, StoreError};

/// How many connections the set-up takes, beside that which holds the lock.
const MOST: u32 = 1;
/// Whoever sets a database up holds this advisory lock of it.
const LOCK: i64 = 5_570_193_308_531_903_606;

/// Why a database cannot be a site's. Nothing in it says where that is or how to get in.
#[derive(Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum Unfit {
    /// It is not the URL of a database.
    #[strum(serialize = "database_url_unreadable")]
    #[error("the URL cannot be read; it looks like postgres://user:password@host:5432/database")]
    Url,
    /// There is no password in it; none is taken from elsewhere.
    #[strum(serialize = "database_password_missing")]
    #[error("the URL has no password, and none is taken from elsewhere")]
    Password,
    /// It has parameters that would be taken from this machine, or lead elsewhere.
    #[strum(serialize = "database_parameter_refused")]
    #[error("the URL may have one parameter, which is sslmode")]
    Parameter,
    /// The way to it would be open to others.
    #[strum(serialize = "database_tls_required")]
    #[error(
        "the way to another machine is encrypted, and its certificate verified: leave sslmode out, or say verify-full"
    )]
    Tls,
    /// The operator does not let us go there.
    #[strum(serialize = "database_host_not_allowed")]
    #[error("databases may not be on that host and port")]
    Host,
    /// Nobody lets us in. Why is in the log: whoever gives URLs is not told what is behind them.
    #[strum(serialize = "database_unreachable")]
    #[error("the database cannot be reached, or does not let us in; the log says why")]
    Unreachable,
    /// The server is too old.
    #[strum(serialize = "database_too_old")]
    #[error("the server is PostgreSQL {0}; Rollbook needs {oldest} or newer", oldest = crate::connect::OLDEST_MAJOR)]
    TooOld(u32),
    /// It holds something that is not ours.
    #[strum(serialize = "database_not_empty")]
    #[error("the database is not empty; give one that nothing is in")]
    NotEmpty,
    /// It is an installation's, or another site's.
    #[strum(serialize = "database_in_use")]
    #[error("the database belongs to another site, or is that of an installation; give one that nothing is in")]
    InUse,
    /// Newer software has been there.
    #[strum(serialize = "database_newer")]
    #[error("the database was set up by a newer version of Rollbook; use that version")]
    Newer,
    /// A program of before the baseline of the migrations has been there.
    #[strum(serialize = "database_before_baseline")]
    #[error(
        "the database was set up before Rollbook's schema was laid out anew; `rollbook load` copies it into a new one"
    )]
    BeforeBaseline,
    /// The user may not do there what has to be done.
    #[strum(serialize = "database_not_writable")]
    #[error("the user may not make tables in the database, or it cannot be written to")]
    NotWritable,
    /// It is not as the migrations make it.
    #[strum(serialize = "database_unsound")]
    #[error("the database is not as the migrations make it ({0})")]
    Unsound(String),
}

impl Unfit {
    /// The stable name.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// What a failure on the way comes to.
    fn of(error: &sqlx::Error) -> Self {
        match error.as_database_error().and_then(DatabaseError::code).as_deref() {
            // No right to; read-only, as a standby is.
            Some("42501" | "25006") => Self::NotWritable,
            // The code is the server's word.
            Some(code)
                if !is_gone(error) && code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Self::Unsound(code.to_owned())
            }
            Some(_) if !is_gone(error) => Self::Unsound("XX000".to_owned()),
            _ => Self::Unreachable,
        }
    }
}

impl From<sqlx::Error> for Unfit {
    fn from(error: sqlx::Error) -> Self {
        Self::of(&error)
    }
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(error)
            | StoreError::Database(error)
            | StoreError::Migrate(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                Self::of(error)
            }
            StoreError::Migrate(MigrateError::VersionMissing(_)) => Self::Newer,
            StoreError::BeforeBaseline => Self::BeforeBaseline,
            StoreError::WrongDatabase => Self::InUse,
            _ => Self::Unsound("XX000".to_owned()),
        }
    }
}

impl From<ConnectError> for Unfit {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Url => Self::Url,
            ConnectError::Late => Self::Unreachable,
            ConnectError::Refused(error) => Self::of(&error),
            ConnectError::TooOld(major) => Self::TooOld(major),
        }
    }
}

/// Connections to a site's own database, on the schema of this version, and the way that they take.
#[derive(Debug)]
pub struct Opened {
    /// The connections.
    pub pool: PgPool,
    /// What they go through: without it they end.
    pub relay: Relay,
}

impl Opened {
    /// Opens a database that is a site's, with so many connections at most.
    pub async fn try_new(url: &SecretString, site: SiteId, reach: &Reach, most: u32) -> Result<Self, Unfit> {
        let Self { pool, relay } = reach.in_time(Self::connect(url, site, reach, most)).await?;
        match migrate_of(&pool, site).await {
            Ok(()) => Ok(Self { pool, relay }),
            Err(error) => {
                pool.close().await;
                Err(error.into())
            }
        }
    }

    async fn connect(url: &SecretString, site: SiteId, reach: &Reach, most: u32) -> Result<Self, Unfit> {
        let address = Address::try_new(url, reach.hosts())?;
        let relay = Relay::open(site, address, reach).await.map_err(|trouble| {
            tracing::error!(%site, %trouble, "there is no way to the database of a site");
            Unfit::Unreachable
        })?;
        let pool = connect(relay.options(), most).await?;
        Ok(Self { pool, relay })
    }
}

/// A database that a site may have.
#[derive(Debug)]
pub struct Target {
    opened: Opened,
    site: SiteId,
}

impl Target {
    /// The database that a URL leads to, once it is set up for a site. `registry` is where its installation is. Done before, it
    /// changes nothing; of two sites that ask at once for one database, one gets it.
    pub async fn prepare(
        url: &SecretString,
        site: SiteId,
        registry: &EventStore,
        reach: &Reach,
    ) -> Result<Self, Unfit> {
        let opened = reach.in_time(Opened::connect(url, site, reach, MOST)).await?;
        let target = Self { opened, site };
        match target.set_up(registry).await {
            Ok(()) => Ok(target),
            Err(unfit) => {
                target.close().await;
                Err(unfit)
            }
        }
    }

    /// The log in it.
    pub fn store(&self) -> EventStore {
        EventStore::new(self.pool().clone())
    }

    fn pool(&self) -> &PgPool {
        &self.opened.pool
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.pool().close().await;
    }

    /// One at a time: what another one has made half-way would look like somebody else's. The lock has a connection of its own, and
    /// ends with it however this ends.
    async fn set_up(&self, registry: &EventStore) -> Result<(), Unfit> {
        let mut lock = PgConnection::connect_with(&self.pool().connect_options()).await?;
        sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut lock).await?;
        let done = self.set_up_alone(registry).await;
        lock.close().await?;
        done
    }

    async fn set_up_alone(&self, registry: &EventStore) -> Result<(), Unfit> {
        self.inspect(registry).await?;
        apply(self.pool()).await?;
        if !claim(self.pool(), self.site).await? {
            return Err(Unfit::InUse);
        }
        self.check().await
    }

    /// Whether nothing is in it, or only what this set-up has made before.
    async fn inspect(&self, registry: &EventStore) -> Result<(), Unfit> {
        let (migrated, logged, marked): (bool, bool, bool) = sqlx::query_as(
            "select to_regclass('public._sqlx_migrations') is not null, to_regclass('public.events') is not null,
                to_regclass('public.database_of') is not null",
        )
        .fetch_one(self.pool())
        .await?;
        let tables = tables(self.pool()).await?;
        if !migrated {
            return if tables.is_empty() { Ok(()) } else { Err(Unfit::NotEmpty) };
        }
        self.known_migrations().await?;
        if marked {
            let owner = sqlx::query_scalar("select site_id from database_of").fetch_optional(self.pool()).await?;
            if let Some(owner) = owner {
                return if SiteId(owner) == self.site { Ok(()) } else { Err(Unfit::InUse) };
            }
        }
        // Broken off on the way, or the database of an installation from before it said whose it is.
        let used = logged && sqlx::query_scalar("select exists (select from events)").fetch_one(self.pool()).await?;
        let ours = self::tables(registry.pool()).await.map_err(|_| Unfit::Unreachable)?;
        if used {
            Err(Unfit::InUse)
        } else if tables.iter().all(|table| ours.contains(table)) {
            Ok(())
        } else {
            Err(Unfit::NotEmpty)
        }
    }

    /// Whether the migrations that it has are ours.
    async fn known_migrations(&self) -> Result<(), Unfit> {
        let known: BTreeMap<i64, &[u8]> =
            MIGRATIONS.iter().map(|migration| (migration.version, &*migration.checksum)).collect();
        let newest = known.keys().last().copied().unwrap_or_default();
        let applied = sqlx::query("select version, checksum from _sqlx_migrations order by version");
        for row in applied.fetch_all(self.pool()).await? {
            let (version, checksum): (i64, Vec<u8>) = (row.try_get("version")?, row.try_get("checksum")?);
            match known.get(&version) {
                Some(ours) if *ours == checksum.as_slice() => {}
                None if version > newest => return Err(Unfit::Newer),
                None if version < BASELINE => return Err(Unfit::BeforeBaseline),
                _ => return Err(Unfit::NotEmpty),
            }
        }
        Ok(())
    }

    /// Whether sites are kept apart in it as everywhere, and nothing of another is there.
    async fn check(&self) -> Result<(), Unfit> {
        let open = "select c.relname::text from pg_class c
                join pg_attribute a on a.attrelid = c.oid and a.attname = 'site_id' and not a.attisdropped
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
                and not (c.relrowsecurity and c.relforcerowsecurity) limit 1";
        if let Some(table) = sqlx::query_scalar::<_, String>(open).fetch_optional(self.pool()).await? {
            return Err(Unfit::Unsound(format!("{table} is not guarded")));
        }
        let others = "select exists (select from events where site_id <> $1)";
        let others: bool = sqlx::query_scalar(others).bind(self.site.0).fetch_one(self.pool()).await?;
        if others { Err(Unfit::InUse) } else { Ok(()) }
    }
}

/// What somebody has made in a database, but for what belongs to an extension.
async fn tables(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let sql = "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')";
    sqlx::query_scalar(sql).fetch_all(pool).await
}
