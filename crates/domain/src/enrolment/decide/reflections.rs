//! What students write, who may read it, and how it is marked. Nothing here ever moves a student on.

use super::{Decided, plain};
use crate::actor::By;
use crate::cohort::{Cohort, CohortStatus};
use crate::enrolment::{
    AmendMark, Enrolment, EnrolmentEvent, EnrolmentRule, EnrolmentStatus, MarkReflection, Outcome, Reflection,
    SetReflectionVisibility, SubmitReflection,
};
use crate::ids::PersonId;

/// How often one reflection is handed in at most, tries after a fail included: nobody who learns needs more, and the log keeps
/// every one.
const MOST_SUBMISSIONS: u16 = 50;

impl Enrolment {
    /// Hands in, revises before the marking, or tries again after a fail. A completed run does not end this, the due
    /// instant does: a cohort is often completed right after its last session.
    pub(super) fn submit_reflection(&self, command: &SubmitReflection, by: &By, cohort: &Cohort) -> Decided {
        let (week, text, visibility) = (command.week.get(), plain(&command.text), command.visibility);
        let before = self.reflections.get(&week);
        if before.is_some_and(|r| r.mark.is_none() && r.text == text && r.visibility == visibility) {
            return Ok(Vec::new());
        }
        if !self.exists() || self.status == EnrolmentStatus::Withdrawn {
            return Err(EnrolmentRule::NotActive { status: self.status });
        }
        if cohort.status == CohortStatus::Cancelled {
            return Err(EnrolmentRule::CohortClosed { status: cohort.status });
        }
        if week > self.week {
            return Err(EnrolmentRule::WeekNotOpen { week, own: self.week });
        }
        if before.and_then(|r| r.mark.as_ref()).is_some_and(|mark| mark.outcome == Outcome::Pass) {
            return Err(EnrolmentRule::AlreadyPassed { week });
        }
        if let Some(due) = cohort.reflections_due()
            && by.at >= due
        {
            return Err(EnrolmentRule::ReflectionOverdue { due });
        }
        if before.is_some_and(|r| r.submissions >= MOST_SUBMISSIONS) {
            return Err(EnrolmentRule::RevisedTooOften { week, most: MOST_SUBMISSIONS });
        }
        Ok(vec![if before.is_some() {
            EnrolmentEvent::ReflectionRevised { week, text, visibility }
        } else {
            EnrolmentEvent::ReflectionSubmitted { week, text, visibility }
        }])
    }

    /// The student's choice for ever: neither the due instant nor the end of the run takes it away.
    pub(super) fn set_visibility(&self, command: &SetReflectionVisibility) -> Decided {
        let (week, visibility) = (command.week.get(), command.visibility);
        if self.reflection(week)?.visibility == visibility {
            return Ok(Vec::new());
        }
        Ok(vec![EnrolmentEvent::ReflectionVisibilitySet { week, visibility }])
    }

    /// Also of a student who left or is done: what they handed in is still marked.
    pub(crate) fn assign_marker(&self, marker_id: PersonId, cohort: &Cohort) -> Decided {
        if self.marker == Some(marker_id) {
            return Ok(Vec::new());
        }
        if !cohort.markers.contains(&marker_id) {
            return Err(EnrolmentRule::NotAMarkerOfCohort);
        }
        Ok(vec![EnrolmentEvent::MarkerAssigned { marker_id, previous: self.marker }])
    }

    /// The first mark counts. The same one again by the same person is a repetition; by somebody else it is a conflict,
    /// even in the same words, or one of two markers would believe that theirs is on record.
    pub(super) fn mark_reflection(&self, command: &MarkReflection, by: &By) -> Decided {
        let (week, outcome, feedback) = (command.week.get(), command.outcome, plain(&command.feedback));
        let by = by.actor.person();
        match &self.reflection(week)?.mark {
            Some(mark) if mark.outcome == outcome && mark.feedback == feedback && mark.by == by => Ok(Vec::new()),
            Some(_) => Err(EnrolmentRule::AlreadyMarked { week }),
            None => Ok(vec![EnrolmentEvent::ReflectionMarked { week, outcome, feedback, by }]),
        }
    }

    /// Changes a mark, whoever made it.
    pub(super) fn amend_mark(&self, command: &AmendMark, by: &By) -> Decided {
        let (week, outcome, feedback) = (command.week.get(), command.outcome, plain(&command.feedback));
        match &self.reflection(week)?.mark {
            None => Err(EnrolmentRule::NotMarked { week }),
            Some(mark) if mark.outcome == outcome && mark.feedback == feedback => Ok(Vec::new()),
            Some(_) => {
                let (reason, by) = (plain(&command.reason), by.actor.person());
                Ok(vec![EnrolmentEvent::MarkAmended { week, outcome, feedback, reason, by }])
            }
        }
    }

    fn reflection(&self, week: u8) -> Result<&Reflection, EnrolmentRule> {
        self.reflections.get(&week).ok_or(EnrolmentRule::NoReflection { week })
    }
}
