//! What a round reads of the log: the events, and beside them those that cannot be read.

use std::collections::BTreeSet;

use rollbook_store::{EventStore, Position, Recorded, StreamName, Unreadable};

use crate::ProjectionError;

/// Some entries of the log in order, without a gap.
pub(super) struct Batch {
    events: Vec<Recorded>,
    unreadable: Vec<Unreadable>,
    after: Position,
    last: Position,
}

/// The part of a batch that is new to a model.
pub(super) struct Fresh<'b> {
    pub events: &'b [Recorded],
    pub unreadable: &'b [Unreadable],
}

impl Batch {
    /// Reads the next entries after a position, at most `limit`; none at the end of the log.
    pub async fn read(store: &EventStore, after: Position, limit: i64) -> Result<Option<Self>, ProjectionError> {
        let (mut events, mut unreadable) = (Vec::new(), Vec::new());
        let mut last = after;
        // What has just gone through this process need not be read back.
        if let Some(appended) = store.just_appended(after, usize::try_from(limit).unwrap_or(usize::MAX)) {
            last = appended.last().map_or(after, |event| event.position);
            return Ok((last > after).then_some(Self { events: appended, unreadable, after, last }));
        }
        for entry in store.entries(after, limit).await? {
            match entry {
                Ok(event) => {
                    last = event.position;
                    events.push(event);
                }
                Err(entry) => {
                    last = entry.position;
                    unreadable.push(entry);
                }
            }
        }
        Ok((last > after).then_some(Self { events, unreadable, after, last }))
    }

    /// The position of its last entry.
    pub fn last(&self) -> Position {
        self.last
    }

    /// What is new to a model at a position; none where the very next entry is not in the batch.
    pub fn fresh(&self, at: Position) -> Option<Fresh<'_>> {
        let next = at >= self.after && at < self.last;
        next.then(|| Fresh {
            events: &self.events[self.events.partition_point(|event| event.position <= at)..],
            unreadable: &self.unreadable[self.unreadable.partition_point(|entry| entry.position <= at)..],
        })
    }

    /// The events, if every entry can be read.
    pub fn all_events(&self) -> Option<&[Recorded]> {
        self.unreadable.is_empty().then_some(&self.events)
    }

    /// The position before its first entry.
    pub fn after(&self) -> Position {
        self.after
    }

    /// The streams that it is of.
    pub fn streams(&self) -> BTreeSet<StreamName> {
        let readable = self.events.iter().map(StreamName::from);
        readable.chain(self.unreadable.iter().map(|entry| entry.stream.clone())).collect()
    }
}

impl Fresh<'_> {
    /// How many entries they are.
    pub fn len(&self) -> usize {
        self.events.len() + self.unreadable.len()
    }
}
