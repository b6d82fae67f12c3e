//! The log: reading it forward, its head, and single streams through postgres-es.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::watch;

use rollbook_domain::{SiteId, StreamId};

use crate::{Position, Recorded, StoreError};

/// The event store of one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventStore {
    pub(crate) pool: PgPool,
    head: Arc<watch::Sender<Position>>,
}

impl EventStore {
    /// A store on a database that the migrations have been run on.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, head: Arc::new(watch::Sender::new(0)) }
    }

    /// The pool, for the read side.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The highest position that this process has heard of, now and as it grows: a hint for those who wait, never a truth.
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
        unimplemented!()
    }

    /// The next events of the log, of every site, after a position: at most `limit`.
    pub async fn read(&self, after: Position, limit: i64) -> Result<Vec<Recorded>, StoreError> {
        let _ = (after, limit);
        unimplemented!()
    }

    /// The events of one stream of a site, from its first, through an unmodified postgres-es.
    pub async fn stream(&self, site: SiteId, stream: StreamId) -> Result<Vec<Recorded>, StoreError> {
        let _ = (site, stream);
        unimplemented!()
    }
}
