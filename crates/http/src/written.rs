//! How much a person and a site write in a day: the log never forgets, so that whoever wrote without end would fill the disk
//! for everybody. Counted by the bodies and the events of commands that were carried out, in this process alone: several processes allow
//! several times as much.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use lru::LruCache;
use rollbook_domain::{PersonId, SiteId};

use crate::problem::ApiError;

/// The least that a command, and each of its events, counts for, in bytes: what one takes with its rows and its places in
/// indexes.
const LEAST_BYTES: u64 = 2 << 10;

/// What one person writes in a day at most, in bytes: a hundred reflections as long as they may be.
const OF_PERSON_BYTES: u64 = 8 << 20;

/// The same of an owner or an admin, who import files of up to 20 MiB.
const OF_ADMIN_BYTES: u64 = 128 << 20;

/// What a site writes in a day at most, in bytes.
const OF_SITE_BYTES: u64 = 1 << 30;

/// How many people and sites are remembered; of more, those who wrote least recently begin anew.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// What was written today. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Written(Arc<Mutex<Today>>);

type Today = LruCache<Whose, (NaiveDate, u64)>;

/// Whose share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Person(SiteId, PersonId),
    Site(SiteId),
}

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// In which site.
    pub site: SiteId,
    /// Who.
    pub person: PersonId,
    /// Whether they are an owner or an admin.
    pub is_admin: bool,
}

/// A command that is being written. It counts also where nobody waits for what becomes of it, unless [`Self::refused`].
#[derive(Debug)]
#[must_use]
pub struct Writing {
    written: Written,
    shares: [Whose; 2],
    day: NaiveDate,
    /// What it has been counted for.
    counted: u64,
    /// What its events so far come to.
    events: u64,
}

impl Default for Written {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(REMEMBERED))))
    }
}

impl Written {
    /// Counts a command of so many bytes, unless its writer or their site has written as much as they may today.
    pub fn begin(&self, writer: &Writer, bytes: usize, now: DateTime<Utc>) -> Result<Writing, ApiError> {
        let (day, bytes) = (now.date_naive(), u64::try_from(bytes).unwrap_or(u64::MAX).max(LEAST_BYTES));
        let of_person = if writer.is_admin { OF_ADMIN_BYTES } else { OF_PERSON_BYTES };
        let shares = [Whose::Person(writer.site, writer.person), Whose::Site(writer.site)];
        let mut days = self.lock();
        for (whose, at_most) in shares.into_iter().zip([of_person, OF_SITE_BYTES]) {
            let today = days.get(&whose).filter(|(of, _)| *of == day).map_or(0, |(_, written)| *written);
            if bytes > at_most.saturating_sub(today) {
                return Err(ApiError::TooMuchToday { wait: until_tomorrow(now) });
            }
        }
        for whose in shares {
            let counted = days.get_or_insert_mut(whose, || (day, 0));
            let before = if counted.0 == day { counted.1 } else { 0 };
            *counted = (day, before + bytes);
        }
        drop(days);
        Ok(Writing { written: self.clone(), shares, day, counted: bytes, events: 0 })
    }

    fn lock(&self) -> MutexGuard<'_, Today> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn until_tomorrow(now: DateTime<Utc>) -> Duration {
    let midnight = now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    midnight.and_then(|midnight| (midnight - now).to_std().ok()).unwrap_or_default()
}

impl Writing {
    /// So many events of it have been written: it counts by them, where they come to more than its bytes.
    pub fn wrote(&mut self, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX).saturating_mul(LEAST_BYTES);
        self.events = self.events.saturating_add(events);
        let more = self.events.saturating_sub(self.counted);
        self.counted += more;
        self.change(|written| written.saturating_add(more));
    }

    /// It was not written, as far as it was not: that is given back.
    pub fn refused(self) {
        let less = self.counted - self.events;
        self.change(|written| written.saturating_sub(less));
    }

    fn change(&self, change: impl Fn(u64) -> u64) {
        let mut days = self.written.lock();
        for whose in self.shares {
            if let Some((_, written)) = days.peek_mut(&whose).filter(|(day, _)| *day == self.day) {
                *written = change(*written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn writer(site: u128, person: u128, is_admin: bool) -> Writer {
        Writer { site: SiteId(Uuid::from_u128(site)), person: PersonId(Uuid::from_u128(person)), is_admin }
    }

    fn at(instant: &str) -> DateTime<Utc> {
        instant.parse().unwrap()
    }

    fn write(written: &Written, writer: &Writer, bytes: u64, now: &str) -> Option<u64> {
        match written.begin(writer, usize::try_from(bytes).unwrap(), at(now)) {
            Ok(mut writing) => writing.wrote(1),
            Err(ApiError::TooMuchToday { wait }) => return Some(wait.as_secs()),
            Err(other) => panic!("{other:?}"),
        }
        None
    }

    const NOON: &str = "2026-02-10T12:00:00Z";

    #[test]
    fn a_person_writes_so_much_a_day_and_others_write_on() {
        let (written, one, other) = (Written::default(), writer(1, 1, false), writer(1, 2, false));
        for _ in 0..4 {
            assert_eq!(write(&written, &one, OF_PERSON_BYTES / 4, NOON), None);
        }
        assert_eq!(write(&written, &one, 1, NOON), Some(12 * 3600));
        assert_eq!(write(&written, &other, 1, NOON), None);
        assert_eq!(write(&written, &one, 1, "2026-02-11T00:00:00Z"), None, "another day");
        assert_eq!(write(&written, &writer(2, 1, false), OF_PERSON_BYTES, NOON), None, "another site");
        assert_eq!(write(&written, &writer(1, 3, true), OF_ADMIN_BYTES, NOON), None, "an admin");
    }

    #[test]
    fn the_smallest_command_counts_for_what_an_event_takes() {
        let (written, one) = (Written::default(), writer(1, 1, false));
        for _ in 0..OF_PERSON_BYTES / LEAST_BYTES {
            assert_eq!(write(&written, &one, 1, NOON), None);
        }
        assert!(write(&written, &one, 1, NOON).is_some());
    }

    #[test]
    fn what_is_refused_is_given_back() {
        let (written, one) = (Written::default(), writer(1, 1, false));
        for _ in 0..100 {
            written.begin(&one, usize::try_from(OF_PERSON_BYTES).unwrap(), at(NOON)).unwrap().refused();
        }
        assert_eq!(write(&written, &one, OF_PERSON_BYTES, NOON), None);
        let first = written.begin(&writer(1, 2, false), 1 << 20, at(NOON)).unwrap();
        assert_eq!(write(&written, &writer(1, 2, false), 1 << 20, "2026-02-11T00:00:00Z"), None);
        // Yesterday's is not taken off today's.
        first.refused();
        assert_eq!(
            write(&written, &writer(1, 2, false), OF_PERSON_BYTES - (1 << 20) + 1, "2026-02-11T00:00:00Z"),
            Some(86_400)
        );
    }

    #[test]
    fn what_a_short_command_has_written_counts_by_its_events() {
        let (written, one) = (Written::default(), writer(1, 1, false));
        let events = usize::try_from(OF_PERSON_BYTES / LEAST_BYTES).unwrap();
        written.begin(&one, 100, at(NOON)).unwrap().wrote(events - 1);
        assert_eq!(write(&written, &one, 1, NOON), None);
        assert!(write(&written, &one, 1, NOON).is_some());
        written.begin(&writer(1, 2, false), 100, at(NOON)).unwrap().wrote(events * 2);
        assert!(write(&written, &writer(1, 2, false), 1, NOON).is_some(), "more than was left");
    }

    #[test]
    fn what_was_written_before_it_was_refused_or_given_up_counts() {
        let (written, one, other) = (Written::default(), writer(1, 1, false), writer(1, 2, false));
        let half = usize::try_from(OF_PERSON_BYTES / LEAST_BYTES / 2).unwrap();
        let mut refused = written.begin(&one, half * 2 * 2048, at(NOON)).unwrap();
        refused.wrote(half);
        refused.refused();
        assert_eq!(write(&written, &one, OF_PERSON_BYTES / 2, NOON), None, "the half that was not written");
        assert!(write(&written, &one, 1, NOON).is_some());
        drop(written.begin(&other, 4096, at(NOON)).unwrap());
        assert!(write(&written, &other, OF_PERSON_BYTES - 4095, NOON).is_some(), "whoever goes away has written");
        assert_eq!(write(&written, &other, OF_PERSON_BYTES - 4096, NOON), None);
    }

    #[test]
    fn a_site_writes_so_much_a_day_whoever_it_is() {
        let written = Written::default();
        for person in 0..u128::from(OF_SITE_BYTES / OF_ADMIN_BYTES) {
            assert_eq!(write(&written, &writer(1, person, true), OF_ADMIN_BYTES, NOON), None);
        }
        assert!(write(&written, &writer(1, 99, true), 1, NOON).is_some());
        assert_eq!(write(&written, &writer(2, 99, true), 1, NOON), None);
    }
}
