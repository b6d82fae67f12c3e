//! The events of a few streams, up to a position of the log: what a moment of the past is folded from. It streams, so that
//! it never holds a history in memory.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use futures::TryStreamExt;
use futures::stream::BoxStream;
use rollbook_domain::{SiteId, StreamId};

use crate::entries::{COLUMNS, entry};
use crate::{EventStore, Position, Recorded, StoreError};

/// The kinds and ids of streams are `$2` and `$3`.
static SQL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select {COLUMNS} from events
         where (aggregate_type, aggregate_id) in (select * from unnest($2::text[], $3::text[]))
             and site_id = $1 and position <= $4 order by position"
    )
});

impl EventStore {
    /// The events of a site's streams up to a position, in the order of the log. One statement, however many streams there
    /// are; the database's connection is taken until the last event, or until the stream is dropped.
    pub fn streams(
        &self,
        site: SiteId,
        streams: &BTreeSet<StreamId>,
        up_to: Position,
    ) -> BoxStream<'_, Result<Recorded, StoreError>> {
        let (kinds, ids): (Vec<_>, Vec<_>) =
            streams.iter().map(|stream| (stream.kind.as_str(), stream.id.to_string())).unzip();
        let rows = sqlx::query(&SQL).bind(site.0).bind(kinds).bind(ids).bind(up_to).fetch(&self.pool);
        Box::pin(
            rows.map_err(StoreError::from).and_then(async |row| entry(&row)?.map_err(|unreadable| unreadable.error)),
        )
    }
}
