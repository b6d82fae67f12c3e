//! The log: reading it forward, its head, and single streams through postgres-es.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::persist::{PersistedEventRepository, PersistenceError, SerializedEvent};
use postgres_es::PostgresEventRepository;
use rollbook_domain::cohort::Cohort;
use rollbook_domain::enrolment::Enrolment;
use rollbook_domain::hub::Hub;
use rollbook_domain::module::Module;
use rollbook_domain::person::Person;
use rollbook_domain::{Event, SiteId, StreamId, StreamType};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use tokio::sync::watch;
use uuid::Uuid;

use crate::load::{Kept, stream_id};
use crate::{Position, Recorded, StoreError};

/// The event store of one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventStore {
    pub(crate) pool: PgPool,
    pub(crate) kept: Arc<Kept>,
    head: Arc<watch::Sender<Position>>,
}

impl EventStore {
    /// A store on a database that the migrations have been run on.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, kept: Arc::default(), head: Arc::new(watch::Sender::new(0)) }
    }

    /// The pool, for the read side.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The highest position that this process has heard of, now and as it grows: a hint for those who wait, never a
    /// truth.
    pub fn heard(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Tells those who wait that the log has come to a position.
    pub fn announce(&self, position: Position) {
        self.head.send_if_modified(|head| {
            let further = position > *head;
            if further {
                *head = position;
            }
            further
        });
    }

    /// The position of the last event; 0 for an empty log.
    pub async fn head(&self) -> Result<Position, StoreError> {
        let head = sqlx::query_scalar("select coalesce(max(position), 0) from events").fetch_one(&self.pool).await?;
        Ok(head)
    }

    /// The position that the log had come to at an instant: the last event that was recorded then or before; 0 where the log
    /// began later. One statement, a search by halves: positions are in the order of commits, and instants follow them up to
    /// the difference between the clocks of those who append.
    pub async fn position_at(&self, instant: DateTime<Utc>) -> Result<Position, StoreError> {
        let position = sqlx::query_scalar(
            "with recursive search(low, high) as (
                select 0::bigint, coalesce(max(position), 0) from events
                union all
                select case when e.recorded_at <= $1 then e.position else s.low end,
                       case when e.recorded_at <= $1 then s.high else e.position - 1 end
                from search s join events e on e.position = (s.low + s.high + 1) / 2
                where s.low < s.high
             )
             select low from search where low = high",
        )
        .bind(instant)
        .fetch_one(&self.pool)
        .await?;
        Ok(position)
    }

    /// The next events of the log, of every site, after a position: at most `limit`.
    pub async fn read(&self, after: Position, limit: i64) -> Result<Vec<Recorded>, StoreError> {
        let rows = sqlx::query(
            "select position, site_id, aggregate_type, aggregate_id, sequence, event_type, event_version,
                    payload::text, metadata ->> 'actor' as actor, metadata ->> 'authority' as authority,
                    command_id, recorded_at
             from events where position > $1 order by position limit $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(recorded).collect()
    }

    /// The events of one stream of a site, from its first. Single streams are loaded through an unmodified postgres-es,
    /// on a view of the one site that carries position, command and instant in the metadata.
    pub async fn stream(&self, site: SiteId, stream: StreamId) -> Result<Vec<Recorded>, StoreError> {
        let table = format!("(select * from stream_events where site_id = '{site}') as e");
        let log = PostgresEventRepository::new(self.pool.clone()).with_tables(&table, "snapshots_are_not_used");
        let id = stream.id.to_string();
        let events = match stream.kind {
            StreamType::Person => log.get_events::<Person>(&id).await,
            StreamType::Module => log.get_events::<Module>(&id).await,
            StreamType::Cohort => log.get_events::<Cohort>(&id).await,
            StreamType::Hub => log.get_events::<Hub>(&id).await,
            StreamType::Enrolment => log.get_events::<Enrolment>(&id).await,
        };
        events.map_err(unavailable)?.into_iter().map(|event| from_postgres_es(site, stream, event)).collect()
    }
}

fn recorded(row: &PgRow) -> Result<Recorded, StoreError> {
    let stream = stream_id(row.try_get("aggregate_type")?, row.try_get("aggregate_id")?)?;
    let actor: Option<&str> = row.try_get("actor")?;
    let authority: Option<&str> = row.try_get("authority")?;
    Ok(Recorded {
        position: row.try_get("position")?,
        site: SiteId(row.try_get("site_id")?),
        stream,
        sequence: row.try_get("sequence")?,
        command_id: row.try_get::<Uuid, _>("command_id")?.into(),
        actor: actor.map(parse).transpose()?,
        authority: authority.map(parse).transpose()?,
        recorded_at: row.try_get("recorded_at")?,
        event: Event::decode(
            stream.kind,
            row.try_get("event_type")?,
            row.try_get("event_version")?,
            row.try_get("payload")?,
        )?,
    })
}

fn from_postgres_es(site: SiteId, stream: StreamId, event: SerializedEvent) -> Result<Recorded, StoreError> {
    let metadata: HashMap<String, String> = serde_json::from_value(event.metadata)?;
    let get = |key: &str| metadata.get(key).map(String::as_str);
    let needed = |key: &str| get(key).ok_or_else(|| StoreError::Corrupt(format!("{stream} has no {key}")));
    Ok(Recorded {
        position: parse(needed("position")?)?,
        site,
        stream,
        sequence: i64::try_from(event.sequence).unwrap_or(i64::MAX),
        command_id: parse(needed("command_id")?)?,
        actor: get("actor").map(parse).transpose()?,
        authority: get("authority").map(parse).transpose()?,
        recorded_at: parse::<DateTime<Utc>>(needed("recorded_at")?)?,
        event: Event::decode(
            stream.kind,
            &event.event_type,
            &event.event_version,
            &serde_json::to_string(&event.payload)?,
        )?,
    })
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("metadata that cannot be read: {text}")))
}

/// postgres-es wraps sqlx's errors; what it calls a connection error is one.
fn unavailable(error: PersistenceError) -> StoreError {
    match error {
        PersistenceError::ConnectionError(source) | PersistenceError::UnknownError(source) => {
            match source.downcast::<sqlx::Error>() {
                Ok(error) => StoreError::from(*error),
                Err(other) => StoreError::Corrupt(other.to_string()),
            }
        }
        other => StoreError::Corrupt(other.to_string()),
    }
}
