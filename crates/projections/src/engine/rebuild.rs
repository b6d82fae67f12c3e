//! Making read models anew: built beside the live ones, compared with them, and put in their place. Reads and writes go on;
//! an unreadable event, a difference or a kill leaves the live tables as they were.

use rollbook_store::EventStore;
use sqlx::PgConnection;

use super::OnProgress;
use super::build::{BuildTarget, Built, Table, Wanted, build};
use super::checkpoints::Status;
use super::compare::{Verification, compare_in_tx};
use super::snapshot::Snapshot;
use super::sql::run;
use super::swap::swap;
use crate::ProjectionError;
use crate::erased::AnyModel;

/// Where tables are built. Nobody reads there.
pub(super) const REBUILT: &str = "rollbook_rebuild";

/// Whoever rebuilds holds this advisory lock of the database.
const LOCK: i64 = 5_570_193_308_531_903_604;

/// What to do where a table is not what the log says, and its version does not explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Differing {
    /// Leave all tables as they are.
    Refuse,
    /// Put the rebuilt ones in their place: that is what the rebuild is for.
    Accept,
}

/// A table that is ready to take the live one's place.
struct Ready {
    wanted: Wanted,
    /// How it compares with the live one; none where there is nothing to compare it with.
    found: Option<Verification>,
    tx: PgConnection,
}

/// Makes models anew, reading the log once.
pub(super) async fn rebuild(
    store: &EventStore,
    models: &[&'static dyn AnyModel],
    differing: Differing,
    memory: u64,
    progress: OnProgress<'_>,
) -> Result<(), ProjectionError> {
    let mut lock = store.connection().await?;
    if !sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut lock).await? {
        return Err(ProjectionError::UnderWay);
    }
    for model in models {
        let left = Table { schema: REBUILT, shape: model.shape() }.name();
        run(&mut lock, &format!("drop table if exists {left}")).await?;
    }
    let snapshot = Snapshot::take(store).await?;
    let wanted: Vec<_> = models.iter().map(|model| aim(*model, &snapshot)).collect::<Result<_, ProjectionError>>()?;
    let place = BuildTarget { schema: REBUILT, snapshot: Some(snapshot.id.clone()), memory };
    let ready = build(store, &wanted, &place, progress, prepare).await?;
    drop(snapshot);
    let differ = |ready: &Ready| ready.found.clone().filter(|found| found.differing > found.parked);
    let found: Vec<_> = ready.iter().filter_map(differ).collect();
    if differing == Differing::Refuse && !found.is_empty() {
        return Err(ProjectionError::Differs(found));
    }
    for Ready { wanted: Wanted { model, until, .. }, mut tx, .. } in ready {
        run(&mut tx, "commit").await?;
        swap(store, model, until, tx).await?;
    }
    drop(lock);
    Ok(())
}

/// How far to build a model: to where the live table is, so that they can be compared. Rows of another version are known to
/// differ, and at position 0 there are none: such a model is built to the end of the log. One that is stuck would be stuck
/// again at an event that nobody can read, so that this is looked for.
fn aim(model: &'static dyn AnyModel, snapshot: &Snapshot) -> Result<Wanted, ProjectionError> {
    let shape = model.shape();
    let live = snapshot.checkpoint(&shape)?;
    let comparable = live.version == shape.version && live.position > 0;
    let until = if comparable { live.position } else { snapshot.head };
    let readable = if live.status() == Status::Stuck { snapshot.head } else { until };
    Ok(Wanted { model, until, readable, comparable })
}

/// Compares a table with the live one, and gives it everything else that the live one has.
async fn prepare(Built { wanted, table, mut tx, .. }: Built) -> Result<Ready, ProjectionError> {
    let found = if wanted.comparable { Some(compare_in_tx(&mut tx, &table, wanted.until).await?) } else { None };
    table.finish_in_tx(&mut tx).await?;
    Ok(Ready { wanted, found, tx })
}
