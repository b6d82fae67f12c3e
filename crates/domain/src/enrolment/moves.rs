//! `MoveStudent`: out of one cohort and into another in one append, so that nobody is ever in both or in neither.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::membership::need_place;
use super::{EnrolStudent, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule};
use crate::aggregate::AggregateSpec;
use crate::claim::ClaimKey;
use crate::command::CommandSpec;
use crate::command::spec::filled_in;
use crate::ids::{CohortId, EnrolmentId, PersonId, StreamId};
use crate::origin::Origin;
use crate::personal::Personal;
use crate::plan::{BatchRule, Planner};
use crate::policy::Right;
use crate::refusal::{Refusal, Rule};
use crate::text::Reason;
use crate::world::{Loaded, Needs, World};

/// Withdraws a student here and enrols them there, atomically. They begin in the first week there, or come back to where
/// they were if they had been in that cohort before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveStudent {
    /// The id of the enrolment that ends.
    pub enrolment_id: EnrolmentId,
    /// The id of the cohort to go to.
    pub to_cohort_id: CohortId,
    /// The id of the enrolment that begins, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_enrolment_id: Option<EnrolmentId>,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl CommandSpec for MoveStudent {
    fn right(&self) -> Right {
        Right::Administer
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.enrolment_id.into())
    }

    fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) {
        self.new_enrolment_id.get_or_insert_with(|| new_id().into());
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        Enrolment::needs(self.enrolment_id, needs);
        needs.stream(self.to_cohort_id.into());
        if let Some(id) = self.new_enrolment_id {
            needs.stream(id.into());
        }
        if let Some(person) = needs.load::<Enrolment>(self.enrolment_id).and_then(|e| e.state.person_id) {
            need_place(self.to_cohort_id, person, needs);
            if let Some(before) = needs.owner(ClaimKey::enrolment(self.to_cohort_id, person)) {
                needs.stream(EnrolmentId::from(before).into());
            }
        }
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        let world = planner.world;
        let from = Student::existing(self.enrolment_id, world)?;
        let target = self.to_cohort_id;
        let cohort = world.existing(target)?.state;
        if from.facts.cohort_id == Some(target) {
            return Err(from.refuse(BatchRule::SameCohort));
        }
        let state = &from.loaded.state;
        let (true, Some(person)) = (state.is_active(), state.person_id) else {
            return Err(from.refuse(EnrolmentRule::NotActive { status: state.status }));
        };
        // The enrolment that is being left is no other active one, and they go on meeting where they meet.
        let facts = EnrolmentFacts { cohort_id: Some(target), cohort, ..from.facts.clone() }.with_place(person, world);
        let active_enrolment = facts.active_enrolment.filter(|active| *active != from.id);
        let facts = EnrolmentFacts { active_enrolment, ..facts };
        let before = world.owner(&ClaimKey::enrolment(target, person)).map(EnrolmentId::from);
        let (to, begins) = match before {
            Some(before) => come_back(&from, Student { id: before, loaded: world.existing(before)?, facts })?,
            None => self.begin(&from, person, facts, world)?,
        };
        let reason = self.reason.reveal().into();
        let ends = state.withdraw(reason, Some(to.id)).map_err(|rule| from.refuse(rule))?;
        // The person's one active enrolment is released by the first write and taken by the second.
        for (student, events) in [(from, ends), (to, begins)] {
            planner.write_limited(student.id, &student.loaded, &student.facts, events);
        }
        Ok(())
    }
}

impl MoveStudent {
    fn begin(
        &self,
        from: &Student,
        person_id: PersonId,
        facts: EnrolmentFacts,
        world: &World,
    ) -> Result<(Student, Vec<EnrolmentEvent>), Refusal> {
        let id = filled_in(self.new_enrolment_id, "/new_enrolment_id")?;
        let hub_id = from.loaded.state.hub_id;
        let enrol = EnrolStudent { enrolment_id: Some(id), cohort_id: self.to_cohort_id, person_id, hub_id };
        let to = Student { id, loaded: world.absent(id)?, facts };
        let begins = Enrolment::enrol(&enrol, Some(from.id), Origin::Hand, &to.facts);
        let begins = begins.map_err(|rule| to.refuse(rule))?;
        Ok((to, begins))
    }
}

/// They had been in that cohort before: back to where they were, but in the hub where they meet now.
fn come_back(from: &Student, to: Student) -> Result<(Student, Vec<EnrolmentEvent>), Refusal> {
    let hub = from.loaded.state.hub_id;
    let events = to.loaded.state.reinstate(hub, Some(from.id), &to.facts).map_err(|rule| to.refuse(rule))?;
    Ok((to, events))
}

/// A student in a cohort, with what the rules need to know from elsewhere.
struct Student {
    id: EnrolmentId,
    loaded: Loaded<Enrolment>,
    facts: EnrolmentFacts,
}

impl Student {
    fn existing(id: EnrolmentId, world: &World) -> Result<Self, Refusal> {
        let loaded = world.existing(id)?;
        let facts = Enrolment::facts(id, &loaded.state, world)?;
        Ok(Self { id, loaded, facts })
    }

    /// A refusal that names the student.
    fn refuse(&self, rule: impl Into<Rule>) -> Refusal {
        Refusal::Rule { rule: rule.into(), student: self.facts.person.name.clone() }
    }
}

#[cfg(test)]
mod tests;
