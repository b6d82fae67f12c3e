//! The log: reading it forward, its head, and single streams through postgres-es.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use cqrs_es::persist::{PersistedEventRepository, PersistenceError, SerializedEvent};
use postgres_es::PostgresEventRepository;
use rollbook_domain::{Event, SiteId, StreamId, StreamType};
use sqlx::PgPool;
use tokio::sync::{mpsc, watch};

use crate::append::Job;
use crate::entries::LogView;
use crate::isolation::{self, SitePools};
use crate::recent::Recent;
use crate::state_cache::StateCache;
use crate::tokens::Lookup;
use crate::{Position, Recorded, StoreError};

/// The event store of one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventStore {
    /// Where queries read: what they see is every site, or one.
    pub(crate) pool: PgPool,
    /// Where what commands are decided on is loaded: it sees the same, and plans nothing anew.
    pub(crate) loads: PgPool,
    /// Where what works for all sites at once does so.
    pub(crate) every_site: PgPool,
    pub(crate) sites: Arc<SitePools>,
    pub(crate) kept: Arc<StateCache>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) appender: Arc<OnceLock<mpsc::Sender<Job>>>,
    pub(crate) bearers: Arc<OnceLock<mpsc::Sender<Lookup>>>,
    pub(crate) heads: Arc<Heads>,
}

/// The last events of sites, as far as the log was looked at.
#[derive(Debug, Default)]
pub(crate) struct Heads(Mutex<HashMap<SiteId, Arc<tokio::sync::Mutex<Head>>>>);

#[derive(Debug, Default)]
struct Head {
    looked_at: Position,
    last: Position,
}

impl Heads {
    fn of(&self, site: SiteId) -> Arc<tokio::sync::Mutex<Head>> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(heads.entry(site).or_default())
    }
}

impl EventStore {
    /// A store on a database that the migrations have been run on. The pool's connections see every site, by
    /// [`every_site`](crate::isolation::every_site).
    pub fn new(every_site: PgPool) -> Self {
        Self {
            pool: every_site.clone(),
            loads: isolation::loads(&every_site),
            every_site,
            sites: Arc::default(),
            kept: Arc::default(),
            recent: Arc::default(),
            appender: Arc::default(),
            bearers: Arc::default(),
            heads: Arc::default(),
        }
    }

    /// The pool, for the read side.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The highest position that this process has heard of, now and as it grows: a hint for those who wait, never a
    /// truth.
    pub fn heard(&self) -> watch::Receiver<Position> {
        self.recent.heard()
    }

    /// Tells those who wait that the log has come to a position.
    pub fn announce(&self, position: Position) {
        self.recent.announce(position);
    }

    /// The next events of the log after a position, at most `limit`, if this process has appended all of them a moment ago:
    /// for whoever follows the log closely. None says nothing; [`EventStore::read`] does.
    pub fn just_appended(&self, after: Position, limit: usize) -> Option<Vec<Recorded>> {
        self.recent.after(after, limit)
    }

    /// The position of the last event, of whatever site; 0 for an empty log.
    pub async fn head(&self) -> Result<Position, StoreError> {
        let sql = "select coalesce(max(position), 0) from events";
        let head = sqlx::query_scalar(sql).fetch_one(&self.every_site).await?;
        Ok(head)
    }

    /// The last event of a site after a position and up to another, or the first of the two where the site has none there: what
    /// its own people need to be waited for, however much others have appended. Of a stretch that many ask for, each
    /// event is looked at once.
    pub async fn head_of(&self, site: SiteId, after: Position, up_to: Position) -> Result<Position, StoreError> {
        let heads = self.heads.of(site);
        let mut head = heads.lock().await;
        if head.looked_at < up_to {
            // A stretch before that nobody asks for any more is of no interest.
            let from = head.looked_at.max(after);
            let sql = format!(
                "select position from events
                 where site_id = '{site}' and position > $1 and position <= $2 order by position desc limit 1"
            );
            let found = sqlx::query_scalar(&sql).bind(from).bind(up_to).fetch_optional(&self.every_site).await?;
            *head = Head { looked_at: up_to, last: found.unwrap_or(head.last) };
        }
        Ok(head.last.min(up_to).max(after))
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
        .fetch_one(&self.every_site)
        .await?;
        Ok(position)
    }

    /// The next events of the log, of every site, after a position: at most `limit`. One that cannot be read is an error.
    pub async fn read(&self, after: Position, limit: i64) -> Result<Vec<Recorded>, StoreError> {
        let entries = self.entries(after, limit).await?;
        entries.into_iter().map(|entry| entry.map_err(|unreadable| unreadable.error)).collect()
    }

    /// The next events of one site after a position, at most `limit` and about [`STRETCH_BYTES`]; other sites' are passed over,
    /// and what the view leaves out. One that cannot be read is an error.
    pub async fn read_site(
        &self,
        site: SiteId,
        after: Position,
        limit: i64,
        view: LogView,
    ) -> Result<Stretch, StoreError> {
        // What is appended after this is left for the next stretch, so that nothing is passed over unread.
        let head = self.head().await?.max(after);
        self.stretch(&Read::Site { site, head, view }, after, limit).await
    }

    /// The next events of one stream of a site after a position, at most `limit` and about [`STRETCH_BYTES`]. One that cannot be
    /// read is an error.
    pub async fn read_stream(
        &self,
        site: SiteId,
        stream: StreamId,
        after: Position,
        limit: i64,
    ) -> Result<Stretch, StoreError> {
        self.stretch(&Read::Stream { site, stream }, after, limit).await
    }

    /// Reads a stretch after a position, part by part.
    async fn stretch(&self, what: &Read, mut after: Position, limit: i64) -> Result<Stretch, StoreError> {
        let (mut events, mut bytes, mut left) = (Vec::new(), 0, limit);
        while left > 0 && bytes < STRETCH_BYTES {
            let wanted = left.min(PART_EVENTS);
            let part = match *what {
                Read::Site { site, head, view } => self.entries_of_site(site, after, head, wanted, view).await?,
                Read::Stream { site, stream } => self.entries_of_stream(site, stream, after, wanted).await?,
            };
            let full = i64::try_from(part.len()).is_ok_and(|read| read == wanted);
            for (entry, size) in part {
                let event = entry.map_err(|unreadable| unreadable.error)?;
                (after, bytes, left) = (event.position, bytes + size, left - 1);
                events.push(event);
                if bytes >= STRETCH_BYTES {
                    break;
                }
            }
            if !full && bytes < STRETCH_BYTES {
                let reached = if let Read::Site { head, .. } = what { after.max(*head) } else { after };
                return Ok(Stretch { events, reached, more: false });
            }
        }
        Ok(Stretch { events, reached: after, more: true })
    }

    /// The events of one stream of a site, from its first. Single streams are loaded through an unmodified postgres-es,
    /// on a view of the one site that carries position, command and instant in the metadata.
    pub async fn stream(&self, site: SiteId, stream: StreamId) -> Result<Vec<Recorded>, StoreError> {
        let table = format!("(select * from stream_events where site_id = '{site}') as e");
        let log = PostgresEventRepository::new(self.pool.clone()).with_tables(&table, "snapshots_are_not_used");
        let id = stream.id.to_string();
        let events = stored(&log, stream.kind, &id).await;
        events.map_err(unavailable)?.into_iter().map(|event| from_postgres_es(site, stream, event)).collect()
    }
}

macro_rules! stored {
    ($(
        $(#[$doc:meta])*
        $module:ident: $state:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {
        /// The events of a stream, of whatever aggregate.
        async fn stored(
            log: &PostgresEventRepository,
            kind: StreamType,
            id: &str,
        ) -> Result<Vec<SerializedEvent>, PersistenceError> {
            match kind {
                $(StreamType::$state => log.get_events::<rollbook_domain::$module::$state>(id).await,)*
            }
        }
    };
}

rollbook_domain::aggregates!(stored);

/// How many events are read at a time, and of how many bytes a stretch is that ends before its limit: an event holds what
/// somebody wrote, up to some 80 KB.
const PART_EVENTS: i64 = 100;
const STRETCH_BYTES: usize = 2 << 20;

/// A stretch of the log, with some of its events in it.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// The position that the log was read up to.
    pub reached: Position,
    /// Whether there may be others after it.
    pub more: bool,
}

/// What a stretch is read of.
enum Read {
    /// A site's part of the log, up to a position.
    Site { site: SiteId, head: Position, view: LogView },
    /// A stream.
    Stream { site: SiteId, stream: StreamId },
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
    text.parse().map_err(|_| StoreError::Corrupt("metadata that cannot be read".to_owned()))
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
