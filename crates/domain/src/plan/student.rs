//! Commands over one enrolment, and what the plans over many share: the facts about a student, the refusal that names
//! them, the write that holds the capacity.

use std::sync::Arc;

use super::Planner;
use crate::claim::{ClaimKey, ClaimKind, ClaimSet, Limit};
use crate::enrolment::{
    AdvanceStudent, AmendMark, AssignMarker, CompleteEnrolment, EnrolStudent, Enrolment, EnrolmentCommand,
    EnrolmentEvent, EnrolmentFacts, HoldStudent, MarkAttendance, MarkReflection, ReinstateStudent, ReleaseStudent,
    ResolveAbsenceFlag, SetReflectionVisibility, SetWeek, SubmitReflection, WithdrawStudent,
};
use crate::hub::Hub;
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::refusal::{InvalidField, Refusal, Rule};
use crate::world::Loaded;

/// A student in a cohort, with what the rules need to know from elsewhere.
pub(super) struct Student {
    pub(super) id: EnrolmentId,
    pub(super) cohort_id: CohortId,
    pub(super) loaded: Loaded<Enrolment>,
    pub(super) facts: EnrolmentFacts,
}

impl Student {
    /// A refusal that names the student.
    pub(super) fn refuse(&self, rule: impl Into<Rule>) -> Refusal {
        Refusal::Rule { rule: rule.into(), student: self.facts.person.name.clone() }
    }
}

impl Planner<'_> {
    pub(super) fn enrolment(&mut self, command: &EnrolmentCommand) -> Result<(), Refusal> {
        let student = match command {
            EnrolmentCommand::EnrolStudent(c) => self.newcomer(c)?,
            EnrolmentCommand::JoinHub(c) => {
                let mut student = self.student(c.enrolment_id)?;
                student.facts.hub = self.hub_to_join(c.hub_id)?;
                student
            }
            EnrolmentCommand::MarkAttendance(MarkAttendance { enrolment_id, .. })
            | EnrolmentCommand::ResolveAbsenceFlag(ResolveAbsenceFlag { enrolment_id, .. })
            | EnrolmentCommand::AdvanceStudent(AdvanceStudent { enrolment_id, .. })
            | EnrolmentCommand::HoldStudent(HoldStudent { enrolment_id, .. })
            | EnrolmentCommand::ReleaseStudent(ReleaseStudent { enrolment_id, .. })
            | EnrolmentCommand::SetWeek(SetWeek { enrolment_id, .. })
            | EnrolmentCommand::WithdrawStudent(WithdrawStudent { enrolment_id, .. })
            | EnrolmentCommand::ReinstateStudent(ReinstateStudent { enrolment_id })
            | EnrolmentCommand::CompleteEnrolment(CompleteEnrolment { enrolment_id })
            | EnrolmentCommand::SubmitReflection(SubmitReflection { enrolment_id, .. })
            | EnrolmentCommand::SetReflectionVisibility(SetReflectionVisibility { enrolment_id, .. })
            | EnrolmentCommand::AssignMarker(AssignMarker { enrolment_id, .. })
            | EnrolmentCommand::MarkReflection(MarkReflection { enrolment_id, .. })
            | EnrolmentCommand::AmendMark(AmendMark { enrolment_id, .. }) => self.student(*enrolment_id)?,
        };
        self.decide_student(&student, command)
    }

    /// Asks the aggregate, and writes what it decides.
    pub(super) fn decide_student(&mut self, student: &Student, command: &EnrolmentCommand) -> Result<(), Refusal> {
        let events = student.loaded.state.decide(command, &self.by, &student.facts);
        self.write_student(student, events.map_err(|rule| student.refuse(rule))?);
        Ok(())
    }

    /// Writes a student's events. Where they take a place, the cohort's capacity must hold when they are appended: of
    /// two who want the last place at once, one is decided again and finds none.
    pub(super) fn write_student(&mut self, student: &Student, events: Vec<EnrolmentEvent>) {
        let taken_before = self.plan.claims.takes.len();
        self.write(student.id, &student.loaded, events);
        let mut taken = self.plan.claims.takes.iter().skip(taken_before);
        if taken.any(|(key, _)| key.kind == ClaimKind::Place)
            && let Some(at_most) = student.facts.cohort.capacity
        {
            self.plan.limits.push(Limit::at_most(ClaimSet::places(student.cohort_id), at_most));
        }
    }

    /// An enrolment that exists, with its cohort, its person and its present hub.
    pub(super) fn student(&self, id: EnrolmentId) -> Result<Student, Refusal> {
        let loaded = Self::existing(id, self.world.enrolment(id))?;
        let (Some(cohort_id), Some(person_id)) = (loaded.state.cohort_id, loaded.state.person_id) else {
            return Err(Refusal::NotFound(id.into()));
        };
        let mut facts = self.facts(cohort_id, person_id);
        facts.hub = loaded.state.hub_id.map(|hub| self.world.hub(hub).state);
        Ok(Student { id, cohort_id, loaded, facts })
    }

    /// An enrolment that is about to begin.
    pub(super) fn newcomer(&self, command: &EnrolStudent) -> Result<Student, Refusal> {
        // The edge fills the id in before anything is planned.
        let id = command.enrolment_id.ok_or_else(|| {
            Refusal::Invalid(vec![InvalidField {
                pointer: "/enrolment_id".to_owned(),
                detail: "must be there by now".to_owned(),
            }])
        })?;
        let cohort_id = command.cohort_id;
        Self::existing(cohort_id, self.world.cohort(cohort_id))?;
        Self::existing(command.person_id, self.world.person(command.person_id))?;
        let mut facts = self.facts(cohort_id, command.person_id);
        facts.hub = self.hub_to_join(command.hub_id)?;
        let loaded = Self::fresh(id, self.world.enrolment(id))?;
        Ok(Student { id, cohort_id, loaded, facts })
    }

    fn facts(&self, cohort: CohortId, person: PersonId) -> EnrolmentFacts {
        EnrolmentFacts {
            cohort: self.world.cohort(cohort).state,
            person: self.world.person(person).state,
            hub: None,
            places_taken: self.world.count(&ClaimSet::places(cohort)),
            active_enrolment: self.world.owner(&ClaimKey::active_enrolment(person)).map(Into::into),
            same_cohort: self.world.owner(&ClaimKey::enrolment(cohort, person)).map(Into::into),
        }
    }

    fn hub_to_join(&self, id: Option<HubId>) -> Result<Option<Arc<Hub>>, Refusal> {
        id.map(|id| Self::existing(id, self.world.hub(id)).map(|hub| hub.state)).transpose()
    }
}

#[cfg(test)]
mod tests;
