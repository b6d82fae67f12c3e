//! The sites of the installation, for super admins on a host of the default site, and the current one, for everybody who is
//! signed in. Around it: which site a request is for ([`Installation`]), and never what a site holds.

mod databases;
mod dispatch;
mod host;
mod in_use;
mod installation;
mod own;
mod owners;
mod registry;
mod super_admins;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::routing::put;
use rollbook_domain::{Actor, SiteId};
use rollbook_projections::models::site_settings::{Settings, settings};
use rollbook_projections::models::sites::{self, SiteItem};
use rollbook_projections::{Page, Paged};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::address::{Address, At};
use crate::auth::{Caller, SuperAdmin};
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Item, Operation, Success, list, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

pub use databases::{SetUpError, SiteDatabases};
pub use host::{CameTo, Through};
pub use installation::{Installation, Reached, Setup, UnknownHosts, WeakInstallation};
pub use own::{Deliver, Delivery, OwnSite};
pub use owners::ensure as ensure_owner;
pub use registry::Registry;
pub use super_admins::SuperAdmins;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        list("list_sites", "/v1/sites", "The sites of the installation, by slug", all),
        one("site_by_id", "/v1/sites/{site_id}", "A site of the installation", by_id),
        Operation {
            id: "give_site_database",
            method: "put",
            path: "/v1/sites/{site_id}/database".to_owned(),
            summary: "Gives a site that was opened for it a database of its own: checks it, sets it up, and lets the \
                site answer. The URL is never shown again"
                .to_owned(),
            audience: Audience::SuperAdmins,
            address: SiteId::SCHEMAS,
            query: Vec::new(),
            headers: &[],
            command: None,
            body: Some(Body {
                schema: SchemaGenerator::subschema_for::<DatabaseGiven>,
                problems: &["400", "401", "403", "404", "409", "413", "415", "422", "500", "503"],
                required: true,
            }),
            upload: &[],
            success: Success::Json(SchemaGenerator::subschema_for::<SiteItem>),
            takes_long: true,
            route: put(give_database),
        },
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

/// A database for a site.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DatabaseGiven {
    /// Where it is and how to get in: `postgres://user:password@host:5432/database`. Nothing is in it yet, and its user may make
    /// tables.
    #[schemars(with = "String", length(min = 1))]
    url: SecretString,
}

async fn give_database(
    SuperAdmin(caller): SuperAdmin,
    At(site): At<SiteId>,
    body: JsonBytes,
) -> Result<Json<SiteItem>, ApiError> {
    let DatabaseGiven { url } = body.read()?;
    let elsewhere = || ApiError::NotFound("there is nothing at this path".to_owned());
    let installation = caller.state.installation().ok_or_else(elsewhere)?;
    let actor = Actor::SuperAdmin(caller.reader.person);
    let position = installation.databases().give(site, actor, &url).await?;
    caller.state.sites_changed(position).await;
    let site = sites::get(caller.pool(), site).await?;
    site.map(Json).ok_or_else(|| ApiError::not_found("site"))
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
