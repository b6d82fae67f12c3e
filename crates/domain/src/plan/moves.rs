//! `MoveStudent`: out of one cohort and into another in one append, so that nobody is ever in both or in neither.

use super::student::Student;
use super::{MoveStudent, PlanRule, Planner};
use crate::claim::ClaimKey;
use crate::enrolment::{EnrolStudent, Enrolment, EnrolmentEvent, EnrolmentRule};
use crate::ids::{EnrolmentId, PersonId};
use crate::origin::Origin;
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn move_student(&mut self, command: &MoveStudent) -> Result<(), Refusal> {
        let from = self.student(command.enrolment_id)?;
        let target = command.to_cohort_id;
        Self::existing(target, self.world.cohort(target))?;
        if from.cohort_id == target {
            return Err(from.refuse(PlanRule::SameCohort));
        }
        let state = &from.loaded.state;
        let (true, Some(person_id)) = (state.is_active(), state.person_id) else {
            return Err(from.refuse(EnrolmentRule::NotActive { status: state.status }));
        };
        let before = self.world.owner(&ClaimKey::enrolment(target, person_id)).map(EnrolmentId::from);
        let (to, begins) = match before {
            Some(before) => self.come_back(&from, before)?,
            None => self.begin(&from, person_id, command)?,
        };
        let reason = command.reason.reveal().into();
        let ends = state.withdraw(reason, Some(to.id)).map_err(|rule| from.refuse(rule))?;
        // The person's one active enrolment is released by the first write and taken by the second.
        self.write_student(&from, ends);
        self.write_student(&to, begins);
        Ok(())
    }

    /// They had been in that cohort before: back to where they were, but in the hub where they meet now.
    fn come_back(&self, from: &Student, before: EnrolmentId) -> Result<(Student, Vec<EnrolmentEvent>), Refusal> {
        let to = self.student(before)?.coming_from(from);
        let hub = from.loaded.state.hub_id;
        let events = to.loaded.state.reinstate(hub, Some(from.id), &to.facts).map_err(|rule| to.refuse(rule))?;
        Ok((to, events))
    }

    fn begin(
        &self,
        from: &Student,
        person_id: PersonId,
        command: &MoveStudent,
    ) -> Result<(Student, Vec<EnrolmentEvent>), Refusal> {
        let enrol = EnrolStudent {
            enrolment_id: command.new_enrolment_id,
            cohort_id: command.to_cohort_id,
            person_id,
            hub_id: from.loaded.state.hub_id,
        };
        let to = self.newcomer(&enrol)?.coming_from(from);
        let events =
            Enrolment::enrol(&enrol, Some(from.id), Origin::Hand, &to.facts).map_err(|rule| to.refuse(rule))?;
        Ok((to, events))
    }
}

impl Student {
    /// The enrolment that is being left is no other active one, and they go on meeting where they meet.
    fn coming_from(mut self, from: &Self) -> Self {
        self.facts.active_enrolment = self.facts.active_enrolment.filter(|active| *active != from.id);
        self.facts.hub.clone_from(&from.facts.hub);
        self
    }
}

#[cfg(test)]
mod tests;
