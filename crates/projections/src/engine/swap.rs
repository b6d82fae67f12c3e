//! Putting a rebuilt table in the live one's place. It catches up beside the live one, and then takes over in one short
//! transaction that holds the checkpoint's row: while somebody holds that, nobody else changes the model.

use std::time::Duration;

use rollbook_store::transaction::begin_alone;
use rollbook_store::{EventStore, Position, StoreError};
use sqlx::PgConnection;

use super::build::{LIVE, Table};
use super::rebuild::REBUILT;
use super::sql::run;
use super::{checkpoints, log};
use crate::erased::AnyModel;
use crate::{ProjectionError, storage};

/// The most events in one transaction, and the most that are folded while the checkpoint's row is held.
const BATCH: i64 = 1_000;
/// How long the swap waits for those who read the live table; everybody who comes after it waits with it. Longer than
/// PostgreSQL's `deadlock_timeout` of 1 s, after which an autovacuum steps aside, and which a shorter wait never comes to.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '1500ms'";
/// How often it tries, and how long it lets others go first in between.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Catches a table up that was built to a position, and puts it in the live one's place; the position that it is at then.
pub(super) async fn swap(
    store: &EventStore,
    model: &'static dyn AnyModel,
    built: Position,
    mut connection: PgConnection,
) -> Result<Position, ProjectionError> {
    let shape = model.shape();
    let (mut at, mut attempt) = (built, 1);
    loop {
        while live(store, model).await? - at > BATCH {
            let mut tx = begin_alone(&mut connection).await?;
            at = fold_in_tx(&mut tx, store, model, at, at + BATCH).await?;
            tx.commit().await?;
        }
        match take_over(&mut connection, store, model, at).await {
            Ok(Some(position)) => return Ok(position),
            // The live table has gone too far ahead meanwhile.
            Ok(None) => {}
            Err(error) if in_the_way(&error) && attempt < ATTEMPTS => {
                tracing::info!(projection = shape.name, attempt, "the live table is in use; the swap waits");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if in_the_way(&error) => return Err(ProjectionError::InUse(shape.name)),
            Err(error) => return Err(error),
        }
    }
}

/// The last step; none where it would hold the checkpoint's row for too long.
async fn take_over(
    connection: &mut PgConnection,
    store: &EventStore,
    model: &'static dyn AnyModel,
    at: Position,
) -> Result<Option<Position>, ProjectionError> {
    let shape = model.shape();
    let table = Table { schema: REBUILT, shape };
    let mut tx = begin_alone(connection).await?;
    run(&mut tx, LOCK_TIMEOUT).await?;
    let live = checkpoints::lock_in_tx(&mut tx, &shape).await?;
    if live.version > shape.version {
        let (stored, ours) = (live.version, shape.version);
        return Err(ProjectionError::Newer { projection: shape.name, stored, ours });
    }
    if live.position - at > BATCH {
        return Ok(None);
    }
    // Where the table was built to the end of the log, it may be ahead of the live one.
    let position = if live.position > at { fold_in_tx(&mut tx, store, model, at, live.position).await? } else { at };
    let (name, live) = (table.name(), table.live());
    let sql = format!("drop table {live}; alter table {name} set schema {LIVE}; select guard_site('{live}')");
    run(&mut tx, &sql).await?;
    checkpoints::rebuilt_in_tx(&mut tx, &shape, position).await?;
    tx.commit().await?;
    Ok(Some(position))
}

/// Folds events into the table as the live engine does, whose statements find it before the live one.
async fn fold_in_tx(
    tx: &mut PgConnection,
    store: &EventStore,
    model: &'static dyn AnyModel,
    after: Position,
    until: Position,
) -> Result<Position, ProjectionError> {
    run(tx, &format!("set local search_path to {REBUILT}, {LIVE}")).await?;
    let events = log::next(store, after, until - after).await?;
    storage::fold_in_tx(tx, model, &events).await?;
    Ok(events.last().map_or(after, |event| event.position))
}

/// Where the live table is, as it is committed.
async fn live(store: &EventStore, model: &'static dyn AnyModel) -> Result<Position, ProjectionError> {
    let sql = "select position from projections where name = $1";
    Ok(sqlx::query_scalar(sql).bind(model.shape().name).fetch_one(store.pool()).await?)
}

/// Whether a lock was not to be had in time (55P03), or only against another who waited as well (40P01).
fn in_the_way(error: &ProjectionError) -> bool {
    match error {
        ProjectionError::Store(StoreError::Database(sqlx::Error::Database(error))) => {
            matches!(error.code().as_deref(), Some("55P03" | "40P01"))
        }
        _ => false,
    }
}
