//! What somebody shows besides their password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Person, PersonEvent, PersonFacts, PersonRule, Role, SecondFactorKind};
use crate::actor::{Authority, DecisionContext};
use crate::aggregate::Decision;
use crate::command::{StreamCommand, about};
use crate::ids::PersonId;
use crate::plan::Subject;
use crate::world::World;

/// How many second factors a person may have at a time: an app, and a passkey on each of a few devices.
pub const MAX_SECOND_FACTORS: usize = 10;

/// Has a person sign in with one more thing. No client sends it: that the person has it is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSecondFactor {
    /// The id of the person.
    pub person_id: PersonId,
    /// The id of the factor.
    pub factor_id: Uuid,
    /// Whether it is an app or a passkey.
    pub kind: SecondFactorKind,
}

impl StreamCommand for AddSecondFactor {
    about!(Person, person_id, OwnAccount);

    fn subject(&self, _: &World) -> Subject {
        Subject::Account(self.person_id)
    }

    /// Of apps that make codes there is one: a new one takes the place of the one before, and each code that is guessed at is
    /// compared with one secret.
    fn decide(&self, person: &Person, _: &DecisionContext, _: &PersonFacts) -> Decision<Person> {
        let Self { person_id: _, factor_id, kind } = *self;
        if person.second_factors.contains_key(&factor_id) {
            return Ok(Vec::new());
        }
        let replaced =
            person.second_factors.iter().filter(|(_, known)| kind == SecondFactorKind::Totp && **known == kind);
        let mut events: Vec<_> = replaced.map(|(id, kind)| removed(*id, *kind, true)).collect();
        if person.second_factors.len() - events.len() >= MAX_SECOND_FACTORS {
            return Err(PersonRule::TooManySecondFactors { most: MAX_SECOND_FACTORS });
        }
        events.push(PersonEvent::SecondFactorAdded { factor_id, kind });
        Ok(events)
    }
}

/// Takes one of a person's second factors away, at their own wish. No client sends it: that it is them is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactor {
    /// The id of the person.
    pub person_id: PersonId,
    /// The id of the factor.
    pub factor_id: Uuid,
}

impl StreamCommand for RemoveSecondFactor {
    about!(Person, person_id, OwnAccount);

    fn subject(&self, _: &World) -> Subject {
        Subject::Account(self.person_id)
    }

    fn decide(&self, person: &Person, _: &DecisionContext, _: &PersonFacts) -> Decision<Person> {
        let kind = person.second_factors.get(&self.factor_id);
        Ok(kind.map(|kind| removed(self.factor_id, *kind, true)).into_iter().collect())
    }
}

/// Takes all of somebody's second factors away who has lost them. Only a super admin does so for an owner, and nobody for themselves.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactors {
    /// The id of the person.
    pub person_id: PersonId,
}

impl StreamCommand for RemoveSecondFactors {
    about!(Person, person_id, Administer);

    fn decide(&self, person: &Person, context: &DecisionContext, facts: &PersonFacts) -> Decision<Person> {
        if !context.is_not(facts.person_id) {
            return Err(PersonRule::OwnSecondFactors);
        }
        if person.roles.contains_key(&Role::Owner) && context.authority != Authority::SuperAdmin {
            return Err(PersonRule::OwnersSecondFactors);
        }
        Ok(person.second_factors.iter().map(|(id, kind)| removed(*id, *kind, false)).collect())
    }
}

fn removed(factor_id: Uuid, kind: SecondFactorKind, themselves: bool) -> PersonEvent {
    PersonEvent::SecondFactorRemoved { factor_id, kind, themselves }
}
