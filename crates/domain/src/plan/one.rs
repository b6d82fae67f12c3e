//! Commands over one stream: the facts they need are taken from the world, the aggregate decides.

use super::Planner;
use crate::claim::{ClaimKey, ClaimSet, Limit};
use crate::cohort::{Capacity, Cohort, CohortCommand, CohortFacts};
use crate::hub::{Hub, HubCommand, HubFacts};
use crate::ids::{CohortId, HubId, ModuleId, PersonId};
use crate::module::{Module, ModuleCommand, ModuleFacts};
use crate::person::{DeactivatePerson, Person, PersonCommand, PersonFacts, RevokeRole};
use crate::refusal::{InvalidField, Refusal};
use crate::world::Loaded;

impl Planner<'_> {
    pub(super) fn person(&mut self, command: &PersonCommand) -> Result<(), Refusal> {
        let mut facts = PersonFacts::default();
        let (id, before) = match command {
            PersonCommand::RegisterPerson(c) => {
                facts.email_owner = self.email_owner(c.email.reveal().as_str());
                let key = c.external_id.as_ref().map(|id| ClaimKey::external_id(id.reveal().as_str()));
                facts.external_id_owner = key.and_then(|key| self.world.owner(&key)).map(PersonId::from);
                let id = filled_in(c.person_id, "/person_id")?;
                (id, Self::fresh(id, self.world.person(id))?)
            }
            PersonCommand::CorrectPerson(c) => {
                if c.name.is_none() && c.email.is_none() {
                    return Err(invalid("", "give a name or an email"));
                }
                facts.email_owner = c.email.as_ref().and_then(|email| self.email_owner(email.reveal().as_str()));
                self.known_person(c.person_id)?
            }
            PersonCommand::ChangeEmail(c) => {
                facts.email_owner = self.email_owner(c.email.reveal().as_str());
                self.known_person(c.person_id)?
            }
            PersonCommand::GrantRole(c) => self.known_person(c.person_id)?,
            PersonCommand::RevokeRole(RevokeRole { person_id, .. })
            | PersonCommand::DeactivatePerson(DeactivatePerson { person_id, .. }) => {
                facts.owners = self.world.count(&ClaimSet::owners());
                self.known_person(*person_id)?
            }
            PersonCommand::ReactivatePerson(c) => self.known_person(c.person_id)?,
            PersonCommand::EndAccess(c) => self.known_person(c.person_id)?,
            PersonCommand::ReleaseOwner(c) => self.known_person(c.person_id)?,
            PersonCommand::AddSecondFactor(c) => self.known_person(c.person_id)?,
            PersonCommand::RemoveSecondFactor(c) => self.known_person(c.person_id)?,
            PersonCommand::RemoveSecondFactors(c) => self.known_person(c.person_id)?,
            PersonCommand::BootstrapOwner(c) => match self.email_owner(c.email.reveal().as_str()) {
                Some(owner) => self.known_person(owner)?,
                None => (c.person_id, Self::fresh(c.person_id, self.world.person(c.person_id))?),
            },
        };
        facts.person_id = Some(id);
        let events = before.state.decide(command, &self.by, &facts)?;
        self.write(id, &before, events);
        if self.plan.claims.releases.contains(&ClaimKey::owner(id)) {
            // Of two of the last two who are removed at the same time, one is decided again and stays.
            self.plan.limits.push(Limit::at_least(ClaimSet::owners(), 1));
        }
        Ok(())
    }

    pub(super) fn module(&mut self, command: &ModuleCommand) -> Result<(), Refusal> {
        let mut facts = ModuleFacts::default();
        let (id, before) = match command {
            ModuleCommand::DefineModule(c) => {
                facts.code_owner = self.world.owner(&ClaimKey::module_code(c.code.as_str())).map(ModuleId::from);
                let id = filled_in(c.module_id, "/module_id")?;
                (id, Self::fresh(id, self.world.module(id))?)
            }
            ModuleCommand::RenameModule(c) => self.known_module(c.module_id)?,
            ModuleCommand::RetireModule(c) => self.known_module(c.module_id)?,
        };
        let events = before.state.decide(command, &self.by, &facts)?;
        self.write(id, &before, events);
        Ok(())
    }

    pub(super) fn cohort(&mut self, command: &CohortCommand) -> Result<(), Refusal> {
        let mut facts = CohortFacts::default();
        let (id, before) = match command {
            CohortCommand::ScheduleCohort(c) => {
                let id = filled_in(c.cohort_id, "/cohort_id")?;
                let fresh = Self::fresh(id, self.world.cohort(id))?;
                facts.module = self.known_module(c.module_id)?.1.state;
                facts.copy_from =
                    c.copy_from.map(|from| self.known_cohort(from)).transpose()?.map(|(_, from)| from.state);
                (id, fresh)
            }
            CohortCommand::RenameCohort(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::RescheduleSession(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::CancelSession(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::SetCapacity(c) => {
                facts.places_taken = self.world.count(&ClaimSet::places(c.cohort_id));
                self.known_cohort(c.cohort_id)?
            }
            CohortCommand::StartCohort(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::CompleteCohort(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::CancelCohort(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::ArchiveCohort(c) => self.known_cohort(c.cohort_id)?,
            CohortCommand::AppointMarker(c) => {
                let cohort = self.known_cohort(c.cohort_id)?;
                facts.person = self.known_person(c.person_id)?.1.state;
                cohort
            }
            CohortCommand::DismissMarker(c) => {
                let cohort = self.known_cohort(c.cohort_id)?;
                let load = self.students_of(c.cohort_id, &cohort.1.state, c.person_id).count();
                facts.marker_load = u32::try_from(load).unwrap_or(u32::MAX);
                cohort
            }
            CohortCommand::AppointInstructor(c) => {
                let cohort = self.known_cohort(c.cohort_id)?;
                facts.person = self.known_person(c.person_id)?.1.state;
                cohort
            }
            CohortCommand::DismissInstructor(c) => self.known_cohort(c.cohort_id)?,
        };
        let events = before.state.decide(command, &self.by, &facts)?;
        if events.is_empty() {
            return Ok(());
        }
        self.write(id, &before, events);
        self.beyond_the_cohort(id, &before.state, command);
        Ok(())
    }

    /// What an accepted command about a cohort does to its students, and to the limits of its sets.
    fn beyond_the_cohort(&mut self, id: CohortId, before: &Cohort, command: &CohortCommand) {
        match command {
            CohortCommand::SetCapacity(c) => {
                if let Some(at_most) = c.capacity.map(Capacity::get) {
                    self.plan.limits.push(Limit::at_most(ClaimSet::places(id), at_most));
                }
            }
            CohortCommand::CompleteCohort(_) => self.complete_enrolments(id),
            CohortCommand::CancelCohort(c) => self.withdraw_everyone(id, &c.reason.reveal().into()),
            CohortCommand::DismissMarker(c) => self.reallocate(id, before, c.person_id),
            CohortCommand::ScheduleCohort(c) => {
                if let Some(from) = c.copy_from {
                    self.copy_syllabus(from, id);
                }
            }
            CohortCommand::RenameCohort(_)
            | CohortCommand::RescheduleSession(_)
            | CohortCommand::CancelSession(_)
            | CohortCommand::StartCohort(_)
            | CohortCommand::ArchiveCohort(_)
            | CohortCommand::AppointMarker(_)
            | CohortCommand::AppointInstructor(_)
            | CohortCommand::DismissInstructor(_) => {}
        }
    }

    pub(super) fn hub(&mut self, command: &HubCommand) -> Result<(), Refusal> {
        let mut facts = HubFacts::default();
        let (id, before) = match command {
            HubCommand::FoundHub(c) => {
                let id = filled_in(c.hub_id, "/hub_id")?;
                (id, Self::fresh(id, self.world.hub(id))?)
            }
            HubCommand::RenameHub(c) => self.known_hub(c.hub_id)?,
            HubCommand::AppointCoordinator(c) => {
                let hub = self.known_hub(c.hub_id)?;
                facts.person = self.known_person(c.person_id)?.1.state;
                hub
            }
            HubCommand::DismissCoordinator(c) => self.known_hub(c.hub_id)?,
            HubCommand::CloseHub(c) => {
                facts.places_taken = self.world.count(&ClaimSet::hub_places(c.hub_id));
                self.known_hub(c.hub_id)?
            }
        };
        let events = before.state.decide(command, &self.by, &facts)?;
        if let HubCommand::CloseHub(_) = command
            && !events.is_empty()
        {
            // A student who joins at the same time makes this a conflict.
            self.plan.limits.push(Limit::at_most(ClaimSet::hub_places(id), 0));
        }
        self.write(id, &before, events);
        Ok(())
    }

    fn email_owner(&self, address: &str) -> Option<PersonId> {
        self.world.owner(&ClaimKey::email(address)).map(PersonId::from)
    }

    fn known_person(&self, id: PersonId) -> Result<(PersonId, Loaded<Person>), Refusal> {
        Ok((id, Self::existing(id, self.world.person(id))?))
    }

    fn known_module(&self, id: ModuleId) -> Result<(ModuleId, Loaded<Module>), Refusal> {
        Ok((id, Self::existing(id, self.world.module(id))?))
    }

    pub(super) fn known_cohort(&self, id: CohortId) -> Result<(CohortId, Loaded<Cohort>), Refusal> {
        Ok((id, Self::existing(id, self.world.cohort(id))?))
    }

    fn known_hub(&self, id: HubId) -> Result<(HubId, Loaded<Hub>), Refusal> {
        Ok((id, Self::existing(id, self.world.hub(id))?))
    }
}

/// The id of what is created. [`crate::Command::fill_ids`] makes it before the plan; without that the command is refused.
pub(super) fn filled_in<T>(id: Option<T>, pointer: &str) -> Result<T, Refusal> {
    id.ok_or_else(|| invalid(pointer, "must be given"))
}

pub(super) fn invalid(pointer: &str, detail: &str) -> Refusal {
    Refusal::Invalid(vec![InvalidField { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}

#[cfg(test)]
mod tests;
