//! Which week a student sees: advanced, held, released, or put there.
//!
//! All of it needs a student who takes part in an open cohort. An upcoming cohort is open: whoever prepares it may let
//! students see weeks ahead. Handing in reflections is never a condition.

use super::{Decided, must_be_open, optional, plain};
use crate::cohort::Cohort;
use crate::enrolment::{Enrolment, EnrolmentEvent, EnrolmentRule, ReleaseStudent, SetWeek};
use crate::personal::Personal;

impl Enrolment {
    /// One week on. The week that the student is in already is a repetition; a hold is never passed over in silence.
    pub(crate) fn advance(&self, to_week: u8, reason: Option<Personal<String>>, cohort: &Cohort) -> Decided {
        self.must_be_on_course(cohort)?;
        if let Some(held) = &self.held {
            return Err(EnrolmentRule::StudentHeld { week: self.week, reason: held.clone() });
        }
        if to_week == self.week {
            return Ok(Vec::new());
        }
        Ok(vec![self.step(to_week, reason, cohort)?])
    }

    /// Keeps the student in their week. Another reason takes a release first, so that the audit shows both.
    pub(crate) fn hold(&self, reason: Personal<String>, cohort: &Cohort) -> Decided {
        self.must_be_on_course(cohort)?;
        match &self.held {
            Some(held) if *held == reason => Ok(Vec::new()),
            Some(held) => Err(EnrolmentRule::StudentHeld { week: self.week, reason: held.clone() }),
            None => Ok(vec![EnrolmentEvent::StudentHeld { week: self.week, reason }]),
        }
    }

    /// Ends a hold and, with a week, advances in the same append; the reason serves for both.
    pub(super) fn release(&self, command: &ReleaseStudent, cohort: &Cohort) -> Decided {
        self.must_be_on_course(cohort)?;
        if self.held.is_none() {
            return Err(EnrolmentRule::NotHeld { week: self.week });
        }
        let reason = optional(command.reason.as_ref());
        let mut events = vec![EnrolmentEvent::StudentReleased { week: self.week, reason: reason.clone() }];
        if let Some(to_week) = command.to_week {
            events.push(self.step(to_week.get(), reason, cohort)?);
        }
        Ok(events)
    }

    /// Any week of the cohort. A hold stays, and the flag does not matter.
    pub(super) fn set_week(&self, command: &SetWeek, cohort: &Cohort) -> Decided {
        self.must_be_on_course(cohort)?;
        let week = command.week.get();
        if week == self.week {
            return Ok(Vec::new());
        }
        must_exist(week, cohort)?;
        Ok(vec![EnrolmentEvent::WeekSet { from_week: self.week, week, reason: plain(&command.reason) }])
    }

    fn step(
        &self,
        to_week: u8,
        reason: Option<Personal<String>>,
        cohort: &Cohort,
    ) -> Result<EnrolmentEvent, EnrolmentRule> {
        must_exist(to_week, cohort)?;
        if self.week.checked_add(1) != Some(to_week) {
            return Err(EnrolmentRule::NotTheNextWeek { week: self.week, to_week });
        }
        if self.flag.open && reason.is_none() {
            return Err(EnrolmentRule::AbsenceFlagOpen { missed_weeks: self.missed_weeks() });
        }
        Ok(EnrolmentEvent::StudentAdvanced { from_week: self.week, to_week, reason })
    }

    fn must_be_on_course(&self, cohort: &Cohort) -> Result<(), EnrolmentRule> {
        self.must_be_active()?;
        must_be_open(cohort)
    }
}

fn must_exist(week: u8, cohort: &Cohort) -> Result<(), EnrolmentRule> {
    let last = cohort.last_week();
    if (1..=last).contains(&week) { Ok(()) } else { Err(EnrolmentRule::NoSuchWeek { week, last }) }
}
