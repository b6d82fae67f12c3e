//! Building read models' tables from the log, which is read once for all of them and folded on all cores: the one way for a
//! rebuild, a verification and a schema of another day. It decides nothing about what becomes of the tables.

mod partition;
mod table;

use std::sync::Arc;
use std::thread::available_parallelism;

use futures::future::try_join;
use rollbook_domain::StreamType;
use rollbook_store::{EventStore, Position, Scan};
use sqlx::PgConnection;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use self::partition::{Leaving, Part, PartOfModel};
use super::{OnProgress, Phase, Progress};
use crate::ProjectionError;
use crate::binary::Columns;
use crate::engine::sql::run;
use crate::erased::{AnyModel, Memory};

pub(super) use self::table::{LIVE, Table};

/// How many pieces of a table wait for the database.
const WAITING_PIECES: usize = 4;

/// A read model to build.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub model: &'static dyn AnyModel,
    /// The position up to which.
    pub until: Position,
    /// The position up to which its events must be readable: that one, or a later one.
    pub readable: Position,
    /// Whether there is a live table at that position to compare it with.
    pub comparable: bool,
}

/// Where the tables are built.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The schema, which is there; a plain identifier.
    pub schema: &'static str,
    /// The exported snapshot that their transactions see everything else in.
    pub snapshot: Option<String>,
}

/// A table with all its rows and no index, in a transaction that is still open: whoever has it commits it, or drops it and
/// with it the table.
#[derive(Debug)]
pub(super) struct Built {
    pub wanted: Wanted,
    pub table: Table,
    pub tx: PgConnection,
}

/// Builds tables, and does with each what `then` does, on as many at a time as there are cores.
pub(super) async fn build<T, F>(
    store: &EventStore,
    wanted: &[Wanted],
    place: &Place,
    progress: OnProgress<'_>,
    then: impl Fn(Built) -> F + Clone + Send + Sync + 'static,
) -> Result<Vec<T>, ProjectionError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ProjectionError>> + Send,
{
    let cores = available_parallelism().map_or(1, usize::from);
    let mut parts: Vec<_> = (0..cores).map(|_| Part::new(Vec::new())).collect();
    let mut filling = JoinSet::new();
    for one in wanted.iter().copied() {
        let leaving = if one.model.shape().written_once {
            let (mut built, columns) = begin(store, place, one).await?;
            let columns = Arc::new(columns);
            let (pieces, taken) = mpsc::channel(WAITING_PIECES);
            let leaving = Leaving { columns: Arc::clone(&columns), pieces };
            filling.spawn(async move {
                built.table.fill_in_tx(&mut built.tx, &columns, taken).await?;
                Ok(built)
            });
            Some(leaving)
        } else {
            None
        };
        for part in &mut parts {
            let (rows, leaving) = (one.model.memory(), leaving.clone());
            part.models.push(PartOfModel { model: one.model, until: one.until, rows, leaving });
        }
    }
    let (parts, filled) = try_join(fold(store, wanted, parts, progress), all(filling)).await?;
    let turns = Arc::new(Semaphore::new(cores));
    let mut finishing = JoinSet::new();
    for (one, rows) in kept(wanted, parts) {
        let (store, place, turns, then) = (store.clone(), place.clone(), Arc::clone(&turns), then.clone());
        finishing.spawn(async move {
            // Nobody closes it.
            let _turn = turns.acquire().await;
            then(write(&store, &place, one, rows).await?).await
        });
    }
    for built in filled {
        let (turns, then) = (Arc::clone(&turns), then.clone());
        finishing.spawn(async move {
            let _turn = turns.acquire().await;
            then(built).await
        });
    }
    all(finishing).await
}

/// What all tasks come to; the first that fails ends the others.
async fn all<T: Send + 'static>(mut tasks: JoinSet<Result<T, ProjectionError>>) -> Result<Vec<T>, ProjectionError> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        done.push(task.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?);
    }
    Ok(done)
}

/// Reads the log and folds it into the partitions; those rows that are written once have left when it is done.
async fn fold(
    store: &EventStore,
    wanted: &[Wanted],
    parts: Vec<Part>,
    progress: OnProgress<'_>,
) -> Result<Vec<Part>, ProjectionError> {
    let until = wanted.iter().map(|wanted| wanted.readable).max().unwrap_or(0);
    let streams: Vec<StreamType> = wanted.iter().flat_map(|wanted| wanted.model.shape().streams).copied().collect();
    let scan = Scan { after: 0, until, streams: &streams };
    let mut reached = |position| progress(Progress { phase: Phase::Folding, position, head: until });
    let mut parts = store.scan(scan, parts, &mut reached).await?;
    progress(Progress { phase: Phase::Writing, position: until, head: until });
    let last = tokio::task::spawn_blocking(move || {
        for part in &mut parts {
            part.let_out()?;
            part.models.iter_mut().for_each(|model| model.leaving = None);
        }
        Ok(parts)
    });
    last.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// The rows that are still in memory, by read model, the partitions side by side.
fn kept(wanted: &[Wanted], parts: Vec<Part>) -> Vec<(Wanted, Vec<Box<dyn Memory>>)> {
    let mut kept: Vec<_> = wanted.iter().map(|wanted| (*wanted, Vec::new())).collect();
    for part in parts {
        for (model, (_, rows)) in part.models.into_iter().zip(&mut kept) {
            rows.push(model.rows);
        }
    }
    kept.retain(|(wanted, _)| !wanted.model.shape().written_once);
    kept
}

/// Writes a table's rows from memory.
async fn write(
    store: &EventStore,
    place: &Place,
    wanted: Wanted,
    kept: Vec<Box<dyn Memory>>,
) -> Result<Built, ProjectionError> {
    let (mut built, columns) = begin(store, place, wanted).await?;
    let (pieces, taken) = mpsc::channel(WAITING_PIECES);
    let encoding = encode(wanted.model, kept, columns.clone(), pieces);
    try_join(built.table.fill_in_tx(&mut built.tx, &columns, taken), encoding).await?;
    Ok(built)
}

/// Takes rows out of memory piece by piece, on a thread of its own.
async fn encode(
    model: &'static dyn AnyModel,
    kept: Vec<Box<dyn Memory>>,
    columns: Columns,
    pieces: mpsc::Sender<Vec<u8>>,
) -> Result<(), ProjectionError> {
    let encoding = tokio::task::spawn_blocking(move || {
        for mut rows in kept {
            rows.drain(&columns, &mut |piece| pieces.blocking_send(piece).is_ok())
                .map_err(|source| ProjectionError::Row { projection: model.shape().name, source })?;
        }
        Ok(())
    });
    encoding.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Begins a table in a transaction on a connection of its own. What it writes need not be on the disk when it commits: the
/// last transaction of a rebuild is, and everything before it in the server's log with it.
async fn begin(store: &EventStore, place: &Place, wanted: Wanted) -> Result<(Built, Columns), ProjectionError> {
    let mut tx = store.connection().await?;
    let snapshot = place.snapshot.as_ref().map(|id| format!("set transaction snapshot '{id}';")).unwrap_or_default();
    let level = if place.snapshot.is_some() { "isolation level repeatable read" } else { "" };
    let sql = format!("begin {level}; {snapshot} set local synchronous_commit = off");
    run(&mut tx, &sql).await?;
    let table = Table { schema: place.schema, shape: wanted.model.shape() };
    let columns = table.create_in_tx(&mut tx).await?;
    Ok((Built { wanted, table, tx }, columns))
}
