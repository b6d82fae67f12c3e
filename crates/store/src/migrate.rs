//! The migrations, run once under a lock however many processes start.

use sqlx::PgPool;

use crate::StoreError;

/// Brings the database's schema to this version. sqlx holds an advisory lock while it looks and applies.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::migrate!("../../migrations").run(pool).await?;
    Ok(())
}
