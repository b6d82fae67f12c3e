//! Reading the log so that one unreadable event does not hide those before it.

use rollbook_store::{EventStore, Position, Recorded, StoreError};

use crate::ProjectionError;

/// The next events after a position, at most `limit`, up to an event that cannot be read. That event is the error where
/// it is the next one: positions have no gaps, so its position is known.
pub(super) async fn next(store: &EventStore, after: Position, limit: i64) -> Result<Vec<Recorded>, ProjectionError> {
    let mut limit = limit;
    loop {
        match store.read(after, limit).await {
            Err(source @ (StoreError::Unreadable(_) | StoreError::Corrupt(_))) if limit <= 1 => {
                return Err(ProjectionError::Poison { position: after + 1, source });
            }
            Err(StoreError::Unreadable(_) | StoreError::Corrupt(_)) => limit /= 2,
            read => return Ok(read?),
        }
    }
}
