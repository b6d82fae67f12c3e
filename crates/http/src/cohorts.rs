//! Cohorts, and what is read cohort by cohort: roster, flags, register, advancement sheet, reflections.

use rollbook_domain::cohort::{CohortStatus, Week};
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{CohortId, HubId, ModuleId};
use rollbook_projections::models::absence_flags::{self, FlagItem};
use rollbook_projections::models::advancement::{self, SheetItem};
use rollbook_projections::models::cohorts::{self, CohortFilter, CohortItem};
use rollbook_projections::models::reader::cohorts_of;
use rollbook_projections::models::reflections::{self, ReflectionItem};
use rollbook_projections::models::register::{self, RegisterItem};
use rollbook_projections::models::roster::{self, RosterFilter, RosterItem};
use rollbook_projections::{Page, Paged};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::as_of::When;
use crate::auth::Caller;
use crate::operation::{Item, Operation, list, list_as_of, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        list("list_cohorts", "/v1/cohorts", "The cohorts that you have to do with, the newest start first", all),
        one("get_cohort", "/v1/cohorts/{cohort_id}", "A cohort, with its sessions", get),
        list_as_of("roster", "/v1/cohorts/{cohort_id}/roster", "The students whom you see, by name", roster),
        list_as_of("absence_flags", "/v1/cohorts/{cohort_id}/absence-flags", "The absence flags, open and past", flags),
        list(
            "advancement_sheet",
            "/v1/cohorts/{cohort_id}/advancement",
            "What opening a week would bring each student, before anybody decides otherwise",
            sheet,
        ),
        list(
            "session_attendance",
            "/v1/cohorts/{cohort_id}/sessions/{week}/attendance",
            "The register of a session: every active student, marked or not",
            attendance,
        ),
        list(
            "reflections",
            "/v1/cohorts/{cohort_id}/reflections",
            "The reflections that you may read, by week",
            of_cohort,
        ),
    ]
}

/// Which cohorts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CohortsAsked {
    /// Runs of this module.
    module_id: Option<ModuleId>,
    /// Those that stand there.
    status: Option<CohortStatus>,
}

/// Which students.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RosterAsked {
    /// Those who meet in this hub now.
    hub_id: Option<HubId>,
    /// Only with, or only without an open absence flag.
    flagged: Option<bool>,
    /// Only held, or only not held.
    held: Option<bool>,
}

/// Which week.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SheetAsked {
    /// The week that would open.
    to_week: Week,
}

/// Which reflections.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReflectionsAsked {
    /// Of this week.
    week: Option<Week>,
}

impl Item for CohortItem {}

impl Item for ReflectionItem {}

impl Item for RosterItem {
    const COLUMNS: &'static [&'static str] = &[
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

impl Item for FlagItem {
    const COLUMNS: &'static [&'static str] =
        &["enrolment_id", "name", "flag", "missed_weeks", "raised_at", "cleared_at", "resolved_at", "reason"];
}

impl Item for SheetItem {
    const COLUMNS: &'static [&'static str] = &["enrolment_id", "name", "proposed", "why"];
}

impl Item for RegisterItem {
    const COLUMNS: &'static [&'static str] = &[
        "enrolment_id",
        "person_id",
        "name",
        "hub_id",
        "hub",
        "status",
        "place",
        "note",
        "by.id",
        "by.name",
        "authority",
        "marked_at",
    ];
}

async fn all(caller: Caller, (): (), asked: CohortsAsked, page: Page) -> Result<Paged<CohortItem>, ApiError> {
    let CohortsAsked { module_id, status } = asked;
    let filter = CohortFilter { module_id, status, only: cohorts_of(&caller.reader) };
    Ok(cohorts::list(caller.pool(), caller.site, &filter, &page).await?)
}

async fn get(caller: Caller, cohort: CohortId, _: NoFilter) -> Result<CohortItem, ApiError> {
    caller.cohort(cohort).await
}

async fn roster(
    caller: Caller,
    cohort: CohortId,
    asked: RosterAsked,
    page: Page,
    when: When,
) -> Result<Paged<RosterItem>, ApiError> {
    let RosterAsked { hub_id, flagged, held } = asked;
    let filter = RosterFilter { scope: caller.roster(cohort)?, hub_id, flagged, held };
    if let When::Then(position) = when {
        let moment = caller.moment(cohort, &filter.scope, position).await?;
        return Ok(roster::list_as_of(caller.pool(), &moment, cohort, &filter, &page).await?);
    }
    let page = roster::list(caller.pool(), caller.site, cohort, &filter, &page).await?;
    caller.known(cohort, page).await
}

async fn flags(
    caller: Caller,
    cohort: CohortId,
    _: NoFilter,
    page: Page,
    when: When,
) -> Result<Paged<FlagItem>, ApiError> {
    let scope = caller.roster(cohort)?;
    if let When::Then(position) = when {
        let moment = caller.moment(cohort, &scope, position).await?;
        return Ok(absence_flags::list_as_of(caller.pool(), &moment, cohort, &page).await?);
    }
    let page = absence_flags::list(caller.pool(), caller.site, cohort, &scope, &page).await?;
    caller.known(cohort, page).await
}

async fn sheet(caller: Caller, cohort: CohortId, asked: SheetAsked, page: Page) -> Result<Paged<SheetItem>, ApiError> {
    match caller.roster(cohort)? {
        RosterScope::Whole => {
            let week = asked.to_week.get();
            let page = advancement::list(caller.pool(), caller.site, cohort, week, &page).await?;
            caller.known(cohort, page).await
        }
        RosterScope::Hubs(_) => Err(ApiError::Forbidden("the sheet is for those who see the whole roster")),
    }
}

async fn attendance(
    caller: Caller,
    (cohort, week): (CohortId, Week),
    _: NoFilter,
    page: Page,
) -> Result<Paged<RegisterItem>, ApiError> {
    let scope = caller.roster(cohort)?;
    let sessions = caller.cohort(cohort).await?.sessions;
    if !sessions.iter().any(|session| session.week == week.get()) {
        return Err(ApiError::not_found("session"));
    }
    Ok(register::list(caller.pool(), caller.site, cohort, week.get(), &scope, &page).await?)
}

async fn of_cohort(
    caller: Caller,
    cohort: CohortId,
    asked: ReflectionsAsked,
    page: Page,
) -> Result<Paged<ReflectionItem>, ApiError> {
    caller.sees(cohort)?;
    let week = asked.week.map(Week::get);
    let page = reflections::of_cohort(caller.pool(), caller.site, cohort, week, &caller.reader, &page).await?;
    caller.known(cohort, page).await
}
