//! Whether somebody may act, and the end of every way in that they have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Person, PersonEvent, PersonFacts, PersonRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimSet;
use crate::command::{StreamCommand, about};
use crate::ids::PersonId;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::text::Reason;
use crate::world::{Needs, World};

/// Ends what a person may do, from their next request on. Nothing they did is lost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivatePerson {
    /// The id of the person.
    pub person_id: PersonId,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for DeactivatePerson {
    about!(Person, person_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.count(ClaimSet::owners());
    }

    fn facts(&self, id: PersonId, _: &Person, world: &World) -> Result<PersonFacts, Refusal> {
        Ok(PersonFacts { owners: world.count(&ClaimSet::owners()), ..PersonFacts::of(id) })
    }

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        if !person.active {
            return Ok(Vec::new());
        }
        person.refuse_to_others(context, facts.person_id)?;
        person.refuse_below_an_owner(context)?;
        if person.is_last_owner(facts) {
            return Err(PersonRule::LastOwner);
        }
        Ok(vec![PersonEvent::PersonDeactivated { reason: self.reason.reveal().into() }])
    }
}

/// Lets a deactivated person act again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactivatePerson {
    /// The id of the person.
    pub person_id: PersonId,
}

impl StreamCommand for ReactivatePerson {
    about!(Person, person_id, Administer);

    fn decide(&self, person: &Person, context: &DecisionContext, _: &PersonFacts) -> Decision<Person> {
        if person.active {
            return Ok(Vec::new());
        }
        // A deactivated owner keeps the role: to reactivate them is to give it.
        person.refuse_below_an_owner(context)?;
        Ok(vec![PersonEvent::PersonReactivated {}])
    }
}

/// Ends every way in that a person has: their password, sessions, keys, links, identities and calendar's address. They come in again
/// by a link that is sent to their address. Only an owner may end an owner's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndAccess {
    /// The id of the person.
    pub person_id: PersonId,
}

impl StreamCommand for EndAccess {
    about!(Person, person_id, Administer);

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        person.refuse_below_an_owner(context)?;
        // Whoever has no way in any more comes in by a link, which whoever invites them is shown.
        person.refuse_to_others(context, facts.person_id)?;
        Ok(vec![PersonEvent::AccessEnded {}])
    }
}
