//! People, for owners and admins.

use rollbook_projections::models::people::{self, PersonItem};
use rollbook_projections::{Page, Paged};

use crate::auth::Admin;
use crate::operation::{Item, Operation, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![list("list_people", "/v1/people", "The people of the site, by name", all)]
}

impl Item for PersonItem {}

async fn all(Admin(caller): Admin, (): (), _: NoFilter, page: Page) -> Result<Paged<PersonItem>, ApiError> {
    Ok(people::list(caller.pool(), caller.site, &page).await?)
}
