//! What students write, who may read it, and how it is marked. Nothing here ever moves a student on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decided, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, EnrolmentStatus, Outcome, Reflection,
    ReflectionEvent, Visibility, plain,
};
use crate::actor::DecisionContext;
use crate::cohort::{Cohort, CohortStatus, Week};
use crate::command::{StreamCommand, about};
use crate::ids::{EnrolmentId, PersonId};
use crate::personal::Personal;
use crate::text::{Feedback, Reason, ReflectionText};

/// How often one reflection is handed in at most, tries after a fail included: nobody who learns needs more, and the log keeps
/// every one.
const MOST_SUBMISSIONS: u16 = 50;

/// Hands in a reflection; again before it is marked, or after a fail, revises it. Only weeks up to the student's own, and
/// until it is due.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitReflection {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The number of the week, from 1.
    pub week: Week,
    /// What they wrote.
    pub text: Personal<ReflectionText>,
    /// Who may read it: an explicit choice.
    pub visibility: Visibility,
}

impl StreamCommand for SubmitReflection {
    about!(Enrolment, enrolment_id, WriteReflections);

    /// Hands in, revises before the marking, or tries again after a fail. A completed run does not end this, the due
    /// instant does: a cohort is often completed right after its last session.
    fn decide(&self, student: &Enrolment, context: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        let cohort = &facts.cohort;
        let (week, text, visibility) = (self.week.get(), plain(&self.text), self.visibility);
        let before = student.reflections.get(&week);
        if before.is_some_and(|r| r.mark.is_none() && r.text == text && r.visibility == visibility) {
            return Ok(Vec::new());
        }
        if !student.exists() || student.status == EnrolmentStatus::Withdrawn {
            return Err(EnrolmentRule::NotActive { status: student.status });
        }
        if cohort.status == CohortStatus::Cancelled {
            return Err(EnrolmentRule::CohortClosed { status: cohort.status });
        }
        if week > student.week {
            return Err(EnrolmentRule::WeekNotOpen { week, own: student.week });
        }
        if before.and_then(|r| r.mark.as_ref()).is_some_and(|mark| mark.outcome == Outcome::Pass) {
            return Err(EnrolmentRule::AlreadyPassed { week });
        }
        if let Some(due) = cohort.reflections_due()
            && context.at >= due
        {
            return Err(EnrolmentRule::ReflectionOverdue { due });
        }
        if before.is_some_and(|r| r.submissions >= MOST_SUBMISSIONS) {
            return Err(EnrolmentRule::RevisedTooOften { week, most: MOST_SUBMISSIONS });
        }
        Ok(vec![if before.is_some() {
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionRevised { week, text, visibility })
        } else {
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted { week, text, visibility })
        }])
    }
}

/// Chooses again who may read a reflection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetReflectionVisibility {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The number of the week, from 1.
    pub week: Week,
    /// Who may read it.
    pub visibility: Visibility,
}

impl StreamCommand for SetReflectionVisibility {
    about!(Enrolment, enrolment_id, WriteReflections);

    /// The student's choice for ever: neither the due instant nor the end of the run takes it away.
    fn decide(&self, student: &Enrolment, _: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        let (week, visibility) = (self.week.get(), self.visibility);
        if student.reflection(week)?.visibility == visibility {
            return Ok(Vec::new());
        }
        Ok(vec![EnrolmentEvent::Reflections(ReflectionEvent::ReflectionVisibilitySet { week, visibility })])
    }
}

/// Lets one of the cohort's markers take all of a student's reflections.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignMarker {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The id of the marker.
    pub marker_id: PersonId,
}

impl StreamCommand for AssignMarker {
    about!(Enrolment, enrolment_id, Administer);

    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        student.assign_marker(self.marker_id, &facts.cohort)
    }
}

/// Passes or fails a reflection, with a written comment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkReflection {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The number of the week, from 1.
    pub week: Week,
    /// Pass or fail.
    pub outcome: Outcome,
    /// The comment.
    pub feedback: Personal<Feedback>,
}

impl StreamCommand for MarkReflection {
    about!(Enrolment, enrolment_id, MarkReflections);

    /// The first mark counts. The same one again by the same person is a repetition; by somebody else it is a conflict,
    /// even in the same words, or one of two markers would believe that theirs is on record.
    fn decide(&self, student: &Enrolment, context: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        let (week, outcome, feedback) = (self.week.get(), self.outcome, plain(&self.feedback));
        let by = context.actor.person();
        match &student.reflection(week)?.mark {
            Some(mark) if mark.outcome == outcome && mark.feedback == feedback && mark.by == by => Ok(Vec::new()),
            Some(_) => Err(EnrolmentRule::AlreadyMarked { week }),
            None => {
                Ok(vec![EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked { week, outcome, feedback, by })])
            }
        }
    }
}

/// Changes a mark, with a reason.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmendMark {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The number of the week, from 1.
    pub week: Week,
    /// Pass or fail from now on.
    pub outcome: Outcome,
    /// The comment from now on.
    pub feedback: Personal<Feedback>,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for AmendMark {
    about!(Enrolment, enrolment_id, MarkReflections);

    /// Whoever made it.
    fn decide(&self, student: &Enrolment, context: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        let (week, outcome, feedback) = (self.week.get(), self.outcome, plain(&self.feedback));
        match &student.reflection(week)?.mark {
            None => Err(EnrolmentRule::NotMarked { week }),
            Some(mark) if mark.outcome == outcome && mark.feedback == feedback => Ok(Vec::new()),
            Some(_) => {
                let (reason, by) = (plain(&self.reason), context.actor.person());
                Ok(vec![EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended {
                    week,
                    outcome,
                    feedback,
                    reason,
                    by,
                })])
            }
        }
    }
}

impl Enrolment {
    /// Also of a student who left or is done: what they handed in is still marked.
    pub(crate) fn assign_marker(&self, marker_id: PersonId, cohort: &Cohort) -> Decided {
        if self.marker == Some(marker_id) {
            return Ok(Vec::new());
        }
        if !cohort.markers.contains(&marker_id) {
            return Err(EnrolmentRule::NotAMarkerOfCohort);
        }
        Ok(vec![EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: self.marker })])
    }

    fn reflection(&self, week: u8) -> Result<&Reflection, EnrolmentRule> {
        self.reflections.get(&week).ok_or(EnrolmentRule::NoReflection { week })
    }
}
