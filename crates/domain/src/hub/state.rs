//! What a hub's stream adds up to. Applying never fails and never decides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::events::HubEvent;
use crate::ids::PersonId;
use crate::person::Person;

/// A hub as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hub {
    /// Whether it was ever founded.
    pub founded: bool,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: Option<String>,
    /// Who looks after it.
    pub coordinator: Option<PersonId>,
    /// Whether nobody meets there any more.
    pub closed: bool,
}

impl Hub {
    pub(crate) fn apply_event(&mut self, event: &HubEvent) {
        match event {
            HubEvent::HubFounded { name, place } => {
                self.founded = true;
                self.name.clone_from(name);
                self.place.clone_from(place);
            }
            HubEvent::HubRenamed { name, place } => {
                self.name.clone_from(name);
                self.place.clone_from(place);
            }
            HubEvent::CoordinatorAppointed { person_id } => self.coordinator = Some(*person_id),
            HubEvent::CoordinatorDismissed { person_id: _ } => self.coordinator = None,
            HubEvent::HubClosed {} => {
                self.closed = true;
                self.coordinator = None;
            }
        }
    }
}

/// What a hub needs to know from other streams and claims.
#[derive(Clone, Debug, Default)]
pub struct HubFacts {
    /// The person to appoint, when appointing.
    pub person: Arc<Person>,
    /// How many active students are in the hub, when closing it.
    pub places_taken: u32,
}
