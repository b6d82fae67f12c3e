//! The events of a few streams, up to a position of the log: what a moment of the past is folded from. It streams, so that
//! it never holds a history in memory.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use futures::stream::BoxStream;
use rollbook_domain::{SiteId, StreamId};

use crate::log::recorded;
use crate::{EventStore, Position, Recorded, StoreError};

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
        let rows = sqlx::query(
            "select e.position, e.site_id, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
                    e.payload::text, e.metadata ->> 'actor' as actor, e.metadata ->> 'authority' as authority,
                    e.command_id, e.recorded_at
             from unnest($2::text[], $3::text[]) as w(kind, id)
             join events e on e.aggregate_type = w.kind and e.aggregate_id = w.id
             where e.site_id = $1 and e.position <= $4 order by e.position",
        )
        .bind(site.0)
        .bind(kinds)
        .bind(ids)
        .bind(up_to)
        .fetch(&self.pool);
        Box::pin(rows.map_err(StoreError::from).and_then(async |row| recorded(&row)))
    }
}
