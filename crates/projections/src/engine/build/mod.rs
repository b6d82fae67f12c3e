//! Building read models' tables from the log, which is read once for all of them and folded on all cores: the one way for a
//! rebuild, a verification and a schema of another day. It decides nothing about what becomes of the tables.

mod partition;
mod table;
mod write;

use std::cmp::Reverse;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures::future::try_join;
use futures::stream::{self, StreamExt, TryStreamExt};
use rollbook_domain::StreamType;
use rollbook_store::{EventStore, Position, Scan, Share};
use sqlx::PgConnection;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use self::partition::{Leaving, Part, PartOfModel};
use self::write::{begin, write};
use super::{OnProgress, Phase, Progress};
use crate::ProjectionError;
use crate::binary::Columns;
use crate::erased::{AnyModel, Memory};

pub(super) use self::table::{LIVE, Table};

/// How many pieces of a table wait for the database.
const WAITING_PIECES: usize = 4;

/// How many bytes of rows are kept in memory, unless somebody says otherwise.
pub(super) const MEMORY_BYTES: u64 = 1 << 30;

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
pub(super) struct BuildTarget {
    /// The schema, which is there; a plain identifier.
    pub schema: &'static str,
    /// The exported snapshot that their transactions see everything else in.
    pub snapshot: Option<String>,
    /// How many bytes of rows are kept in memory, about: where the log makes more, it is read several times, for a share of
    /// the streams each time.
    pub memory: u64,
}

/// A table with all its rows and no index, in a transaction that is still open: whoever has it commits it, or drops it and
/// with it the table.
#[derive(Debug)]
pub(super) struct Built {
    pub wanted: Wanted,
    pub table: Table,
    /// How many rows it has.
    pub rows: u64,
    pub tx: PgConnection,
}

/// Builds tables, and does with each what `then` does, which is work for the database, on as many at a time as there are cores.
/// What comes of them is in no particular order.
pub(super) async fn build<T, F>(
    store: &EventStore,
    wanted: &[Wanted],
    place: &BuildTarget,
    progress: OnProgress<'_>,
    then: impl Fn(Built) -> F,
) -> Result<Vec<T>, ProjectionError>
where
    F: Future<Output = Result<T, ProjectionError>>,
{
    let turns = Arc::new(Semaphore::new(cores()));
    let of = passes(store.size().await?, place.memory);
    let mut begun: Vec<Option<Begun>> = wanted.iter().map(|_| None).collect();
    for nth in 0..of {
        let share = Share { nth, of };
        let (filled, kept) = pass(store, wanted, place, share, &mut begun, progress).await?;
        let mut writing = JoinSet::new();
        for (one, (begun, rows)) in wanted.iter().copied().zip(begun.iter_mut().map(Option::take).zip(kept)) {
            if one.model.shape().written_once {
                continue;
            }
            let (store, place, turns) = (store.clone(), place.clone(), Arc::clone(&turns));
            writing.spawn(async move {
                // Nobody closes it.
                let _turn = turns.acquire().await;
                write(&store, &place, one, begun, rows).await
            });
        }
        begun = in_order(wanted, filled.into_iter().chain(all(writing).await?));
    }
    let mut built: Vec<Built> = begun.into_iter().flatten().map(|(built, _)| built).collect();
    // The largest first: otherwise it may be left to one core at the end, while the others have nothing to do.
    built.sort_by_key(|built| Reverse(built.rows));
    stream::iter(built).map(then).buffer_unordered(cores()).try_collect().await
}

/// A table under way, with the columns of its rows.
type Begun = (Built, Arc<Columns>);

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// How often the log is read. The rows that are kept take about half of what their events take on the disk: a roster's row
/// some 3 KiB for 35 events, a reflection's some 800 bytes for two.
fn passes(log: u64, memory: u64) -> u32 {
    u32::try_from((log / 2).div_ceil(memory.max(1))).unwrap_or(u32::MAX).max(1)
}

/// The tables in the order of the models.
fn in_order(wanted: &[Wanted], tables: impl Iterator<Item = Begun>) -> Vec<Option<Begun>> {
    let mut ordered: Vec<Option<Begun>> = wanted.iter().map(|_| None).collect();
    for table in tables {
        let name = table.0.table.shape.name;
        let at = wanted.iter().position(|one| one.model.shape().name == name);
        if let Some(place) = at.and_then(|at| ordered.get_mut(at)) {
            *place = Some(table);
        }
    }
    ordered
}

/// Reads the log for a share of the streams: the tables whose rows have left already, and the rows that are still in memory,
/// by read model.
async fn pass(
    store: &EventStore,
    wanted: &[Wanted],
    place: &BuildTarget,
    share: Share,
    begun: &mut [Option<Begun>],
    progress: OnProgress<'_>,
) -> Result<(Vec<Begun>, Vec<Vec<Box<dyn Memory>>>), ProjectionError> {
    let mut parts: Vec<_> = (0..cores()).map(|_| Part::new(Vec::new())).collect();
    let mut filling = JoinSet::new();
    for (one, begun) in wanted.iter().copied().zip(begun) {
        let mut leaving = None;
        if one.model.shape().written_once {
            let (mut built, columns) = match begun.take() {
                Some(begun) => begun,
                None => begin(store, place, one).await?,
            };
            let (pieces, taken) = mpsc::channel(WAITING_PIECES);
            leaving = Some(Leaving { columns: Arc::clone(&columns), pieces });
            filling.spawn(async move {
                built.rows += built.table.fill_in_tx(&mut built.tx, &columns, taken).await?;
                Ok((built, columns))
            });
        }
        for part in &mut parts {
            let (rows, leaving) = (one.model.memory(), leaving.clone());
            part.models.push(PartOfModel { model: one.model, until: one.until, rows, leaving });
        }
    }
    let (parts, filled) = try_join(fold(store, wanted, share, parts, progress), all(filling)).await?;
    let mut kept: Vec<Vec<_>> = wanted.iter().map(|_| Vec::new()).collect();
    for part in parts {
        for (model, kept) in part.models.into_iter().zip(&mut kept) {
            kept.push(model.rows);
        }
    }
    Ok((filled, kept))
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
    share: Share,
    parts: Vec<Part>,
    progress: OnProgress<'_>,
) -> Result<Vec<Part>, ProjectionError> {
    let until = wanted.iter().map(|wanted| wanted.readable).max().unwrap_or(0);
    let streams: Vec<StreamType> = wanted.iter().flat_map(|wanted| wanted.model.shape().streams).copied().collect();
    let actors = wanted.iter().any(|wanted| wanted.model.shape().actors);
    let scan = Scan { after: 0, until, streams: &streams, share, actors };
    // Of several passes each is a part of the way.
    let done = |position| (until * i64::from(share.nth) + position) / i64::from(share.of);
    let mut reached = |position| progress(Progress { phase: Phase::Folding, position: done(position), head: until });
    let mut parts = store.scan(scan, parts, &mut reached).await?;
    progress(Progress { phase: Phase::Writing, position: done(until), head: until });
    let last = tokio::task::spawn_blocking(move || {
        for part in &mut parts {
            part.let_out()?;
            part.models.iter_mut().for_each(|model| model.leaving = None);
        }
        Ok(parts)
    });
    last.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests {
    use super::{MEMORY_BYTES, passes};

    #[test]
    fn a_log_is_read_once_as_long_as_its_rows_fit() {
        assert_eq!(passes(0, MEMORY_BYTES), 1);
        assert_eq!(passes(2 * MEMORY_BYTES, MEMORY_BYTES), 1);
        assert_eq!(passes(2 * MEMORY_BYTES + 2, MEMORY_BYTES), 2);
        assert_eq!(passes(60 * MEMORY_BYTES, MEMORY_BYTES), 30);
    }
}
