//! The end of the log as this process has written it, for its own readers: whoever follows the log closely need not ask the
//! database for what has just gone through here. Never more than a shortcut: what is not here is read from the log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::{Position, Recorded};

/// How many events are kept: more than a reader is behind at full speed, some megabytes.
const KEPT_EVENTS: usize = 4_096;

/// The last events that this process appended, without a gap, and the highest position that it has heard of.
#[derive(Debug)]
pub(crate) struct Recent {
    events: Mutex<VecDeque<Recorded>>,
    heard: watch::Sender<Position>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { events: Mutex::default(), heard: watch::Sender::new(0) }
    }
}

impl Recent {
    /// Takes what has just been committed, and tells those who wait.
    pub fn add(&self, written: Vec<Recorded>) {
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return };
        let (first, last) = (first.position, last.position);
        {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            if events.back().is_some_and(|newest| newest.position + 1 != first) {
                // Another process has written in between.
                events.clear();
            }
            events.extend(written);
            let surplus = events.len().saturating_sub(KEPT_EVENTS);
            events.drain(..surplus);
        }
        self.announce(last);
    }

    /// The events after a position, at most `limit`, if they are here.
    pub fn after(&self, position: Position, limit: usize) -> Option<Vec<Recorded>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = usize::try_from(position + 1 - events.front()?.position).ok()?;
        if skipped >= events.len() {
            return None;
        }
        Some(events.range(skipped..).take(limit).cloned().collect())
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
