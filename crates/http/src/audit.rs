//! The audit trail, for owners and admins: who decided what, when, about whom, and why. What was decided about which schools there
//! are is for super admins.

use chrono::DateTime;
use rollbook_domain::{CohortId, EnrolmentId, PersonId};
use rollbook_projections::models::audit_trail::{self, AuditAction, AuditFilter, AuditItem};
use rollbook_projections::{Page, Paged};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::as_of::Instant;
use crate::auth::Admin;
use crate::operation::{Item, Operation, list_or_stream};
use crate::problem::ApiError;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let summary = "Every decision, in the order of the log; as CSV or NDJSON without `limit`, all of them";
    vec![list_or_stream("audit", "/v1/audit", summary, trail)]
}

/// Which decisions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditAsked {
    /// About this cohort, or about an enrolment of it.
    cohort_id: Option<CohortId>,
    /// About this person, or about an enrolment of theirs.
    person_id: Option<PersonId>,
    /// About this enrolment.
    enrolment_id: Option<EnrolmentId>,
    /// By this person.
    actor_id: Option<PersonId>,
    /// Of this kind.
    action: Option<AuditAction>,
    /// At this instant or later.
    from: Option<Instant>,
    /// Before this instant.
    to: Option<Instant>,
}

impl Item for AuditItem {
    const COLUMNS: &'static [&'static str] = Self::COLUMNS;
}

async fn trail(Admin(caller): Admin, (): (), asked: AuditAsked, page: Page) -> Result<Paged<AuditItem>, ApiError> {
    let AuditAsked { cohort_id, person_id, enrolment_id, actor_id, action, from, to } = asked;
    let with_registry = caller.who.super_admin;
    let (from, to) = (from.map(DateTime::from), to.map(DateTime::from));
    let filter = AuditFilter { cohort_id, person_id, enrolment_id, actor_id, action, from, to, with_registry };
    Ok(audit_trail::list(caller.pool(), caller.site, &filter, &page).await?)
}
