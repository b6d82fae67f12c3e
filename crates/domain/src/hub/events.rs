//! What happened to a hub. A contract: a changed event is a new version, an upcaster and a new fixture.

use serde::{Deserialize, Serialize};

use crate::ids::PersonId;

/// The events of a `hub` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum HubEvent {
    /// A hub exists.
    HubFounded {
        /// What it is called.
        name: String,
        /// Where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// It is called something else, or is elsewhere.
    HubRenamed {
        /// The name from now on.
        name: String,
        /// Where it is from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// A person looks after the hub, in place of the one before.
    CoordinatorAppointed {
        /// Who.
        person_id: PersonId,
    },
    /// Nobody looks after it.
    CoordinatorDismissed {
        /// Who did.
        person_id: PersonId,
    },
    /// Nobody meets there any more.
    HubClosed {},
}
