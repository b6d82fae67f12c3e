//! What may happen to a person, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use super::{BootstrapOwner, RegisterPerson};
use super::{Person, PersonCommand, PersonEvent, PersonFacts, PersonRule, Role, SecondFactorKind};
use crate::actor::{Actor, Asked, Authority, By};
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::plan::Claims;
use crate::text::NewEmail;

/// How many second factors a person may have at a time: an app, and a passkey on each of a few devices.
pub const MAX_SECOND_FACTORS: usize = 10;

impl Person {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &PersonCommand,
        by: &By,
        facts: &PersonFacts,
    ) -> Result<Vec<PersonEvent>, PersonRule> {
        match command {
            PersonCommand::RegisterPerson(c) => Self::register(c, Origin::Hand, facts),
            PersonCommand::CorrectPerson(c) => {
                let email = self.another_email(c.email.as_ref());
                if email.is_some() {
                    refuse_own_address(by, facts)?;
                }
                let name = c.name.as_ref().map(|name| Personal::from(name.reveal()));
                self.correct(name.filter(|name| Some(name) != self.name.as_ref()), email, by, facts)
            }
            PersonCommand::ChangeEmail(c) => self.correct(None, self.another_email(Some(&c.email)), by, facts),
            PersonCommand::GrantRole(c) => self.grant(c.role, by, facts),
            PersonCommand::RevokeRole(c) => self.revoke(c.role, by, facts),
            PersonCommand::DeactivatePerson(c) => self.deactivate(c.reason.reveal().into(), by, facts),
            PersonCommand::ReactivatePerson(_) => self.reactivate(by),
            PersonCommand::EndAccess(_) => self.end_access(by, facts),
            PersonCommand::AddSecondFactor(c) => self.add_second_factor(c.factor_id, c.kind),
            PersonCommand::RemoveSecondFactor(c) => {
                let kind = self.second_factors.get(&c.factor_id);
                Ok(kind.map(|kind| removed(c.factor_id, *kind, true)).into_iter().collect())
            }
            PersonCommand::RemoveSecondFactors(_) => self.remove_second_factors(by, facts),
            PersonCommand::BootstrapOwner(c) => Ok(self.bootstrap(c)),
            PersonCommand::ReleaseOwner(_) => {
                let named = self.roles.get(&Role::Owner) == Some(&true);
                Ok(named.then_some(PersonEvent::OwnerReleased {}).into_iter().collect())
            }
        }
    }

    /// Makes a person known.
    pub(crate) fn register(
        command: &RegisterPerson,
        origin: Origin,
        facts: &PersonFacts,
    ) -> Result<Vec<PersonEvent>, PersonRule> {
        if facts.email_owner.is_some() {
            return Err(PersonRule::EmailTaken);
        }
        if facts.external_id_owner.is_some() {
            return Err(PersonRule::ExternalIdTaken);
        }
        Ok(vec![PersonEvent::PersonRegistered {
            name: command.name.reveal().into(),
            email: command.email.reveal().into(),
            external_id: command.external_id.as_ref().map(|id| id.reveal().into()),
            origin,
        }])
    }

    /// The address that a command gives, where it is another one.
    fn another_email(&self, email: Option<&Personal<NewEmail>>) -> Option<Personal<String>> {
        email.map(|email| Personal::from(email.reveal())).filter(|email| Some(email) != self.email.as_ref())
    }

    fn correct(
        &self,
        name: Option<Personal<String>>,
        email: Option<Personal<String>>,
        by: &By,
        facts: &PersonFacts,
    ) -> Result<Vec<PersonEvent>, PersonRule> {
        if email.is_some() {
            // People sign in by their address: who changes an owner's becomes that owner.
            self.refuse_below_an_owner(by)?;
            self.refuse_to_others(by, facts.person_id)?;
            // Their own address in another case is theirs already.
            if facts.email_owner.is_some_and(|owner| Some(owner) != facts.person_id) {
                return Err(PersonRule::EmailTaken);
            }
        }
        let (changed, themselves) = (name.is_some() || email.is_some(), !is_another(by, facts.person_id));
        let email_before = self.email_before(email.as_ref());
        let corrected = PersonEvent::PersonCorrected { name, email, origin: Origin::Hand, themselves, email_before };
        Ok(changed.then_some(corrected).into_iter().collect())
    }

    /// The address that another one replaces.
    pub(super) fn email_before(&self, email: Option<&Personal<String>>) -> Option<Personal<String>> {
        email.and(self.email.clone())
    }

    fn grant(&self, role: Role, by: &By, facts: &PersonFacts) -> Result<Vec<PersonEvent>, PersonRule> {
        if self.roles.contains_key(&role) {
            return Ok(Vec::new());
        }
        // Another role ends their ways in.
        self.refuse_to_others(by, facts.person_id)?;
        if !self.active {
            return Err(PersonRule::PersonInactive { role });
        }
        Ok(vec![PersonEvent::RoleGranted { role, bootstrapped: false }])
    }

    fn revoke(&self, role: Role, by: &By, facts: &PersonFacts) -> Result<Vec<PersonEvent>, PersonRule> {
        match self.roles.get(&role) {
            None => Ok(Vec::new()),
            Some(true) if is_bound(by, facts.person_id) => Err(PersonRule::OwnerIsBootstrapped),
            Some(_) if role == Role::Owner && self.is_last_owner(facts) => Err(PersonRule::LastOwner),
            Some(_) => Ok(vec![PersonEvent::RoleRevoked { role }]),
        }
    }

    fn deactivate(
        &self,
        reason: Personal<String>,
        by: &By,
        facts: &PersonFacts,
    ) -> Result<Vec<PersonEvent>, PersonRule> {
        if !self.active {
            return Ok(Vec::new());
        }
        self.refuse_to_others(by, facts.person_id)?;
        self.refuse_below_an_owner(by)?;
        if self.is_last_owner(facts) {
            return Err(PersonRule::LastOwner);
        }
        Ok(vec![PersonEvent::PersonDeactivated { reason }])
    }

    fn reactivate(&self, by: &By) -> Result<Vec<PersonEvent>, PersonRule> {
        if self.active {
            return Ok(Vec::new());
        }
        // A deactivated owner keeps the role: to reactivate them is to give it.
        self.refuse_below_an_owner(by)?;
        Ok(vec![PersonEvent::PersonReactivated {}])
    }

    fn end_access(&self, by: &By, facts: &PersonFacts) -> Result<Vec<PersonEvent>, PersonRule> {
        self.refuse_below_an_owner(by)?;
        // Whoever has no way in any more comes in by a link, which whoever invites them is shown.
        self.refuse_to_others(by, facts.person_id)?;
        Ok(vec![PersonEvent::AccessEnded {}])
    }

    /// Of apps that make codes there is one: a new one takes the place of the one before, and each code that is guessed at is
    /// compared with one secret.
    fn add_second_factor(&self, factor_id: Uuid, kind: SecondFactorKind) -> Result<Vec<PersonEvent>, PersonRule> {
        if self.second_factors.contains_key(&factor_id) {
            return Ok(Vec::new());
        }
        let replaced =
            self.second_factors.iter().filter(|(_, known)| kind == SecondFactorKind::Totp && **known == kind);
        let mut events: Vec<_> = replaced.map(|(id, kind)| removed(*id, *kind, true)).collect();
        if self.second_factors.len() - events.len() >= MAX_SECOND_FACTORS {
            return Err(PersonRule::TooManySecondFactors { most: MAX_SECOND_FACTORS });
        }
        events.push(PersonEvent::SecondFactorAdded { factor_id, kind });
        Ok(events)
    }

    fn remove_second_factors(&self, by: &By, facts: &PersonFacts) -> Result<Vec<PersonEvent>, PersonRule> {
        if !is_another(by, facts.person_id) {
            return Err(PersonRule::OwnSecondFactors);
        }
        if self.roles.contains_key(&Role::Owner) && by.authority != Authority::SuperAdmin {
            return Err(PersonRule::OwnersSecondFactors);
        }
        Ok(self.second_factors.iter().map(|(id, kind)| removed(*id, *kind, false)).collect())
    }

    fn bootstrap(&self, command: &BootstrapOwner) -> Vec<PersonEvent> {
        let mut events = Vec::new();
        if !self.registered {
            events.push(PersonEvent::PersonRegistered {
                name: command.name.reveal().into(),
                email: command.email.reveal().into(),
                external_id: None,
                origin: Origin::Hand,
            });
        } else if !self.active {
            events.push(PersonEvent::PersonReactivated {});
        }
        // Whoever has come to the address since is made owner anew: whatever let them in before was not the address's.
        if !self.is_owner_by_address() {
            events.push(PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: true });
        }
        events
    }

    /// Whether nobody else is an owner who may act.
    fn is_last_owner(&self, facts: &PersonFacts) -> bool {
        self.is(Role::Owner) && facts.owners <= 1
    }

    /// Refuses everybody else in the site what would give them the place of its first owner, or of one whom the configuration names.
    pub(crate) fn refuse_to_others(&self, by: &By, themselves: Option<PersonId>) -> Result<(), PersonRule> {
        let bootstrapped = self.roles.values().any(|bootstrapped| *bootstrapped);
        if bootstrapped && is_bound(by, themselves) { Err(PersonRule::OwnerIsBootstrapped) } else { Ok(()) }
    }

    /// Refuses an admin what would give them power over an owner.
    pub(crate) fn refuse_below_an_owner(&self, by: &By) -> Result<(), PersonRule> {
        let is_owner = self.roles.contains_key(&Role::Owner);
        let may = matches!(by.authority, Authority::Owner | Authority::SuperAdmin | Authority::System);
        if is_owner && !may { Err(PersonRule::OwnerProtected) } else { Ok(()) }
    }
}

fn removed(factor_id: Uuid, kind: SecondFactorKind, themselves: bool) -> PersonEvent {
    PersonEvent::SecondFactorRemoved { factor_id, kind, themselves }
}

/// Refuses everybody another address of their own where they have not shown that it is them: whoever has found an open session would
/// have links to set a password by sent to an address of theirs.
pub(super) fn refuse_own_address(by: &By, facts: &PersonFacts) -> Result<(), PersonRule> {
    if is_another(by, facts.person_id) { Ok(()) } else { Err(PersonRule::OwnAddress) }
}

/// Whether a first owner is not for whoever asks to remove: another person of the site. Super admins come in from outside, and can: an
/// owner who was dismissed or taken over does not stay for ever.
fn is_bound(by: &By, person: Option<PersonId>) -> bool {
    is_another(by, person) && by.authority != Authority::SuperAdmin
}

/// Whether somebody else than the person concerned asks. A super admin is a guest of the site: whoever is registered in it under the
/// same id is somebody else.
fn is_another(by: &By, person: Option<PersonId>) -> bool {
    match by.actor {
        Actor::Person(actor) => Some(actor) != person,
        Actor::SuperAdmin(_) | Actor::System => true,
    }
}

impl Claims for Person {
    type Id = PersonId;

    fn claims(&self, id: PersonId, event: &PersonEvent, changes: &mut ClaimChanges) {
        let mut after = self.clone();
        after.apply_event(event);
        match (self.is(Role::Owner), after.is(Role::Owner)) {
            (false, true) => changes.take(ClaimKey::owner(id), id),
            (true, false) => changes.release(ClaimKey::owner(id)),
            (true, true) | (false, false) => {}
        }
        match event {
            PersonEvent::PersonRegistered { name: _, email, external_id, origin: _ } => {
                changes.take(ClaimKey::email(email.as_str()), id);
                if let Some(external_id) = external_id {
                    changes.take(ClaimKey::external_id(external_id.as_str()), id);
                }
            }
            PersonEvent::ExternalIdAssigned { external_id } => {
                changes.take(ClaimKey::external_id(external_id.as_str()), id);
            }
            PersonEvent::PersonCorrected { email: Some(email), .. } => {
                let new = ClaimKey::email(email.as_str());
                let old = self.email.as_ref().map(|email| ClaimKey::email(email.as_str()));
                if old.as_ref() != Some(&new) {
                    changes.take(new, id);
                    if let Some(old) = old {
                        changes.release(old);
                    }
                }
            }
            PersonEvent::PersonCorrected { email: None, .. }
            | PersonEvent::RoleGranted { .. }
            | PersonEvent::OwnerReleased {}
            | PersonEvent::RoleRevoked { .. }
            | PersonEvent::PersonDeactivated { .. }
            | PersonEvent::PersonReactivated {}
            | PersonEvent::SecondFactorAdded { .. }
            | PersonEvent::SecondFactorRemoved { .. }
            | PersonEvent::AccessEnded {} => {}
        }
    }
}

impl Aggregate for Person {
    const TYPE: &'static str = "person";
    type Command = Asked<PersonCommand, PersonFacts>;
    type Event = PersonEvent;
    type Error = PersonRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), PersonRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PersonEvent) {
        self.apply_event(&event);
    }
}
