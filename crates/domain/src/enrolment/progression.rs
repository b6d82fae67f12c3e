//! Which week a student sees: advanced, held, released, or put there.
//!
//! All of it needs a student who takes part in an open cohort. An upcoming cohort is open: whoever prepares it may let
//! students see weeks ahead. Handing in reflections is never a condition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decided, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, ProgressionEvent, must_be_open, optional, plain,
};
use crate::actor::DecisionContext;
use crate::cohort::{Cohort, Week};
use crate::command::{StreamCommand, about};
use crate::ids::EnrolmentId;
use crate::personal::Personal;
use crate::text::Reason;

/// Lets a student see the next week. Refused for a held student and, without a reason, for a flagged one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceStudent {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The week after theirs.
    pub to_week: Week,
    /// Why, although the flag is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal<Reason>>,
}

impl StreamCommand for AdvanceStudent {
    about!(Enrolment, enrolment_id, Administer);

    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        student.advance(self.to_week.get(), optional(self.reason.as_ref()), &facts.cohort)
    }
}

/// Keeps a student in their week.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldStudent {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for HoldStudent {
    about!(Enrolment, enrolment_id, Administer);

    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        student.hold(plain(&self.reason), &facts.cohort)
    }
}

/// Ends a hold and, with `to_week`, advances the student in the same append.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStudent {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal<Reason>>,
    /// The week after theirs; left out, they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_week: Option<Week>,
}

impl StreamCommand for ReleaseStudent {
    about!(Enrolment, enrolment_id, Administer);

    /// With a week, the reason serves for both.
    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        let cohort = &facts.cohort;
        student.must_be_on_course(cohort)?;
        if student.held.is_none() {
            return Err(EnrolmentRule::NotHeld { week: student.week });
        }
        let reason = optional(self.reason.as_ref());
        let mut events = vec![EnrolmentEvent::Progression(ProgressionEvent::StudentReleased {
            week: student.week,
            reason: reason.clone(),
        })];
        if let Some(to_week) = self.to_week {
            events.push(student.step(to_week.get(), reason, cohort)?);
        }
        Ok(events)
    }
}

/// Puts a student in any week, back or forward, at an admin's discretion. A hold stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetWeek {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The week from now on.
    pub week: Week,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for SetWeek {
    about!(Enrolment, enrolment_id, Administer);

    /// Any week of the cohort. A hold stays, and the flag does not matter.
    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        let cohort = &facts.cohort;
        student.must_be_on_course(cohort)?;
        let week = self.week.get();
        if week == student.week {
            return Ok(Vec::new());
        }
        must_exist(week, cohort)?;
        Ok(vec![EnrolmentEvent::Progression(ProgressionEvent::WeekSet {
            from_week: student.week,
            week,
            reason: plain(&self.reason),
        })])
    }
}

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
            None => Ok(vec![EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week: self.week, reason })]),
        }
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
        Ok(EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { from_week: self.week, to_week, reason }))
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
