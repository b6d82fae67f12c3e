//! What can be asked about a hub.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{HubId, PersonId};
use crate::text::Name;

/// Founds a hub.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundHub {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
    /// What it is called.
    pub name: Name,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
}

/// Gives a hub another name or place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameHub {
    /// Which.
    pub hub_id: HubId,
    /// The name from now on.
    pub name: Name,
    /// The place from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
}

/// Puts a person in charge of a hub, in place of the one before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointCoordinator {
    /// Which hub.
    pub hub_id: HubId,
    /// Who.
    pub person_id: PersonId,
}

/// Leaves a hub without a coordinator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissCoordinator {
    /// Which hub.
    pub hub_id: HubId,
}

/// Closes a hub that no active student is in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseHub {
    /// Which.
    pub hub_id: HubId,
}

/// The commands of the hub aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum HubCommand {
    /// See [`FoundHub`].
    FoundHub(FoundHub),
    /// See [`RenameHub`].
    RenameHub(RenameHub),
    /// See [`AppointCoordinator`].
    AppointCoordinator(AppointCoordinator),
    /// See [`DismissCoordinator`].
    DismissCoordinator(DismissCoordinator),
    /// See [`CloseHub`].
    CloseHub(CloseHub),
}
