//! Modules: the courses that cohorts run, for everybody who is signed in.

use rollbook_projections::models::modules::{self, ModuleItem};
use rollbook_projections::{Page, Paged};

use crate::auth::Caller;
use crate::operation::{Item, Operation, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![list("list_modules", "/v1/modules", "The modules, by code", all)]
}

impl Item for ModuleItem {}

async fn all(caller: Caller, (): (), _: NoFilter, page: Page) -> Result<Paged<ModuleItem>, ApiError> {
    Ok(modules::list(caller.pool(), caller.site, &page).await?)
}
