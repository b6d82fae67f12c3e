//! The states of streams that this process has seen lately: so many, and of so many bytes. What is kept never decides by
//! itself; see [`crate::load`].

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rollbook_domain::plan::StreamWrite;
use rollbook_domain::world::AnyLoaded;
use rollbook_domain::{SiteId, StreamId, bytes};

/// How many streams' states a process keeps: about sixty cohorts of the usual size.
const KEPT_STREAMS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// The most that they take, in bytes of JSON. A state holds what its student wrote last, some 10 KiB in a term, and up to some
/// megabytes where somebody writes as much as they can.
const KEPT_BYTES: usize = 128 << 20;

/// The states that this process has seen.
pub(crate) struct StateCache(Mutex<States>);

struct States {
    /// Each with the bytes that it takes, or somewhat more.
    by: LruCache<(SiteId, StreamId), (AnyLoaded, usize)>,
    bytes: usize,
}

impl std::fmt::Debug for StateCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateCache")
    }
}

impl Default for StateCache {
    fn default() -> Self {
        Self(Mutex::new(States { by: LruCache::new(KEPT_STREAMS), bytes: 0 }))
    }
}

impl StateCache {
    pub(crate) fn get(&self, site: SiteId, stream: StreamId) -> Option<AnyLoaded> {
        self.lock().by.get(&(site, stream)).map(|(loaded, _)| loaded.clone())
    }

    /// Takes the events that have just been appended to a stream, if its state before them is kept, or there was none.
    pub(crate) fn advance(&self, site: SiteId, write: &StreamWrite) {
        let mut kept = self.lock();
        let key = (site, write.stream);
        if write.expected_version == 0 && kept.by.peek(&key).is_none() {
            kept.put(key, AnyLoaded::empty(write.stream.kind), 0);
        }
        let known = kept.by.get_mut(&key).filter(|(loaded, _)| loaded.version() == write.expected_version);
        let Some((loaded, weight)) = known else { return };
        let more: usize = write.events.iter().map(bytes).sum();
        for (sequence, event) in (write.expected_version + 1..).zip(&write.events) {
            loaded.apply(event, sequence);
        }
        *weight += more;
        kept.bytes += more;
        kept.make_room();
    }

    /// Keeps a state, unless a newer one is kept already. Streams without events are not kept.
    pub(crate) fn put(&self, site: SiteId, stream: StreamId, loaded: &AnyLoaded) {
        let key = (site, stream);
        // Mostly what was loaded is what is kept: it is not weighed again, and nobody waits while something is.
        if loaded.version() == 0 || !self.lock().lacks(key, loaded) {
            return;
        }
        let weight = loaded.bytes();
        let mut kept = self.lock();
        if kept.lacks(key, loaded) {
            kept.put(key, loaded.clone(), weight);
            kept.make_room();
        }
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl States {
    /// Whether a state is newer than what is kept of its stream.
    fn lacks(&self, key: (SiteId, StreamId), loaded: &AnyLoaded) -> bool {
        self.by.peek(&key).is_none_or(|(known, _)| known.version() < loaded.version())
    }

    fn put(&mut self, key: (SiteId, StreamId), loaded: AnyLoaded, size: usize) {
        self.bytes += size;
        if let Some((_, (_, before))) = self.by.push(key, (loaded, size)) {
            self.bytes -= before;
        }
    }

    /// Lets go of what was used longest ago, until there is room.
    fn make_room(&mut self) {
        while self.bytes > KEPT_BYTES
            && let Some((_, (_, size))) = self.by.pop_lru()
        {
            self.bytes -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use rollbook_domain::enrolment::{EnrolmentEvent, ReflectionEvent, Visibility};
    use rollbook_domain::{EnrolmentId, Event};
    use uuid::Uuid;

    use super::*;

    fn write(stream: u128, expected_version: i64, letters: usize) -> StreamWrite {
        let text = "字".repeat(letters).into();
        let event = EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted {
            week: 1,
            text,
            visibility: Visibility::Private,
        });
        let stream = EnrolmentId(Uuid::from_u128(stream)).into();
        StreamWrite { stream, expected_version, events: vec![Event::Enrolment(event)] }
    }

    #[test]
    fn keeps_so_many_bytes_whatever_they_are_made_of() {
        let kept = StateCache::default();
        let streams = KEPT_BYTES / 60_000 + 100;
        for stream in 0..streams as u128 {
            kept.advance(SiteId::DEFAULT, &write(stream, 0, 20_000));
        }
        assert!(kept.lock().bytes <= KEPT_BYTES);
        assert!(kept.lock().by.len() < streams);
        let newest = EnrolmentId(Uuid::from_u128(streams as u128 - 1)).into();
        let newest = kept.get(SiteId::DEFAULT, newest).expect("what was used last is kept");
        assert!(newest.bytes() > 60_000);
        // Revisions of one count each, until it is loaded again.
        for version in 1..=i64::try_from(streams).expect("a number") {
            kept.advance(SiteId::DEFAULT, &write(streams as u128 - 1, version, 20_000));
        }
        assert!(kept.lock().bytes <= KEPT_BYTES && kept.lock().by.len() <= 1);
        kept.put(SiteId::DEFAULT, EnrolmentId(Uuid::from_u128(0)).into(), &newest);
        let sum: usize = kept.lock().by.iter().map(|(_, (_, size))| size).sum();
        assert_eq!(kept.lock().bytes, sum);
    }
}
