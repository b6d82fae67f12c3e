//! The end of the log as this process has written it, for its own readers: whoever follows the log closely need not ask the
//! database for what has just gone through here. Never more than a shortcut: what is not here is read from the log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::{Position, Recorded};

/// How many events are kept: more than a reader is behind at full speed, some megabytes.
const KEPT_EVENTS: usize = 4_096;

/// The most bytes of their payloads: events hold what people write.
const KEPT_BYTES: usize = 32 << 20;

/// The last events that this process appended, without a gap, and the highest position that it has heard of.
#[derive(Debug)]
pub(crate) struct Recent {
    events: Mutex<Events>,
    heard: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Events {
    /// Each with the bytes of its payload.
    by: VecDeque<(Recorded, usize)>,
    bytes: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { events: Mutex::default(), heard: watch::Sender::new(0) }
    }
}

impl Recent {
    /// Takes what has just been committed, each with the bytes of its payload, and tells those who wait.
    pub fn add(&self, written: Vec<(Recorded, usize)>) {
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return };
        let (first, last) = (first.0.position, last.0.position);
        {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            if events.by.back().is_some_and(|(newest, _)| newest.position + 1 != first) {
                // Another process has written in between.
                *events = Events::default();
            }
            events.bytes += written.iter().map(|(_, bytes)| bytes).sum::<usize>();
            events.by.extend(written);
            while events.by.len() > KEPT_EVENTS || events.bytes > KEPT_BYTES {
                let Some((_, bytes)) = events.by.pop_front() else { break };
                events.bytes -= bytes;
            }
        }
        self.announce(last);
    }

    /// The events after a position, at most `limit`, if they are here.
    pub fn after(&self, position: Position, limit: usize) -> Option<Vec<Recorded>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = usize::try_from(position + 1 - events.by.front()?.0.position).ok()?;
        if skipped >= events.by.len() {
            return None;
        }
        Some(events.by.range(skipped..).take(limit).map(|(event, _)| event.clone()).collect())
    }

    /// Tells those who wait that the log has come to a position.
    pub fn announce(&self, position: Position) {
        self.heard.send_if_modified(|heard| {
            let further = position > *heard;
            if further {
                *heard = position;
            }
            further
        });
    }

    /// The highest position that this process has heard of.
    pub fn head(&self) -> Position {
        *self.heard.borrow()
    }

    /// The same, now and as it grows.
    pub fn heard(&self) -> watch::Receiver<Position> {
        self.heard.subscribe()
    }
}
