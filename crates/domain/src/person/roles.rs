//! Who has which role, and who is one of a school's owners whatever happens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Person, PersonEvent, PersonFacts, PersonRule, Role};
use crate::actor::{Authority, DecisionContext};
use crate::aggregate::Decision;
use crate::claim::{ClaimKey, ClaimSet};
use crate::command::{StreamCommand, about};
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::text::{Email, Name};
use crate::world::{Loaded, Needs, World};

/// Gives a role. Only an owner may.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRole {
    /// The id of the person who gets it.
    pub person_id: PersonId,
    /// The role.
    pub role: Role,
}

impl StreamCommand for GrantRole {
    about!(Person, person_id, GrantRoles);

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        let role = self.role;
        if person.roles.contains_key(&role) {
            return Ok(Vec::new());
        }
        // Another role ends their ways in.
        person.refuse_to_others(context, facts.person_id)?;
        if !person.active {
            return Err(PersonRule::PersonInactive { role });
        }
        Ok(vec![PersonEvent::RoleGranted { role, bootstrapped: false }])
    }
}

/// Takes a role away. Only an owner may; from the first owner only they themselves, or a super admin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRole {
    /// The id of the person who loses it.
    pub person_id: PersonId,
    /// The role.
    pub role: Role,
}

impl StreamCommand for RevokeRole {
    about!(Person, person_id, GrantRoles);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.count(ClaimSet::owners());
    }

    fn facts(&self, id: PersonId, _: &Person, world: &World) -> Result<PersonFacts, Refusal> {
        Ok(PersonFacts { owners: world.count(&ClaimSet::owners()), ..PersonFacts::of(id) })
    }

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        let role = self.role;
        match person.roles.get(&role) {
            None => Ok(Vec::new()),
            Some(true) if is_bound(context, facts.person_id) => Err(PersonRule::OwnerIsBootstrapped),
            Some(_) if role == Role::Owner && person.is_last_owner(facts) => Err(PersonRule::LastOwner),
            Some(_) => Ok(vec![PersonEvent::RoleRevoked { role }]),
        }
    }
}

/// Makes the configured person the site's first owner. Only the system issues it; no client can.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapOwner {
    /// The id to register the person under, if the address is nobody's yet.
    pub person_id: PersonId,
    /// The name to register the person under, if the address is nobody's yet.
    pub name: Personal<Name>,
    /// The configured address.
    pub email: Personal<Email>,
}

impl StreamCommand for BootstrapOwner {
    about!(Person, person_id, Bootstrap);

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(owner) = needs.owner(ClaimKey::email(self.email.reveal().as_str())) {
            needs.stream(PersonId::from(owner).into());
        }
    }

    /// Whoever has the address, or else somebody new.
    fn before(&self, world: &World) -> Result<(PersonId, Loaded<Person>), Refusal> {
        match world.owner(&ClaimKey::email(self.email.reveal().as_str())).map(PersonId::from) {
            Some(owner) => Ok((owner, world.existing(owner)?)),
            None => Ok((self.person_id, world.absent(self.person_id)?)),
        }
    }

    fn decide(&self, person: &Person, _: &DecisionContext, _: &PersonFacts) -> Decision<Person> {
        let mut events = Vec::new();
        if !person.registered {
            events.push(PersonEvent::PersonRegistered {
                name: self.name.reveal().into(),
                email: self.email.reveal().into(),
                external_id: None,
                origin: Origin::Hand,
            });
        } else if !person.active {
            events.push(PersonEvent::PersonReactivated {});
        }
        // Whoever has come to the address since is made owner anew: whatever let them in before was not the address's.
        if !person.is_owner_by_address() {
            events.push(PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: true });
        }
        Ok(events)
    }
}

/// Makes an owner whom the configuration names no more one like any other. Only the system issues it; no client can.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseOwner {
    /// The id of the owner.
    pub person_id: PersonId,
}

impl StreamCommand for ReleaseOwner {
    about!(Person, person_id, Bootstrap);

    fn decide(&self, person: &Person, _: &DecisionContext, _: &PersonFacts) -> Decision<Person> {
        let named = person.roles.get(&Role::Owner) == Some(&true);
        Ok(named.then_some(PersonEvent::OwnerReleased {}).into_iter().collect())
    }
}

impl Person {
    /// Whether nobody else is an owner who may act.
    pub(super) fn is_last_owner(&self, facts: &PersonFacts) -> bool {
        self.is(Role::Owner) && facts.owners <= 1
    }

    /// Refuses everybody else in the site what would give them the place of its first owner, or of one whom the configuration names.
    pub(crate) fn refuse_to_others(
        &self,
        context: &DecisionContext,
        themselves: Option<PersonId>,
    ) -> Result<(), PersonRule> {
        let bootstrapped = self.roles.values().any(|bootstrapped| *bootstrapped);
        if bootstrapped && is_bound(context, themselves) { Err(PersonRule::OwnerIsBootstrapped) } else { Ok(()) }
    }

    /// Refuses an admin what would give them power over an owner.
    pub(crate) fn refuse_below_an_owner(&self, context: &DecisionContext) -> Result<(), PersonRule> {
        let is_owner = self.roles.contains_key(&Role::Owner);
        let may = matches!(context.authority, Authority::Owner | Authority::SuperAdmin | Authority::System);
        if is_owner && !may { Err(PersonRule::OwnerProtected) } else { Ok(()) }
    }
}

/// Whether a first owner is not for whoever asks to remove: another person of the site. Super admins come in from outside, and can: an
/// owner who was dismissed or taken over does not stay for ever.
fn is_bound(context: &DecisionContext, person: Option<PersonId>) -> bool {
    context.is_not(person) && context.authority != Authority::SuperAdmin
}
