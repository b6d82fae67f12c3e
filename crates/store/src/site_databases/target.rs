//! A database that is to be a site's: whether it is fit, and its set-up. Nothing is written to one that holds anything else.

use std::collections::BTreeMap;

use rollbook_domain::SiteId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Row};
use url::Url;

use super::claim;
use crate::connect::{ConnectError, connect, options};
use crate::error::is_gone;
use crate::migrate::{MIGRATIONS, apply};
use crate::{EventStore, StoreError};

/// What sqlx and tokio-postgres understand of a URL's query. What sqlx does not, it logs.
const PARAMETERS: [&str; 11] = [
    "application_name",
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// How many connections the set-up takes: one holds the lock.
const MOST: u32 = 2;
/// Whoever sets a database up holds this advisory lock of it.
const LOCK: i64 = 5_570_193_308_531_903_606;

/// Why a database cannot be a site's. Nothing in it says where that is or how to get in.
#[derive(Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum Unfit {
    /// It is not the URL of a database.
    #[strum(serialize = "database_url_unreadable")]
    #[error("the URL cannot be read; it looks like postgres://user:password@host:5432/database")]
    Url,
    /// Nobody answers there.
    #[strum(serialize = "database_unreachable")]
    #[error("the database cannot be reached")]
    Unreachable,
    /// The server answers, and lets nobody in who says that, or not into that database.
    #[strum(serialize = "database_refused")]
    #[error("the server does not let us in: the user, the password or the name of the database is not right")]
    Refused,
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
            // Not who they say they are; no such database.
            Some(code) if code.starts_with("28") || code == "3D000" => Self::Refused,
            // No right to; read-only, as a standby is.
            Some("42501" | "25006") => Self::NotWritable,
            Some(code) if !is_gone(error) => Self::Unsound(code.to_owned()),
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
            StoreError::Elsewhere => Self::InUse,
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

/// A database that a site may have.
#[derive(Debug)]
pub struct Target {
    pool: PgPool,
    site: SiteId,
}

impl Target {
    /// The database that a URL leads to, once it is set up for a site. `registry` is where its installation is. Done before, it
    /// changes nothing; of two sites that ask at once for one database, one gets it.
    pub async fn prepare(url: &SecretString, site: SiteId, registry: &EventStore) -> Result<Self, Unfit> {
        let pool = connect(readable(url)?, MOST).await?;
        let target = Self { pool, site };
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
        EventStore::new(self.pool.clone())
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// One at a time: what another one has made half-way would look like somebody else's.
    async fn set_up(&self, registry: &EventStore) -> Result<(), Unfit> {
        let mut lock = self.pool.acquire().await?;
        sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *lock).await?;
        let done = self.set_up_alone(registry).await;
        // The lock ends with its connection.
        lock.close().await?;
        done
    }

    async fn set_up_alone(&self, registry: &EventStore) -> Result<(), Unfit> {
        self.inspect(registry).await?;
        apply(&self.pool).await?;
        if !claim(&self.pool, self.site).await? {
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
        .fetch_one(&self.pool)
        .await?;
        let tables = tables(&self.pool).await?;
        if !migrated {
            return if tables.is_empty() { Ok(()) } else { Err(Unfit::NotEmpty) };
        }
        self.known_migrations().await?;
        if marked {
            let owner = sqlx::query_scalar("select site_id from database_of").fetch_optional(&self.pool).await?;
            if let Some(owner) = owner {
                return if SiteId(owner) == self.site { Ok(()) } else { Err(Unfit::InUse) };
            }
        }
        // Broken off on the way, or the database of an installation from before it said whose it is.
        let used = logged && sqlx::query_scalar("select exists (select from events)").fetch_one(&self.pool).await?;
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
        for row in applied.fetch_all(&self.pool).await? {
            let (version, checksum): (i64, Vec<u8>) = (row.try_get("version")?, row.try_get("checksum")?);
            match known.get(&version) {
                Some(ours) if *ours == checksum.as_slice() => {}
                None if version > newest => return Err(Unfit::Newer),
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
        if let Some(table) = sqlx::query_scalar::<_, String>(open).fetch_optional(&self.pool).await? {
            return Err(Unfit::Unsound(format!("{table} is not guarded")));
        }
        let others = "select exists (select from events where site_id <> $1)";
        let others: bool = sqlx::query_scalar(others).bind(self.site.0).fetch_one(&self.pool).await?;
        if others { Err(Unfit::InUse) } else { Ok(()) }
    }
}

/// A URL that names a host and a database, and nothing that would be repeated in a log.
fn readable(url: &SecretString) -> Result<PgConnectOptions, Unfit> {
    let parsed = Url::parse(url.expose_secret()).map_err(|_| Unfit::Url)?;
    let says = |name: &str| parsed.query_pairs().any(|(key, value)| key == name && !value.is_empty());
    let host = parsed.host_str().is_some_and(|host| !host.is_empty()) || says("host");
    let database = parsed.path().len() > 1 || says("dbname");
    let plain = parsed.query_pairs().all(|(key, _)| PARAMETERS.contains(&&*key));
    if !host || !database || !plain {
        return Err(Unfit::Url);
    }
    Ok(options(url)?)
}

/// What somebody has made in a database, but for what belongs to an extension.
async fn tables(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let sql = "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')";
    sqlx::query_scalar(sql).fetch_all(pool).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_host_and_a_database() {
        for good in [
            "postgres://u:p@db.example.org:5433/north",
            "postgresql://u@[::1]/north?sslmode=disable",
            "postgres:///north?host=/run/postgresql",
        ] {
            assert!(readable(&good.into()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "north",
            "mysql://u:p@db.example.org/north",
            "https://db.example.org/north",
            "postgres://u:p@db.example.org",
            "postgres://u:p@db.example.org/",
            "postgres:///north",
            "postgres://u:p@db.example.org:x/north",
            "postgres://u:p@db.example.org/north?passwort=p",
            "postgres://u:p@db.example.org/north?sslmode=perhaps",
        ] {
            assert_eq!(readable(&bad.into()).unwrap_err(), Unfit::Url, "{bad}");
        }
    }
}
