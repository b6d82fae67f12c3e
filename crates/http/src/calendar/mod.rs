//! Calendars of sessions for calendar programs: a cohort's, and a person's by a secret link that reads nothing else.

mod ics;
mod zone;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use rollbook_domain::cohort::CohortStatus;
use rollbook_domain::enrolment::EnrolmentStatus;
use rollbook_domain::policy::Reader;
use rollbook_domain::{CohortId, SiteId};
use rollbook_projections::Page;
use rollbook_projections::models::cohorts::{self, CohortFilter, CohortItem};
use rollbook_projections::models::reader::reader;
use rollbook_store::calendar_links::CalendarLink;
use rollbook_store::tokens::TokenKind;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use crate::accounts::{ENDED, PROOF, Proof, handed_on, lacks};
use crate::address::At;
use crate::auth::{Caller, Holder, Site, refuse_wrong_host};
use crate::client_address::ClientAddress;
use crate::operation::{Audience, Document, Operation, Success, document};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::sites::CameTo;
use crate::state::AppState;

/// RFC 5545.
const MEDIA_TYPE: &str = "text/calendar";

/// What a link's file is called after its secret.
const SUFFIX: &str = ".ics";

/// The most cohorts that a person's calendar holds: the newest.
const MOST: u32 = 100;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        document(
            "cohort_calendar",
            "/v1/cohorts/{cohort_id}/calendar.ics",
            "A cohort's sessions for calendar programs",
            MEDIA_TYPE,
            of_cohort,
        ),
        Operation {
            route: post(issue),
            method: "post",
            success: Success::Json(SchemaGenerator::subschema_for::<Link>),
            body: Some(PROOF),
            ..links(
                "issue_calendar_link",
                "Makes the secret address of your calendar, in place of the one before; needs your password, or a sign-in of the \
                 last 10 minutes",
            )
        },
        Operation {
            route: delete(revoke),
            method: "delete",
            success: Success::Nothing,
            ..links("revoke_calendar_link", "Ends the secret address of your calendar")
        },
        Operation {
            path: "/calendar/{link}".to_owned(),
            audience: Audience::Anybody,
            address: &[SchemaGenerator::subschema_for::<String>],
            ..links("calendar", "The sessions of everything that the owner of this secret address has to do with")
        },
    ]
}

fn links(id: &'static str, summary: &str) -> Operation {
    Operation {
        id,
        method: "get",
        path: "/v1/me/calendar-link".to_owned(),
        summary: summary.to_owned(),
        audience: Audience::Bearers,
        address: &[],
        query: Vec::new(),
        headers: &[],
        command: None,
        body: None,
        upload: &[],
        success: Success::Other(MEDIA_TYPE),
        takes_long: false,
        route: get(by_link),
    }
}

/// A person's secret address.
#[derive(Debug, Serialize, JsonSchema)]
struct Link {
    /// The path on this service. Whoever has it reads when the person's sessions are, and nothing else.
    path: String,
}

/// Where a link's calendar is.
pub fn path(secret: &str) -> String {
    format!("/calendar/{secret}{SUFFIX}")
}

async fn of_cohort(caller: Caller, cohort: CohortId, _: NoFilter) -> Result<Document, ApiError> {
    let cohort = caller.cohort(cohort).await?;
    let name = format!("{} ({})", cohort.module, cohort.name);
    written(name, vec![cohort]).await
}

/// The address never runs out, so that it is no open session's to make.
async fn issue(
    State(state): State<AppState>,
    Holder(who): Holder,
    client: ClientAddress,
    proof: Proof,
) -> Result<Json<Link>, ApiError> {
    let grounds = proof.check(&who, client).await?;
    let made = (who.bearer.epoch, handed_on(&who.bearer));
    let secret = state.store().issue_calendar_link(who.site, who.bearer.person, made, &grounds, state.now()).await?;
    Ok(Json(Link { path: path(&secret.ok_or(ENDED)?) }))
}

async fn revoke(State(state): State<AppState>, Holder(who): Holder) -> Result<StatusCode, ApiError> {
    state.store().revoke_calendar_link(who.site, who.bearer.person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link that was revoked, that never was, and that of somebody who may not act any more are one and the same.
async fn by_link(
    State(state): State<AppState>,
    Site(site): Site,
    came_to: CameTo,
    At(link): At<String>,
) -> Result<Document, ApiError> {
    let nothing = || ApiError::NotFound("there is nothing at this path".to_owned());
    let secret = link.strip_suffix(SUFFIX).unwrap_or(&link);
    let CalendarLink { person, state: known, second_factor } =
        state.store().calendar_link(site, secret).await?.ok_or_else(nothing)?;
    state.reached(state.store().head().await?).await?;
    let reader = reader(state.pool(), site, person).await?.ok_or_else(nothing)?;
    refuse_wrong_host(came_to.admits, Some(&reader))?;
    // Whoever must have a second factor reads nothing without one, by this as by a key.
    let super_admin = site == SiteId::DEFAULT && state.super_admins().include(&known);
    if let Some(lacks) = lacks(&state, &known, (TokenKind::ApiKey, second_factor), (super_admin, false)).await? {
        return Err(lacks.into());
    }
    let only = Some(cohorts_of(&state, site, &reader).await?);
    let filter = CohortFilter { only, ..CohortFilter::default() };
    let page = Page { limit: MOST, after: None };
    let mut cohorts = cohorts::list(state.pool(), site, &filter, &page).await?.items;
    cohorts.retain(|cohort| cohort.status != CohortStatus::Archived);
    written("Rollbook".to_owned(), cohorts).await
}

/// The cohorts that somebody goes to: as a student, to teach, to mark, or with their hub.
async fn cohorts_of(state: &AppState, site: SiteId, reader: &Reader) -> Result<BTreeSet<CohortId>, ApiError> {
    let mut cohorts = cohorts::meeting_in(state.pool(), site, &reader.coordinates).await?;
    cohorts.extend(reader.instructs.iter().chain(&reader.marks));
    let own = reader.enrolments.iter().filter(|own| own.status != EnrolmentStatus::Withdrawn);
    cohorts.extend(own.map(|own| own.cohort));
    Ok(cohorts)
}

/// Written where that holds nobody else up: zones are gone through day by day.
async fn written(name: String, cohorts: Vec<CohortItem>) -> Result<Document, ApiError> {
    let written = rollbook_background::compute(move || ics::calendar(&name, &cohorts));
    let body =
        written.await.map_err(|error| ApiError::internal(&error))?.map_err(|error| ApiError::internal(&error))?;
    Ok(Document { media_type: "text/calendar; charset=utf-8", policy: None, body })
}
