//! What somebody takes over time of what all share: the processor, or the disk. It is metered as a leaky bucket (the generic
//! cell rate algorithm, as virtual scheduling): all that is kept is the instant at which what was taken will have been their share. Unlike requests, which `governor` counts, this is
//! paid afterwards, and may be more than there was: nobody knows beforehand what something takes.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

/// The share of so long a time can be taken at once.
const AT_ONCE: Duration = Duration::from_millis(500);

/// How long it takes at most until somebody has something again who rests.
const FORGIVEN: Duration = Duration::from_secs(10);

/// How many are remembered, those that have taken something last: of each no more than instants.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What has been taken of one share.
#[derive(Debug, Default)]
pub struct Meter {
    /// In nanoseconds since [`EPOCH`].
    until: AtomicU64,
}

/// Meters, or more of each, by whose they are.
#[derive(Debug)]
pub struct Meters<K: Hash + Eq, M>(Mutex<LruCache<K, Arc<M>>>);

impl Meter {
    /// Takes what is the share of so long a time.
    pub fn take(&self, share_of: Duration) {
        self.take_at(now(), share_of);
    }

    /// Whether there is something left.
    pub fn has_left(&self) -> bool {
        self.owed_at(now()) == 0
    }

    /// Waits until there is something left.
    pub async fn rest(&self) {
        tokio::time::sleep(Duration::from_nanos(self.owed_at(now()))).await;
    }

    fn take_at(&self, now: u64, share_of: Duration) {
        let taken = |until: u64| {
            let until = until.max(now).saturating_add(nanoseconds(share_of));
            Some(until.min(now + nanoseconds(AT_ONCE + FORGIVEN)))
        };
        // What it was before is of no interest, and it is always something.
        let _ = self.until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
    }

    /// For how many nanoseconds from now on nothing is left.
    fn owed_at(&self, now: u64) -> u64 {
        self.until.load(Ordering::Relaxed).saturating_sub(now + nanoseconds(AT_ONCE))
    }
}

impl<K: Hash + Eq, M> Default for Meters<K, M> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl<K: Hash + Eq, M: Default> Meters<K, M> {
    /// Whose this is.
    pub fn of(&self, key: K) -> Arc<M> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.get_or_insert(key, Arc::default))
    }
}

fn now() -> u64 {
    nanoseconds(EPOCH.elapsed())
}

/// 585 years, at most.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_so_much_over_time_and_somebody_who_rests_has_it_again() {
        let (meter, at) = (Meter::default(), |milliseconds| nanoseconds(Duration::from_millis(milliseconds)));
        meter.take_at(at(0), Duration::from_millis(500));
        assert_eq!(meter.owed_at(at(0)), 0, "so much at once");
        meter.take_at(at(0), Duration::from_millis(100));
        assert_eq!([0, 99, 100].map(|now| meter.owed_at(at(now))), [at(100), at(1), 0]);
        meter.take_at(at(100), Duration::MAX);
        assert_eq!([10_099, 10_100].map(|now| meter.owed_at(at(now))), [at(1), 0], "whoever rests is forgiven");
    }
}
