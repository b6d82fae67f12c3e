//! Taking parked streams up again after a fix: each is folded from its first event, in place of its old rows, under the
//! lock of its model's checkpoint. What still fails stays parked; no other stream is touched.

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use rollbook_store::transaction::{begin, savepoint};
use rollbook_store::{EventStore, Position, Recorded, StreamName};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::checkpoints;
use super::parking::{self, Fault, Parking, reason};
use crate::erased::AnyModel;
use crate::{ProjectionError, storage};

/// How many streams are taken up in one transaction: the model stands still for so long.
const CHUNK: i64 = 100;

/// What became of a projection's parked streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Retried {
    /// The projection.
    pub name: &'static str,
    /// How many streams go on.
    pub mended: u64,
    /// How many stay parked.
    pub parked: u64,
}

/// Tries every parked stream of a model once; only those that were parked before an instant of the database's clock, where
/// one is given.
pub(super) async fn retry(
    store: &EventStore,
    model: &dyn AnyModel,
    before: Option<DateTime<Utc>>,
) -> Result<Retried, ProjectionError> {
    let shape = model.shape();
    let mut retried = Retried { name: shape.name, mended: 0, parked: 0 };
    let mut last = None;
    loop {
        let mut tx = begin(store.pool()).await?;
        let checkpoint = checkpoints::lock_in_tx(&mut tx, &shape).await?;
        if checkpoint.version > shape.version {
            let (stored, ours) = (checkpoint.version, shape.version);
            return Err(ProjectionError::Newer { projection: shape.name, stored, ours });
        }
        // Rows of an older version are built anew as a whole.
        let streams = if checkpoint.parked > 0 && checkpoint.version == shape.version {
            next_in_tx(&mut tx, shape.name, before, last.as_ref()).await?
        } else {
            Vec::new()
        };
        let Some(furthest) = streams.last().cloned() else { return Ok(retried) };
        for stream in streams {
            match again_in_tx(&mut tx, store, model, &stream, checkpoint.position).await? {
                None => {
                    unpark_in_tx(&mut tx, shape.name, &stream).await?;
                    tracing::info!(projection = shape.name, stream = stream.for_logs(), "a parked stream goes on");
                    retried.mended += 1;
                }
                Some(still) => {
                    parking::park_in_tx(&mut tx, shape.name, &[still]).await?;
                    retried.parked += 1;
                }
            }
        }
        parking::count_in_tx(&mut tx, shape.name).await?;
        tx.commit().await?;
        last = Some(furthest);
    }
}

/// Folds a stream's events up to a position from nothing, in place of its rows; what is in the way, if it still fails.
async fn again_in_tx(
    tx: &mut PgConnection,
    store: &EventStore,
    model: &dyn AnyModel,
    stream: &StreamName,
    until: Position,
) -> Result<Option<Parking>, ProjectionError> {
    let mut events = Vec::new();
    for entry in store.entries_of(stream, until).await? {
        match entry {
            Ok(event) => events.push(event),
            Err(entry) => {
                let (position, reason) = (entry.position, entry.error.to_string());
                return Ok(Some(Parking { stream: stream.clone(), position, reason }));
            }
        }
    }
    let Err(mut failed) = folds_in_tx(tx, model, &events, true).await? else { return Ok(None) };
    // With all of them it fails: the first one with which it does is named.
    let (mut good, mut bad) = (0, events.len());
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        match folds_in_tx(tx, model, &events[..middle], false).await? {
            Ok(()) => good = middle,
            Err(reason) => (bad, failed) = (middle, reason),
        }
    }
    let position = events.get(bad - 1).map_or(until, |event| event.position);
    Ok(Some(Parking { stream: stream.clone(), position, reason: failed }))
}

/// Folds events in place of the rows that they touch; if that fails, or is only to be tried, the rows stay as they are.
async fn folds_in_tx(
    tx: &mut PgConnection,
    model: &dyn AnyModel,
    events: &[Recorded],
    keep: bool,
) -> Result<Result<(), String>, ProjectionError> {
    let mut savepoint = savepoint(tx).await?;
    let folded = storage::replace_in_tx(&mut savepoint, model, events).await;
    if folded.is_ok() && keep {
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    match folded {
        Ok(()) => Ok(Ok(())),
        Err(error) if Fault::of(&error) == Fault::Event => Ok(Err(reason(&error))),
        Err(error) => Err(error),
    }
}

/// The next parked streams of a model.
async fn next_in_tx(
    tx: &mut PgConnection,
    projection: &str,
    before: Option<DateTime<Utc>>,
    after: Option<&StreamName>,
) -> Result<Vec<StreamName>, ProjectionError> {
    let sql = "select site_id, stream_type, stream_id from parked_streams
        where projection = $1 and ($2::uuid is null or (site_id, stream_type, stream_id) > ($2, $3, $4))
            and ($6::timestamptz is null or parked_at < $6)
        order by site_id, stream_type, stream_id limit $5";
    let query = sqlx::query_as::<_, (Uuid, String, String)>(sql)
        .bind(projection)
        .bind(after.map(|stream| stream.site.0))
        .bind(after.map(|stream| stream.kind.as_str()))
        .bind(after.map(|stream| stream.id.as_str()))
        .bind(CHUNK)
        .bind(before);
    let streams = query.fetch_all(tx).await?;
    Ok(streams.into_iter().map(|(site, kind, id)| StreamName { site: SiteId(site), kind, id }).collect())
}

async fn unpark_in_tx(tx: &mut PgConnection, projection: &str, stream: &StreamName) -> Result<(), ProjectionError> {
    let sql = "delete from parked_streams
        where projection = $1 and site_id = $2 and stream_type = $3 and stream_id = $4";
    let query = sqlx::query(sql).bind(projection).bind(stream.site.0).bind(&stream.kind).bind(&stream.id);
    query.execute(tx).await?;
    Ok(())
}
