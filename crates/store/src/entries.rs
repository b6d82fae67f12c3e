//! The log entry by entry, so that an event which cannot be read hides no other; it never stops at one.

use rollbook_domain::{Event, SiteId, StreamId, StreamType};
use serde::Deserialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::load::stream_id;
use crate::{EventStore, Position, Recorded, StoreError};

/// A stream by the names that the log has for it; it may be none of this service's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    /// The site that it belongs to.
    pub site: SiteId,
    /// What the log calls its type.
    pub kind: String,
    /// What the log calls it.
    pub id: String,
}

/// How much of a site's log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogView {
    /// All of it: of the default site also which other sites there are, for super admins and whoever has the database.
    Whole,
    /// All but which other sites there are.
    WithoutRegistry,
}

/// An event that this version of the software cannot read.
#[derive(Debug)]
pub struct Unreadable {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// What is wrong with it.
    pub error: StoreError,
}

/// One entry of the log: the event, or what is known of one that cannot be read.
pub type Entry = Result<Recorded, Unreadable>;

impl StreamName {
    /// The name for logs: an id of another software's making may be anything, also a person's address.
    pub fn for_logs(&self) -> String {
        match stream_id(&self.kind, &self.id) {
            Ok(stream) => stream.to_string(),
            Err(_) => "a stream of other software".to_owned(),
        }
    }
}

impl From<&Recorded> for StreamName {
    fn from(event: &Recorded) -> Self {
        Self { site: event.site, kind: event.stream.kind.as_str().to_owned(), id: event.stream.id.to_string() }
    }
}

/// What an entry is made of. Instants that no clock shows and the metadata are judged here and not by the database, where
/// one bad value would fail the statement, and hide all the others.
pub(crate) const COLUMNS: &str = "position, site_id, aggregate_type, aggregate_id, sequence, event_type, event_version,
    payload::text, metadata::text, command_id,
    case when recorded_at between '0001-01-01' and '9999-12-31' then recorded_at end as recorded_at";

impl EventStore {
    /// The next entries of the log, of every site, after a position: at most `limit`.
    pub async fn entries(&self, after: Position, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = format!("select {COLUMNS} from events where position > $1 order by position limit $2");
        let rows = sqlx::query(&sql).bind(after).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }

    /// The next entries of one site after a position and up to another: at most `limit`, each with the bytes of its payload. The site is part of the statement, so
    /// that the index of the sites other than the default one is seen to serve it.
    pub(crate) async fn entries_of_site(
        &self,
        site: SiteId,
        after: Position,
        up_to: Position,
        limit: i64,
        view: LogView,
    ) -> Result<Vec<(Entry, usize)>, StoreError> {
        let only = match view {
            LogView::Whole => String::new(),
            LogView::WithoutRegistry => format!("and aggregate_type <> '{}'", StreamType::Site.as_str()),
        };
        let sql = format!(
            "select {COLUMNS} from events
             where site_id = '{site}' and position > $1 and position <= $2 {only} order by position limit $3"
        );
        let query = sqlx::query(&sql).bind(after).bind(up_to).bind(limit);
        weighed(&query.fetch_all(&self.pool).await?)
    }

    /// The next entries of one stream after a position: at most `limit`, each with the bytes of its payload.
    pub(crate) async fn entries_of_stream(
        &self,
        site: SiteId,
        stream: StreamId,
        after: Position,
        limit: i64,
    ) -> Result<Vec<(Entry, usize)>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from events
             where aggregate_type = $1 and aggregate_id = $2 and site_id = $3 and position > $4
             order by sequence limit $5"
        );
        let query = sqlx::query(&sql).bind(stream.kind.as_str()).bind(stream.id.to_string()).bind(site.0);
        weighed(&query.bind(after).bind(limit).fetch_all(&self.pool).await?)
    }

    /// The entries of one stream from its first, up to a position.
    pub async fn entries_of(&self, stream: &StreamName, until: Position) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from events
             where aggregate_type = $1 and aggregate_id = $2 and site_id = $3 and position <= $4 order by position"
        );
        let query = sqlx::query(&sql).bind(&stream.kind).bind(&stream.id).bind(stream.site.0).bind(until);
        let rows = query.fetch_all(&self.pool).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }
}

/// Entries, each with the bytes of its payload.
fn weighed(rows: &[PgRow]) -> Result<Vec<(Entry, usize)>, StoreError> {
    let weighed = |row: &PgRow| Ok((entry(row)?, row.try_get::<&str, _>("payload")?.len()));
    Ok(rows.iter().map(weighed).collect::<Result<_, sqlx::Error>>()?)
}

/// The parts of the metadata that an event is recorded with.
#[derive(Deserialize)]
struct Metadata {
    actor: Option<String>,
    authority: Option<String>,
}

pub(crate) fn entry(row: &PgRow) -> Result<Entry, sqlx::Error> {
    let position = row.try_get("position")?;
    Ok(match recorded(row, position) {
        Ok(event) => Ok(event),
        Err(StoreError::Unavailable(error) | StoreError::Database(error)) => return Err(error),
        Err(error) => {
            let (kind, id) = (row.try_get("aggregate_type")?, row.try_get("aggregate_id")?);
            let stream = StreamName { site: SiteId(row.try_get("site_id")?), kind, id };
            Err(Unreadable { position, stream, error })
        }
    })
}

fn recorded(row: &PgRow, position: Position) -> Result<Recorded, StoreError> {
    let wrong = |what: &str| StoreError::Corrupt(format!("the event's {what} cannot be read"));
    let stream = stream_id(row.try_get("aggregate_type")?, row.try_get("aggregate_id")?)?;
    let Metadata { actor, authority } =
        serde_json::from_str(row.try_get("metadata")?).map_err(|_| wrong("metadata"))?;
    Ok(Recorded {
        position,
        site: SiteId(row.try_get("site_id")?),
        stream,
        sequence: row.try_get("sequence")?,
        command_id: row.try_get::<Uuid, _>("command_id")?.into(),
        actor: actor.map(|actor| actor.parse()).transpose().map_err(|_| wrong("actor"))?,
        authority: authority.map(|authority| authority.parse()).transpose().map_err(|_| wrong("authority"))?,
        recorded_at: row.try_get::<Option<_>, _>("recorded_at")?.ok_or_else(|| wrong("instant"))?,
        event: decoded(row, stream.kind)?,
    })
}

fn decoded(row: &PgRow, kind: StreamType) -> Result<Event, StoreError> {
    let (event_type, version) = (row.try_get("event_type")?, row.try_get("event_version")?);
    Ok(Event::decode(kind, event_type, version, row.try_get("payload")?)?)
}
