//! What a load has met with, in numbers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Commands that were acknowledged, each once.
    pub acknowledged: u64,
    /// Commands that a rule refused.
    pub refused: u64,
    /// Answers that said "not now, try again": 503 with `Retry-After`.
    pub unavailable: u64,
    /// Requests that got no answer.
    pub unanswered: u64,
    /// Commands that were sent twice at once, or again after their acknowledgement.
    pub doubled: u64,
    /// Reads of what was just written.
    pub reads: u64,
    /// The longest time without any acknowledgement.
    pub longest_silence: Duration,
}

/// Counts, for any number of clients.
#[derive(Debug)]
pub struct Tally {
    counts: Mutex<(Figures, Instant)>,
    acknowledged: watch::Sender<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: Mutex::new((Figures::default(), Instant::now())), acknowledged: watch::Sender::new(0) }
    }
}

impl Tally {
    /// The numbers so far.
    pub fn figures(&self) -> Figures {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// How many commands were acknowledged, as it grows.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.acknowledged.subscribe()
    }

    /// Counts something.
    pub fn count(&self, what: impl FnOnce(&mut Figures)) {
        what(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    /// Counts an acknowledgement.
    pub fn acknowledge(&self) {
        let acknowledged = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let (figures, last) = &mut *counts;
            figures.acknowledged += 1;
            figures.longest_silence = figures.longest_silence.max(last.elapsed());
            *last = Instant::now();
            figures.acknowledged
        };
        self.acknowledged.send_if_modified(|known| {
            let further = acknowledged > *known;
            *known = acknowledged.max(*known);
            further
        });
    }
}
