//! The sites of the installation, for super admins on a host of the default site, and the current one, for everybody who is
//! signed in. Around it: which site a request is for ([`Installation`]), and never what a site holds.

mod dispatch;
mod host;
mod installation;
mod owners;
mod registry;
mod super_admins;
#[cfg(test)]
mod tests;

use rollbook_domain::SiteId;
use rollbook_projections::models::site_settings::{Settings, settings};
use rollbook_projections::models::sites::{self, SiteItem};
use rollbook_projections::{Page, Paged};
use schemars::JsonSchema;
use serde::Serialize;

use crate::asked::NoFilter;
use crate::auth::{Caller, SuperAdmin};
use crate::operation::{Item, Operation, list, one};
use crate::problem::ApiError;

pub use host::Through;
pub use installation::{Installation, Kept, Setup, UnknownHosts};
pub use owners::ensure as ensure_owner;
pub use registry::Registry;
pub use super_admins::SuperAdmins;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        list("list_sites", "/v1/sites", "The sites of the installation, by slug", all),
        one("site_by_id", "/v1/sites/{site_id}", "A site of the installation", by_id),
        one("site", "/v1/site", "The site that you are in, and what is settled about it", current),
    ]
}

impl Item for SiteItem {}

async fn all(SuperAdmin(caller): SuperAdmin, (): (), _: NoFilter, page: Page) -> Result<Paged<SiteItem>, ApiError> {
    Ok(sites::list(caller.pool(), &page).await?)
}

async fn by_id(SuperAdmin(caller): SuperAdmin, site: SiteId, _: NoFilter) -> Result<SiteItem, ApiError> {
    sites::get(caller.pool(), site).await?.ok_or_else(|| ApiError::not_found("site"))
}

/// The site that a request is for.
#[derive(Debug, Serialize, JsonSchema)]
struct CurrentSite {
    /// Which.
    site_id: SiteId,
    /// Its short name.
    slug: String,
    /// What it is called: its display name, or else the name that it was opened with.
    display_name: String,
    /// What is settled about it.
    settings: Settings,
}

async fn current(caller: Caller, (): (), _: NoFilter) -> Result<CurrentSite, ApiError> {
    let known = caller.state.known_site().ok_or_else(|| ApiError::not_found("site"))?;
    let settings = settings(caller.pool(), caller.site).await?;
    let display_name = settings.display_name.clone().unwrap_or_else(|| known.name.clone());
    Ok(CurrentSite { site_id: caller.site, slug: known.slug.clone(), display_name, settings })
}
