//! What commands about a hub have in common, and what its events claim.

use super::{Hub, HubEvent};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::HubId;

impl AggregateSpec for Hub {
    /// An open hub is claimed by itself, so that a site's hubs are found; its places are claimed by the enrolments in it.
    fn claims(&self, id: HubId, event: &HubEvent, changes: &mut ClaimChanges) {
        match event {
            HubEvent::HubFounded { name: _, place: _ } => changes.take(ClaimKey::open_hub(id), id),
            HubEvent::HubClosed {} => changes.release(ClaimKey::open_hub(id)),
            HubEvent::HubRenamed { .. }
            | HubEvent::CoordinatorAppointed { .. }
            | HubEvent::CoordinatorDismissed { .. } => {}
        }
    }
}
