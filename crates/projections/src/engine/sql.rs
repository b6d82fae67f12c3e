//! Statements without parameters and answers: transactions, tables, settings.

use sqlx::{Executor, PgConnection};

use crate::ProjectionError;

/// Carries out one statement or several.
pub(super) async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), ProjectionError> {
    connection.execute(sql).await?;
    Ok(())
}
