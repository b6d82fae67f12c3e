//! Checking a read model: its rows against the same log folded in memory up to the same position. It changes nothing.

use futures::TryStreamExt;
use rollbook_store::{EventStore, Position};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::rebuild::fold_until;
use super::{OnProgress, Progress};
use crate::erased::{AnyModel, Stored};
use crate::{ProjectionError, storage};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// The projection.
    pub name: &'static str,
    /// The position that both sides are at.
    pub position: Position,
    /// How many rows the table has.
    pub rows: u64,
    /// The rows that are not what the log says; none is as it should be.
    pub differences: Vec<Difference>,
}

/// A row that is not what the log says. Both sides have their key and site among their fields.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The row in the table; null where there is none.
    pub live: Option<Value>,
    /// The row that the log makes; null where there should be none.
    pub rebuilt: Option<Value>,
}

/// Checks a model in one snapshot, while reads and writes go on.
pub(super) async fn verify(
    store: &EventStore,
    model: &'static dyn AnyModel,
    progress: OnProgress<'_>,
) -> Result<Verification, ProjectionError> {
    let shape = model.shape();
    let unreadable = |source| ProjectionError::Row { projection: shape.name, source };
    let mut tx = store.pool().begin_with("begin isolation level repeatable read read only").await?;
    let (stored, position): (i32, Position) =
        sqlx::query_as("select version, position from projections where name = $1")
            .bind(shape.name)
            .fetch_one(&mut *tx)
            .await?;
    if stored > shape.version {
        return Err(ProjectionError::Newer { projection: shape.name, stored, ours: shape.version });
    }
    let mut table = model.memory();
    fold_until(store, table.as_mut(), position, |at| {
        progress(Progress { name: shape.name, position: at, head: position });
    })
    .await?;
    let mut verification = Verification { name: shape.name, position, rows: 0, differences: Vec::new() };
    let sql = storage::select_all(&shape);
    let mut rows = sqlx::query_as::<_, Stored>(&sql).fetch(&mut *tx);
    while let Some(row) = rows.try_next().await? {
        verification.rows += 1;
        verification.differences.extend(table.check(&row).map_err(unreadable)?);
    }
    for row in table.rows() {
        let rebuilt = Some(Value::Object(row.map_err(unreadable)?));
        verification.differences.push(Difference { live: None, rebuilt });
    }
    Ok(verification)
}
