//! What commands about a person have in common, and what its events claim: their address, their id in another system, and
//! that they are an owner.

use super::{Person, PersonEvent, PersonFacts, Role};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey, ClaimKind, ClaimSet, Limit};
use crate::ids::PersonId;
use crate::refusal::Refusal;
use crate::world::World;

impl AggregateSpec for Person {
    fn facts(id: PersonId, _: &Self, _: &World) -> Result<PersonFacts, Refusal> {
        Ok(PersonFacts::of(id))
    }

    /// Of the last two owners who are removed at the same time, one is decided again and stays.
    fn limit(changes: &ClaimChanges, _: &PersonFacts) -> Option<Limit> {
        let removed = changes.releases.iter().any(|key| key.kind == ClaimKind::Owner);
        removed.then(|| Limit::at_least(ClaimSet::owners(), 1))
    }

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
