//! What a cohort's end, and a marker's, bring its students: written in the same append, or not at all.
//!
//! The limits make a student who comes in at the same time a conflict, so that nobody stays active in a cohort that has
//! ended, or with a marker who has left.

use super::Planner;
use super::allocate::divide;
use crate::claim::{ClaimSet, Limit};
use crate::cohort::{Cohort, CohortStatus};
use crate::enrolment::{Enrolment, EnrolmentEvent, EnrolmentStatus};
use crate::ids::{CohortId, EnrolmentId, PersonId};
use crate::personal::Personal;
use crate::world::Loaded;

impl Planner<'_> {
    /// Ends the run of everyone who is active in the cohort, which frees them for another.
    pub(super) fn complete_enrolments(&mut self, cohort: CohortId) {
        self.end_enrolments(cohort, "completed", &EnrolmentEvent::EnrolmentCompleted {});
    }

    /// Takes everyone who is active out of the cohort, for the reason for which it was called off.
    pub(super) fn withdraw_everyone(&mut self, cohort: CohortId, reason: &Personal<String>) {
        let event = EnrolmentEvent::StudentWithdrawn { reason: reason.clone(), moved_to: None };
        self.end_enrolments(cohort, "withdrawn", &event);
    }

    fn end_enrolments(&mut self, cohort: CohortId, list: &str, event: &EnrolmentEvent) {
        let set = ClaimSet::places(cohort);
        let mut ended = Vec::new();
        for (id, enrolment) in self.enrolments(&set) {
            if enrolment.state.is_active() {
                self.write(id, &enrolment, vec![event.clone()]);
                ended.push(id);
            }
        }
        self.plan.lists.insert(list.to_owned(), ended);
        self.plan.limits.push(Limit::at_most(set, 0));
    }

    /// Divides the students of a marker who is dismissed among those who stay; nobody else's marker changes.
    pub(super) fn reallocate(&mut self, id: CohortId, cohort: &Cohort, dismissed: PersonId) {
        let set = ClaimSet::enrolments(id);
        let at_most = u32::try_from(self.world.members(&set).len()).unwrap_or(u32::MAX);
        self.plan.limits.push(Limit::at_most(set, at_most));

        let staying = cohort.markers.iter().copied().filter(|marker| *marker != dismissed).collect();
        let allocated: Vec<_> = self
            .students(id, cohort)
            .filter_map(|(student, enrolment)| Some((student, enrolment.state.marker?)))
            .map(|(student, marker)| (student, Some(marker).filter(|marker| *marker != dismissed)))
            .collect();
        let mut reallocated = Vec::new();
        for (student, marker_id) in divide(&allocated, &staying, false) {
            let enrolment = self.world.enrolment(student);
            if enrolment.state.marker == Some(dismissed) {
                let event = EnrolmentEvent::MarkerAssigned { marker_id, previous: Some(dismissed) };
                self.write(student, &enrolment, vec![event]);
                reallocated.push(student);
            }
        }
        self.plan.lists.insert("reallocated".to_owned(), reallocated);
    }

    /// The students whom a marker has.
    pub(super) fn students_of(
        &self,
        id: CohortId,
        cohort: &Cohort,
        marker: PersonId,
    ) -> impl Iterator<Item = EnrolmentId> {
        self.students(id, cohort).filter(move |(_, e)| e.state.marker == Some(marker)).map(|(student, _)| student)
    }

    /// Those whose reflections may still be marked: a completed cohort's students, too. Nobody waits for a mark who has
    /// left, or whose cohort was put away.
    fn students(&self, id: CohortId, cohort: &Cohort) -> impl Iterator<Item = (EnrolmentId, Loaded<Enrolment>)> {
        let marking = cohort.status != CohortStatus::Archived;
        self.enrolments(&ClaimSet::enrolments(id))
            .into_iter()
            .filter(move |(_, enrolment)| marking && enrolment.state.status != EnrolmentStatus::Withdrawn)
    }

    fn enrolments(&self, set: &ClaimSet) -> Vec<(EnrolmentId, Loaded<Enrolment>)> {
        let ids = self.world.members(set).iter().copied().map(EnrolmentId::from);
        ids.map(|id| (id, self.world.enrolment(id))).collect()
    }
}

#[cfg(test)]
mod tests;
