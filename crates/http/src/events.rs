//! The log in order, for owners and admins: everything of their school, as it was recorded. Which schools there are is for super admins.

use rollbook_projections::logged::{EventItem, event_items};
use rollbook_projections::{Page, Paged};
use rollbook_store::Stretch;

use crate::auth::Admin;
use crate::enrolments::cursor;
use crate::operation::{Item, Operation, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let summary = "The log in order; `after` takes any position";
    vec![list("events", "/v1/events", summary, after)]
}

impl Item for EventItem {}

async fn after(Admin(caller): Admin, (): (), _: NoFilter, page: Page) -> Result<Paged<EventItem>, ApiError> {
    let after = cursor(page.after.as_deref())?;
    let Stretch { events, more, .. } =
        caller.state.store().read_site(caller.site, after, page.limit.into(), caller.who.log_view()).await?;
    let next = events.last().filter(|_| more).map(|event| event.position.to_string());
    Ok(Paged { items: event_items(caller.pool(), caller.site, events).await?, next })
}
