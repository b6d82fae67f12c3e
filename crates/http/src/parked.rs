//! Streams that a projection has set aside, for whoever looks after the database as a whole: which, at which event and why, and
//! taking them up again after a fix.

use rollbook_projections::{Page, Paged, ParkedStream, Retried};

use crate::auth::Operator;
use crate::operation::{Item, Operation, action, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let path = "/v1/projections/{name}";
    vec![
        list(
            "list_parked_streams",
            &format!("{path}/parked"),
            "The streams that a projection has set aside at an event that it cannot read or fold, by its position",
            parked,
        ),
        action(
            "retry_projection",
            &format!("{path}/retry"),
            "Folds a projection's parked streams from their first events, after a fix; what still fails stays parked",
            retry,
        ),
    ]
}

impl Item for ParkedStream {}

async fn parked(
    Operator(caller): Operator,
    name: String,
    _: NoFilter,
    page: Page,
) -> Result<Paged<ParkedStream>, ApiError> {
    Ok(caller.state.projections().parked(&name, Some(caller.site), &page).await?)
}

async fn retry(Operator(caller): Operator, name: String, _: NoFilter) -> Result<Retried, ApiError> {
    let retried = caller.state.projections().retry(Some(&name)).await?;
    retried.into_iter().next().ok_or_else(|| ApiError::not_found("projection"))
}
