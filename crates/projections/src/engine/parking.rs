//! Setting streams aside at an event that cannot be read or folded, so that the others go on. It happens in the transaction
//! that moves the checkpoint, and is said in the log once that has committed; it never says what an event or a row holds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use rollbook_store::transaction::savepoint;
use rollbook_store::{Position, Recorded, StoreError, StreamName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::batch::{Batch, Fresh};
use super::checkpoints::Checkpoint;
use crate::erased::AnyModel;
use crate::{ProjectionError, storage};

/// A stream that a projection has set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, sqlx::FromRow)]
pub struct ParkedStream {
    /// The projection.
    pub projection: String,
    /// The stream's type, as the log has it: it may be none of this service's.
    pub stream_type: String,
    /// The stream's id, as the log has it.
    pub stream_id: String,
    /// The site that it belongs to.
    #[sqlx(try_from = "Uuid")]
    pub site_id: SiteId,
    /// The event that cannot be read or folded.
    pub position: Position,
    /// Why.
    pub error: String,
    /// When it was set aside.
    pub parked_at: DateTime<Utc>,
}

/// A stream on its way aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parking {
    pub stream: StreamName,
    pub position: Position,
    pub reason: String,
}

/// Whom an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Some event, or the rows that it touches: trying again changes nothing, and other streams may do well.
    Event,
    /// The table: it is not there, or not of this shape.
    Table,
    /// The database, and nothing that is in it.
    Database,
}

impl Fault {
    /// By the classes of SQLSTATE: 22 is data, 23 a constraint, 54 a value that is too long for an index; 42 is a table or a
    /// column that is not there.
    pub fn of(error: &ProjectionError) -> Self {
        let code = match error {
            ProjectionError::Row { .. } | ProjectionError::Fold { .. } => return Self::Event,
            ProjectionError::Column { .. } => return Self::Table,
            ProjectionError::Store(StoreError::Database(sqlx::Error::Database(error))) => error.code(),
            _ => None,
        };
        match code.as_deref().and_then(|code| code.get(..2)) {
            Some("22" | "23" | "54") => Self::Event,
            Some("42") => Self::Table,
            _ => Self::Database,
        }
    }
}

/// Why a stream is set aside, without any value of its rows: what the database says of them may quote one.
pub(super) fn reason(error: &ProjectionError) -> String {
    match error {
        ProjectionError::Row { .. } => "the rows that it touches cannot be read or written".to_owned(),
        ProjectionError::Store(StoreError::Database(sqlx::Error::Database(error))) => {
            let code = error.code().unwrap_or_default();
            let constraint = error.constraint().map(|name| format!(", {name}")).unwrap_or_default();
            format!("the database refuses the rows that it makes (SQLSTATE {code}{constraint})")
        }
        error => error.to_string(),
    }
}

/// Folds what is new to a model into its rows, but for streams that are parked. Carefully: event by event where it must be,
/// so that what cannot be folded is parked. Otherwise the first error is the answer, and the transaction is lost.
pub(super) async fn fold_in_tx(
    tx: &mut PgConnection,
    model: &dyn AnyModel,
    fresh: &Fresh<'_>,
    mut parked: BTreeSet<StreamName>,
    carefully: bool,
) -> Result<Vec<Parking>, ProjectionError> {
    let (events, mut parkings) = without_parked(fresh, &mut parked);
    if !carefully {
        storage::fold_in_tx(tx, model, &events).await?;
        return Ok(parkings);
    }
    // Halves, the earlier one on top: by the time that an event is reached, all before it are folded or parked.
    let mut halves = vec![events.into_owned()];
    while let Some(mut half) = halves.pop() {
        half.retain(|event| !parked.contains(&event.into()));
        let mut savepoint = savepoint(tx).await?;
        let error = match storage::fold_in_tx(&mut savepoint, model, &half).await {
            Ok(()) => {
                savepoint.commit().await?;
                continue;
            }
            Err(error) if Fault::of(&error) == Fault::Event => error,
            Err(error) => return Err(error),
        };
        savepoint.rollback().await?;
        if let [event] = &half[..] {
            let stream = StreamName::from(event);
            // An event of it further on may be unreadable as well: the first one counts.
            parkings.retain(|parking| parking.stream != stream);
            parkings.push(Parking { stream: stream.clone(), position: event.position, reason: reason(&error) });
            parked.insert(stream);
        } else {
            let later = half.split_off(half.len() / 2);
            halves.extend([later, half]);
        }
    }
    Ok(parkings)
}

/// The events of streams that go on, and the streams that are to be parked at an event that cannot be read.
fn without_parked<'e>(fresh: &Fresh<'e>, parked: &mut BTreeSet<StreamName>) -> (Cow<'e, [Recorded]>, Vec<Parking>) {
    if fresh.unreadable.is_empty() && parked.is_empty() {
        return (Cow::Borrowed(fresh.events), Vec::new());
    }
    let mut from: BTreeMap<StreamName, Position> = parked.iter().map(|stream| (stream.clone(), 0)).collect();
    let mut parkings = Vec::new();
    for unreadable in fresh.unreadable {
        let stream = unreadable.stream.clone();
        from.entry(stream.clone()).or_insert_with(|| {
            let (position, reason) = (unreadable.position, unreadable.error.to_string());
            parkings.push(Parking { stream, position, reason });
            position
        });
    }
    let goes_on = |event: &&Recorded| from.get(&(*event).into()).is_none_or(|position| event.position < *position);
    (Cow::Owned(fresh.events.iter().filter(goes_on).cloned().collect()), parkings)
}

/// The parked streams of models among those of a batch, by the models' names.
pub(super) async fn among_in_tx(
    tx: &mut PgConnection,
    locked: &[Checkpoint],
    batch: &Batch,
) -> Result<BTreeMap<String, BTreeSet<StreamName>>, ProjectionError> {
    let names: Vec<_> = locked.iter().filter(|model| model.parked > 0).map(|model| model.name.as_str()).collect();
    let mut parked: BTreeMap<String, BTreeSet<StreamName>> = BTreeMap::new();
    if names.is_empty() {
        return Ok(parked);
    }
    let streams = batch.streams();
    let sites: Vec<_> = streams.iter().map(|stream| stream.site.0).collect();
    let (kinds, ids): (Vec<_>, Vec<_>) = streams.iter().map(|s| (s.kind.as_str(), s.id.as_str())).unzip();
    let sql = "select p.projection, p.site_id, p.stream_type, p.stream_id
        from unnest($2::uuid[], $3::text[], $4::text[]) as b (site_id, stream_type, stream_id)
        join parked_streams p using (site_id, stream_type, stream_id) where p.projection = any($1)";
    let query = sqlx::query_as::<_, (String, Uuid, String, String)>(sql).bind(names).bind(sites).bind(kinds).bind(ids);
    for (projection, site, kind, id) in query.fetch_all(tx).await? {
        parked.entry(projection).or_default().insert(StreamName { site: SiteId(site), kind, id });
    }
    Ok(parked)
}

/// Writes down what a model has set aside.
pub(super) async fn park_in_tx(
    tx: &mut PgConnection,
    projection: &'static str,
    parkings: &[Parking],
) -> Result<(), ProjectionError> {
    if parkings.is_empty() {
        return Ok(());
    }
    for Parking { stream, position, reason } in parkings {
        let sql = "insert into parked_streams (projection, site_id, stream_type, stream_id, position, error)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (projection, site_id, stream_type, stream_id)
            do update set position = excluded.position, error = excluded.error";
        let query = sqlx::query(sql).bind(projection).bind(stream.site.0).bind(&stream.kind).bind(&stream.id);
        query.bind(position).bind(reason).execute(&mut *tx).await?;
    }
    count_in_tx(tx, projection).await
}

/// Sets the number of a model's parked streams, after some were parked or taken up again: their rows are others now.
pub(super) async fn count_in_tx(tx: &mut PgConnection, projection: &'static str) -> Result<(), ProjectionError> {
    let sql =
        "update projections set epoch = epoch + 1, parked = (select count(*) from parked_streams where projection = $1)
        where name = $1";
    sqlx::query(sql).bind(projection).execute(tx).await?;
    Ok(())
}

/// Says what was set aside, once for each event.
pub(super) fn say(parkings: &[(&'static str, Vec<Parking>)]) {
    let mut events: BTreeMap<(Position, &str), (String, Vec<&str>)> = BTreeMap::new();
    for (projection, parkings) in parkings {
        for Parking { stream, position, reason } in parkings {
            let event = events.entry((*position, reason)).or_insert_with(|| (stream.for_logs(), Vec::new()));
            event.1.push(projection);
        }
    }
    for ((position, reason), (stream, projections)) in events {
        tracing::error!(?projections, position, stream, reason, "a stream is parked; the others go on");
    }
}

/// What a projection has set aside after a position, in one site or in all, at most `limit`. Each is parked at a position of
/// its own.
pub(super) async fn list(
    pool: &PgPool,
    name: &str,
    site: Option<SiteId>,
    after: Position,
    limit: i64,
) -> Result<Vec<ParkedStream>, ProjectionError> {
    let sql = "select projection, stream_type, stream_id, site_id, position, error, parked_at from parked_streams
        where projection = $1 and ($2::uuid is null or site_id = $2) and position > $3 order by position limit $4";
    let query = sqlx::query_as(sql).bind(name).bind(site.map(|site| site.0)).bind(after).bind(limit);
    Ok(query.fetch_all(pool).await?)
}
