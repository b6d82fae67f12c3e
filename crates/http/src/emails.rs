//! A cohort's emails, for owners and admins: what became of each, and sending again what did not arrive.

use rollbook_domain::cohort::Week;
use rollbook_domain::week_emails::RetryEmail;
use rollbook_domain::{CohortId, MessageId};
use rollbook_projections::models::emails::{self, EmailFilter, EmailItem, EmailStatus};
use rollbook_projections::{Page, Paged};
use rollbook_store::{Receipt, Request};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::auth::Admin;
use crate::operation::{Item, Operation, action, list};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let path = "/v1/cohorts/{cohort_id}/emails";
    vec![
        list("emails", path, "The emails of a cohort and what became of each, the newest first", of_cohort),
        action(
            "retry_email",
            &format!("{path}/{{message_id}}/retry"),
            "Sends an email again that failed, or of which nobody knows whether it arrived",
            retry,
        ),
    ]
}

/// Which emails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EmailsAsked {
    /// Of which that became.
    status: Option<EmailStatus>,
    /// About this week.
    week: Option<Week>,
}

impl Item for EmailItem {
    const COLUMNS: &'static [&'static str] = &[
        "message_id",
        "enrolment_id",
        "name",
        "email",
        "kind",
        "week",
        "status",
        "attempts",
        "requested_at",
        "sent_at",
        "detail",
        "position",
    ];
}

async fn of_cohort(
    Admin(caller): Admin,
    cohort: CohortId,
    asked: EmailsAsked,
    page: Page,
) -> Result<Paged<EmailItem>, ApiError> {
    let filter = EmailFilter { status: asked.status, week: asked.week.map(Week::get) };
    let page = emails::list(caller.pool(), caller.site, cohort, caller.state.now(), &filter, &page).await?;
    caller.known(cohort, page).await
}

async fn retry(
    Admin(caller): Admin,
    (cohort_id, message_id): (CohortId, MessageId),
    _: NoFilter,
) -> Result<Receipt, ApiError> {
    // Somebody may have had it sent again a moment ago.
    caller.state.caught_up(caller.head).await?;
    let found = emails::get(caller.pool(), caller.site, cohort_id, message_id, caller.state.now()).await?;
    let email = found.ok_or_else(|| ApiError::not_found("email of this cohort"))?;
    if !email.status.may_be_retried() {
        return Err(ApiError::EmailNotRetriable(email.status));
    }
    let command = RetryEmail { cohort_id, message_id, enrolment_id: email.enrolment_id }.into();
    let request = Request {
        site: caller.site,
        actor: caller.who.actor(&command),
        command,
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    Ok(caller.state.executor().execute(request).await?)
}
