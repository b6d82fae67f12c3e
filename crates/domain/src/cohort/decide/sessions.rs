//! A cohort's sessions: planned all at once, then moved or called off one by one.

use std::ops::RangeInclusive;

use chrono::Datelike;

use super::Decision;
use crate::cohort::{
    Capacity, Cohort, CohortEvent, CohortFacts, CohortRule, Minutes, RescheduleSession, ScheduleCohort,
    ScheduledSession, Session, SessionStatus,
};
use crate::personal::Personal;

/// Far enough for any course; and close enough that no date computed from it leaves the calendar.
const YEARS: RangeInclusive<i32> = 1970..=2200;

/// Plans a run, with every session's instant: later changes of the time zone's rules do not move what was announced.
pub(super) fn schedule(command: &ScheduleCohort, facts: &CohortFacts) -> Decision {
    if facts.module.retired {
        return Err(CohortRule::ModuleRetired);
    }
    if facts.copy_from.as_ref().is_some_and(|from| from.module_id != Some(command.module_id)) {
        return Err(CohortRule::CopyFromOtherModule);
    }
    let starts_on = command.starts_on;
    if !YEARS.contains(&starts_on.year()) {
        return Err(CohortRule::StartsOnOutOfRange { starts_on });
    }
    let minutes = whole_minutes(command.session_minutes);
    let session = |week| {
        let starts_at = command.timezone.session(starts_on, command.session_start, week);
        ScheduledSession { week, starts_at, minutes }
    };
    Ok(vec![CohortEvent::CohortScheduled {
        module_id: command.module_id,
        name: command.name.as_str().to_owned(),
        starts_on,
        session_start: command.session_start,
        session_minutes: minutes,
        timezone: command.timezone,
        capacity: command.capacity.map(Capacity::get),
        absence_threshold: command.absence_threshold.get(),
        reflection_grace_days: u16::try_from(command.reflection_grace_days.get()).unwrap_or(u16::MAX),
        sessions: (1..=facts.module.weeks).map(session).collect(),
    }])
}

impl Cohort {
    /// Moves a session. One that was cancelled takes place again.
    pub(super) fn reschedule(&self, command: &RescheduleSession) -> Decision {
        let week = command.week.get();
        let now = self.session(week)?;
        let starts_at = command.starts_at;
        let minutes = command.minutes.map_or(now.minutes, whole_minutes);
        if now.status != SessionStatus::Cancelled && now.starts_at == starts_at && now.minutes == minutes {
            return Ok(Vec::new());
        }
        self.must_be_open()?;
        if !YEARS.contains(&starts_at.year()) {
            return Err(CohortRule::StartsAtOutOfRange { starts_at });
        }
        let clash = self.sessions.iter().find(|(other, session)| {
            **other != week && session.status != SessionStatus::Cancelled && session.starts_at == starts_at
        });
        if let Some((week, _)) = clash {
            return Err(CohortRule::SessionClash { week: *week });
        }
        Ok(vec![CohortEvent::SessionRescheduled { week, starts_at, minutes, reason: command.reason.reveal().into() }])
    }

    pub(super) fn cancel_session(&self, week: u8, reason: Personal<String>) -> Decision {
        if self.session(week)?.status == SessionStatus::Cancelled {
            return Ok(Vec::new());
        }
        self.must_be_open()?;
        Ok(vec![CohortEvent::SessionCancelled { week, reason }])
    }

    fn session(&self, week: u8) -> Result<&Session, CohortRule> {
        self.sessions.get(&week).ok_or(CohortRule::NoSuchWeek { week, last_week: self.last_week() })
    }
}

/// The command's range fits; the other way is unreachable.
fn whole_minutes(minutes: Minutes) -> u16 {
    u16::try_from(minutes.get()).unwrap_or(u16::MAX)
}
