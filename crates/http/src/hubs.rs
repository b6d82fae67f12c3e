//! Hubs: an admin's all, a coordinator's own. Where people meet is often somebody's home.

use rollbook_domain::HubId;
use rollbook_projections::models::hub_roster::{self, HubRosterItem};
use rollbook_projections::models::hubs::{self, HubItem};
use rollbook_projections::{Page, Paged};

use crate::auth::Caller;
use crate::operation::{Item, Operation, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        list("list_hubs", "/v1/hubs", "The hubs that you look after, by name; an admin's are all", all),
        list("hub_roster", "/v1/hubs/{hub_id}/roster", "Who meets in a hub now, by name", roster),
    ]
}

impl Item for HubItem {}

impl Item for HubRosterItem {
    const COLUMNS: &'static [&'static str] = &[
        "cohort_id",
        "cohort",
        "enrolment_id",
        "person_id",
        "name",
        "email",
        "hub_id",
        "hub",
        "status",
        "week",
        "held",
        "held_reason",
        "attendance",
        "absences",
        "flagged",
        "marker_id",
        "reflections",
    ];
}

async fn all(caller: Caller, (): (), _: NoFilter, page: Page) -> Result<Paged<HubItem>, ApiError> {
    Ok(hubs::list(caller.pool(), caller.site, caller.reader.hubs(), &page).await?)
}

async fn roster(caller: Caller, hub: HubId, _: NoFilter, page: Page) -> Result<Paged<HubRosterItem>, ApiError> {
    let known = caller.reader.hub(hub) && hubs::get(caller.pool(), caller.site, hub).await?.is_some();
    if !known {
        return Err(ApiError::not_found("hub"));
    }
    Ok(hub_roster::list(caller.pool(), caller.site, hub, &page).await?)
}
