//! The migrations, run once under a lock however many processes start.

use rollbook_domain::SiteId;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::StoreError;
use crate::connect::pool_options;
use crate::site_databases::claim;

/// All of them.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Brings the schema of an installation's database to this version. That of a single site is refused.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    migrate_of(pool, SiteId::DEFAULT).await
}

/// Brings the schema of a site's own database to this version; of the default site, of the installation's. One that belongs to
/// another is refused.
pub async fn migrate_of(pool: &PgPool, site: SiteId) -> Result<(), StoreError> {
    apply(pool).await?;
    if claim(pool, site).await? { Ok(()) } else { Err(StoreError::Elsewhere) }
}

/// Applies the migrations that are missing. sqlx holds an advisory lock while it looks and applies, and keeps it where that fails.
/// The lock ends with its connection, which is therefore not one that goes back to the pool.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), StoreError> {
    let options = pool.connect_options().as_ref().clone();
    let own = pool_options(1).connect_with(options).await?;
    let migrated = MIGRATIONS.run(&own).await;
    own.close().await;
    Ok(migrated?)
}
