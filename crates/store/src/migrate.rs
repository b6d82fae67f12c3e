//! The migrations, run once under a lock however many processes start.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::StoreError;

/// Brings the database's schema to this version. sqlx holds an advisory lock while it looks and applies, and keeps it where
/// that fails. The lock ends with its connection, which is therefore not one that goes back to the pool.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let migrated = sqlx::migrate!("../../migrations").run(&own).await;
    own.close().await;
    Ok(migrated?)
}
