//! Making a read model anew: the whole log folded in memory, then written in place of the old rows, in one transaction.
//! Readers see the old rows until it commits; an unreadable event or a kill leaves them as they were.

use rollbook_store::{EventStore, Position};
use sqlx::PgConnection;

use super::{OnProgress, Progress, checkpoints, log};
use crate::erased::{AnyModel, Memory, Object};
use crate::{ProjectionError, storage};

/// How many events are read, and how many rows are written, at a time.
const BATCH: usize = 2_000;

/// Makes a model anew. It is taken from whoever keeps it up to date for as long as that lasts.
pub(super) async fn rebuild(
    store: &EventStore,
    model: &'static dyn AnyModel,
    progress: OnProgress<'_>,
) -> Result<Position, ProjectionError> {
    let mut tx = store.pool().begin().await?;
    checkpoints::lock_in_tx(&mut tx, &model.shape()).await?;
    let position = rebuild_in_tx(&mut tx, store, model, progress).await?;
    tx.commit().await?;
    Ok(position)
}

/// Makes a model anew whose row the transaction has locked.
pub(super) async fn rebuild_in_tx(
    tx: &mut PgConnection,
    store: &EventStore,
    model: &'static dyn AnyModel,
    progress: OnProgress<'_>,
) -> Result<Position, ProjectionError> {
    let shape = model.shape();
    let mut table = model.memory();
    let head = store.head().await?;
    let position = fold_until(store, table.as_mut(), head, |position| {
        progress(Progress { name: shape.name, position, head });
    })
    .await?;
    storage::clear(tx, &shape).await?;
    let mut rows = table.rows();
    loop {
        let batch: Vec<Object> = rows
            .by_ref()
            .take(BATCH)
            .collect::<Result<_, _>>()
            .map_err(|source| ProjectionError::Row { projection: shape.name, source })?;
        if batch.is_empty() {
            break;
        }
        storage::upsert(tx, &shape, &batch).await?;
    }
    checkpoints::rebuilt_in_tx(tx, &shape, position).await?;
    Ok(position)
}

/// Folds the log into a table in memory, up to a position.
pub(super) async fn fold_until(
    store: &EventStore,
    table: &mut dyn Memory,
    until: Position,
    mut reached: impl FnMut(Position),
) -> Result<Position, ProjectionError> {
    let mut position = 0;
    while position < until {
        let limit = (until - position).min(i64::try_from(BATCH).unwrap_or(i64::MAX));
        let events = log::next(store, position, limit).await?;
        let Some(last) = events.last() else { break };
        position = last.position;
        table.fold(&events);
        reached(position);
    }
    Ok(position)
}
