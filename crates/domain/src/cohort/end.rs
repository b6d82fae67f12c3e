//! What a cohort's end, and a marker's, bring its students: written in the same append, or not at all.
//!
//! The limits make a student who comes in at the same time a conflict, so that nobody stays active in a cohort that has
//! ended, or with a marker who has left.

use super::allocate::divide;
use super::{Cohort, CohortStatus};
use crate::claim::{ClaimSet, Limit};
use crate::enrolment::{Enrolment, EnrolmentEvent, EnrolmentStatus, MembershipEvent, ReflectionEvent};
use crate::ids::{CohortId, EnrolmentId, PersonId};
use crate::personal::Personal;
use crate::plan::Planner;
use crate::world::{Loaded, World};

/// Ends the run of everyone who is active in the cohort, which frees them for another.
pub(super) fn complete_enrolments(cohort: CohortId, planner: &mut Planner<'_>) {
    end_enrolments(cohort, "completed", &EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}), planner);
}

/// Takes everyone who is active out of the cohort, for the reason for which it was called off.
pub(super) fn withdraw_everyone(cohort: CohortId, reason: &Personal<String>, planner: &mut Planner<'_>) {
    let event =
        EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: reason.clone(), moved_to: None });
    end_enrolments(cohort, "withdrawn", &event, planner);
}

fn end_enrolments(cohort: CohortId, list: &str, event: &EnrolmentEvent, planner: &mut Planner<'_>) {
    let set = ClaimSet::places(cohort);
    let mut ended = Vec::new();
    for (id, enrolment) in planner.world.students(&set) {
        if enrolment.state.is_active() {
            planner.write(id, &enrolment, vec![event.clone()]);
            ended.push(id);
        }
    }
    planner.list(list, ended);
    planner.plan.limits.push(Limit::at_most(set, 0));
}

/// Divides the students of a marker who is dismissed among those who stay; nobody else's marker changes.
pub(super) fn reallocate(id: CohortId, cohort: &Cohort, dismissed: PersonId, planner: &mut Planner<'_>) {
    planner.no_more_than_now(ClaimSet::enrolments(id));
    let staying = cohort.markers.iter().copied().filter(|marker| *marker != dismissed).collect();
    let allocated: Vec<_> = students_of(id, cohort, planner.world)
        .filter_map(|(student, enrolment)| Some((student, enrolment.state.marker?)))
        .map(|(student, marker)| (student, Some(marker).filter(|marker| *marker != dismissed)))
        .collect();
    let mut reallocated = Vec::new();
    for (student, marker_id) in divide(&allocated, &staying, false) {
        let enrolment = planner.world.enrolment(student);
        if enrolment.state.marker == Some(dismissed) {
            let event =
                EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: Some(dismissed) });
            planner.write(student, &enrolment, vec![event]);
            reallocated.push(student);
        }
    }
    planner.list("reallocated", reallocated);
}

/// Those whose reflections may still be marked: a completed cohort's students, too. Nobody waits for a mark who has left, or
/// whose cohort was put away.
pub(super) fn students_of<'w>(
    id: CohortId,
    cohort: &Cohort,
    world: &'w World,
) -> impl Iterator<Item = (EnrolmentId, Loaded<Enrolment>)> + use<'w> {
    let marking = cohort.status != CohortStatus::Archived;
    world
        .students(&ClaimSet::enrolments(id))
        .filter(move |(_, enrolment)| marking && enrolment.state.status != EnrolmentStatus::Withdrawn)
}

#[cfg(test)]
mod tests;
