//! When the demo takes place: its seventh session was yesterday when it was first played, and stays where it was.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use rollbook_domain::cohort::{CohortEvent, Zone};
use rollbook_domain::{CohortId, Event, SiteId};
use rollbook_store::EventStore;

use super::fixture::Fixture;
use crate::failure::Done;

/// The last week that is played.
pub const LAST_WEEK: u8 = 7;

/// The dates of the cohort.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    zone: Zone,
    session_start: NaiveTime,
    /// The local date of the first session.
    pub starts_on: NaiveDate,
}

impl Calendar {
    /// The dates of a cohort whose seventh session was yesterday.
    pub fn up_to(now: DateTime<Utc>, fixture: &Fixture) -> Self {
        let back = Days::new(1 + 7 * u64::from(LAST_WEEK - 1));
        let today = fixture.zone.date(now);
        Self::starting(today.checked_sub_days(back).unwrap_or(today), fixture)
    }

    /// The dates of the cohort that was played here before, at least in part.
    pub async fn of_played(store: &EventStore, cohort: CohortId, fixture: &Fixture) -> Done<Option<Self>> {
        let events = store.stream(SiteId::DEFAULT, cohort.into()).await?;
        Ok(events.into_iter().find_map(|recorded| match recorded.event {
            Event::Cohort(CohortEvent::CohortScheduled { starts_on, .. }) => Some(Self::starting(starts_on, fixture)),
            _ => None,
        }))
    }

    fn starting(starts_on: NaiveDate, fixture: &Fixture) -> Self {
        Self { zone: fixture.zone, session_start: fixture.session_start, starts_on }
    }

    /// When a session begins.
    pub fn session(&self, week: u8) -> DateTime<Utc> {
        self.zone.session(self.starts_on, self.session_start, week)
    }

    /// So many hours and minutes after a session has begun.
    pub fn after(&self, week: u8, hours: i64, minutes: i64) -> DateTime<Utc> {
        self.session(week) + TimeDelta::hours(hours) + TimeDelta::minutes(minutes)
    }

    /// The local date of a session.
    pub fn date(&self, week: u8) -> NaiveDate {
        self.zone.date(self.session(week))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seventh_session_was_yesterday() {
        let fixture = Fixture::load().unwrap();
        // In Sydney it is the 22nd already.
        let now = "2026-11-21T20:00:00Z".parse().unwrap();
        let calendar = Calendar::up_to(now, &fixture);
        assert_eq!(calendar.date(LAST_WEEK).to_string(), "2026-11-21");
        assert_eq!(calendar.date(1), calendar.starts_on);
        assert!(calendar.after(LAST_WEEK, 4, 59) < now);
    }
}
