//! The commands about a hub: what each says, and what it causes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hub, HubEvent, HubFacts, HubRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::{ClaimSet, Limit};
use crate::command::{StreamCommand, about, begins};
use crate::ids::{HubId, PersonId};
use crate::plan::Planner;
use crate::refusal::Refusal;
use crate::text::Name;
use crate::world::{Needs, World};

/// Founds a hub.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundHub {
    /// The id of the new hub, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
    /// What it is called.
    pub name: Name,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
}

impl StreamCommand for FoundHub {
    begins!(Hub, hub_id, Administer);

    fn decide(&self, _: &Hub, _: &DecisionContext, _: &HubFacts) -> Decision<Hub> {
        let place = self.place.as_ref().map(|place| place.as_str().to_owned());
        Ok(vec![HubEvent::HubFounded { name: self.name.as_str().to_owned(), place }])
    }
}

/// Gives a hub another name or place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameHub {
    /// The id of the hub.
    pub hub_id: HubId,
    /// The name from now on.
    pub name: Name,
    /// The place from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
}

impl StreamCommand for RenameHub {
    about!(Hub, hub_id, Administer);

    fn decide(&self, hub: &Hub, _: &DecisionContext, _: &HubFacts) -> Decision<Hub> {
        let name = self.name.as_str().to_owned();
        let place = self.place.as_ref().map(|place| place.as_str().to_owned()).or_else(|| hub.place.clone());
        if name == hub.name && place == hub.place {
            return Ok(Vec::new());
        }
        Ok(vec![HubEvent::HubRenamed { name, place }])
    }
}

/// Puts a person in charge of a hub, in place of the one before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointCoordinator {
    /// The id of the hub.
    pub hub_id: HubId,
    /// The id of the person who becomes its coordinator.
    pub person_id: PersonId,
}

impl StreamCommand for AppointCoordinator {
    about!(Hub, hub_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.person_id.into());
    }

    fn facts(&self, _: HubId, _: &Hub, world: &World) -> Result<HubFacts, Refusal> {
        Ok(HubFacts { person: world.existing(self.person_id)?.state, ..HubFacts::default() })
    }

    fn decide(&self, hub: &Hub, _: &DecisionContext, facts: &HubFacts) -> Decision<Hub> {
        let person_id = self.person_id;
        if hub.coordinator == Some(person_id) {
            return Ok(Vec::new());
        }
        if hub.closed {
            return Err(HubRule::HubClosed);
        }
        if !facts.person.active {
            return Err(HubRule::PersonInactive);
        }
        Ok(vec![HubEvent::CoordinatorAppointed { person_id }])
    }
}

/// Leaves a hub without a coordinator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissCoordinator {
    /// The id of the hub.
    pub hub_id: HubId,
}

impl StreamCommand for DismissCoordinator {
    about!(Hub, hub_id, Administer);

    fn decide(&self, hub: &Hub, _: &DecisionContext, _: &HubFacts) -> Decision<Hub> {
        let dismissed = hub.coordinator.map(|person_id| HubEvent::CoordinatorDismissed { person_id });
        Ok(dismissed.into_iter().collect())
    }
}

/// Closes a hub that no active student is in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseHub {
    /// The id of the hub.
    pub hub_id: HubId,
}

impl StreamCommand for CloseHub {
    about!(Hub, hub_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.count(ClaimSet::hub_places(self.hub_id));
    }

    fn facts(&self, id: HubId, _: &Hub, world: &World) -> Result<HubFacts, Refusal> {
        Ok(HubFacts { places_taken: world.count(&ClaimSet::hub_places(id)), ..HubFacts::default() })
    }

    fn decide(&self, hub: &Hub, _: &DecisionContext, facts: &HubFacts) -> Decision<Hub> {
        if hub.closed {
            return Ok(Vec::new());
        }
        if facts.places_taken > 0 {
            return Err(HubRule::HubHasStudents { count: facts.places_taken });
        }
        Ok(vec![HubEvent::HubClosed {}])
    }

    /// A student who joins at the same time makes this a conflict.
    fn consequences(&self, _: &Hub, planner: &mut Planner<'_>) {
        planner.plan.limits.push(Limit::at_most(ClaimSet::hub_places(self.hub_id), 0));
    }
}
