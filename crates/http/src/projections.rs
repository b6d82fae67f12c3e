//! The projections as operators see them, for super admins and for the owner of the only site, because they are of all sites: how far
//! each is, and making or checking one anew. What is in a row is never told.

use rollbook_projections::{
    Page, Paged, ProjectionError, ProjectionItem, QueryError, Verification, VerificationSummary,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::auth::Operator;
use crate::operation::{Item, Operation, action, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let path = "/v1/projections/{name}";
    vec![
        list("list_projections", "/v1/projections", "The projections, and how far each is behind the log", all),
        action(
            "rebuild_projection",
            &format!("{path}/rebuild"),
            "Makes a projection anew from the log, while readers and writers go on; answers when it is done",
            rebuild,
        ),
        action(
            "verify_projection",
            &format!("{path}/verify"),
            "Compares a projection's rows with what the log says they should be; answers when it is done",
            verify,
        ),
    ]
}

impl Item for ProjectionItem {}

async fn all(Operator(caller): Operator, (): (), _: NoFilter, page: Page) -> Result<Paged<ProjectionItem>, ApiError> {
    let mut items = caller.state.projections().list().await?;
    items.sort_by(|a, b| a.name.cmp(&b.name));
    items.retain(|item| page.after.as_ref().is_none_or(|after| item.name > *after));
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let next = items.get(limit.saturating_sub(1)).filter(|_| items.len() > limit).map(|item| item.name.clone());
    items.truncate(limit);
    Ok(Paged { items, next })
}

/// What a rebuild takes.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RebuildAsked {
    /// Whether rows that are not what the log says are replaced. Otherwise they are a 409 `projection_differs`, and nothing
    /// is changed.
    #[serde(default)]
    accept_differences: bool,
}

async fn rebuild(Operator(caller): Operator, name: String, asked: RebuildAsked) -> Result<ProjectionItem, ApiError> {
    let projections = caller.state.projections();
    if asked.accept_differences {
        projections.rebuild_accepting_differences(Some(&name), &mut |_| {}).await?;
    } else {
        projections.rebuild(Some(&name), &mut |_| {}).await?;
    }
    let rebuilt = projections.list().await?.into_iter().find(|item| item.name == name);
    rebuilt.ok_or_else(|| ApiError::not_found("projection"))
}

async fn verify(Operator(caller): Operator, name: String, _: NoFilter) -> Result<VerificationSummary, ApiError> {
    let verified = caller.state.projections().verify(Some(&name), &mut |_| {}).await?;
    let verified = verified.into_iter().next().map(Verification::summary);
    verified.ok_or_else(|| ApiError::not_found("projection"))
}

impl From<ProjectionError> for ApiError {
    fn from(error: ProjectionError) -> Self {
        match error {
            ProjectionError::Unknown(_) => Self::NotFound(error.to_string()),
            ProjectionError::Differs(_) => Self::ProjectionDiffers(error.to_string()),
            ProjectionError::UnderWay | ProjectionError::Swapped => Self::RebuildUnderWay(error.to_string()),
            ProjectionError::InUse(_) => Self::NotReady(error.to_string()),
            ProjectionError::BadCursor => QueryError::BadCursor.into(),
            ProjectionError::Store(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}
