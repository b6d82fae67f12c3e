//! The migrations, run once under a lock however many processes start.

use rollbook_domain::SiteId;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::StoreError;
use crate::connect::pool_options;
use crate::site_databases::claim;

/// All of them.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// The version of the first. Those of before the baseline have smaller ones.
pub(crate) const BASELINE: i64 = 1_000;

/// Brings the schema of an installation's database to this version. That of a single site is refused.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    migrate_of(pool, SiteId::DEFAULT).await
}

/// Brings the schema of a site's own database to this version; of the default site, of the installation's. One that belongs to
/// another is refused.
pub async fn migrate_of(pool: &PgPool, site: SiteId) -> Result<(), StoreError> {
    apply(pool).await?;
    if claim(pool, site).await? { Ok(()) } else { Err(StoreError::WrongDatabase) }
}

/// Applies the migrations that are missing; a database of before the baseline is refused. sqlx holds an advisory lock
/// while it looks and applies, and keeps it where that fails.
/// The lock ends with its connection, which is therefore not one that goes back to the pool.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), StoreError> {
    let options = pool.connect_options().as_ref().clone();
    let own = pool_options(1).connect_with(options).await?;
    let migrated = match is_before_baseline(&own).await {
        Ok(false) => MIGRATIONS.run(&own).await.map_err(StoreError::from),
        Ok(true) => Err(StoreError::BeforeBaseline),
        Err(error) => Err(error.into()),
    };
    own.close().await;
    migrated
}

/// Whether a database was made by migrations of before the baseline.
async fn is_before_baseline(pool: &PgPool) -> Result<bool, sqlx::Error> {
    // Asked in two steps: a statement that names a table which is not there is refused.
    let migrated = "select to_regclass('public._sqlx_migrations') is not null";
    if !sqlx::query_scalar(migrated).fetch_one(pool).await? {
        return Ok(false);
    }
    let older = "select exists (select from public._sqlx_migrations where version < $1)";
    sqlx::query_scalar(older).bind(BASELINE).fetch_one(pool).await
}
