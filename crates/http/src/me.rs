//! The caller: who they are, what they have to do with, and the end of their token.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::delete;
use rollbook_domain::enrolment::EnrolmentStatus;
use rollbook_domain::{CohortId, EnrolmentId, HubId};
use rollbook_projections::models::people::{self, PersonItem};
use rollbook_projections::models::reader::reader;
use schemars::JsonSchema;
use serde::Serialize;

use crate::accounts::sign_out;
use crate::auth::{Caller, Holder};
use crate::operation::{Audience, Operation, Success, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        one("me", "/v1/me", "Who you are, and what you have to do with", me),
        Operation {
            id: "revoke_token",
            method: "delete",
            path: "/v1/me/token".to_owned(),
            summary: "Revokes the token that it is called with".to_owned(),
            audience: Audience::Bearers,
            address: &[],
            query: Vec::new(),
            headers: &[],
            command: None,
            body: None,
            upload: &[],
            success: Success::Nothing,
            takes_long: false,
            route: delete(revoke),
        },
    ]
}

/// The caller.
#[derive(Debug, Serialize, JsonSchema)]
struct Me {
    /// The person.
    #[serde(flatten)]
    person: PersonItem,
    /// The cohorts they teach.
    instructs: BTreeSet<CohortId>,
    /// The cohorts they mark in.
    marks: BTreeSet<CohortId>,
    /// The hubs they look after.
    coordinates: BTreeSet<HubId>,
    /// Where they are a student.
    enrolments: Vec<MyEnrolment>,
}

/// The caller as a student.
#[derive(Debug, Serialize, JsonSchema)]
struct MyEnrolment {
    /// Which enrolment.
    enrolment_id: EnrolmentId,
    /// In which cohort.
    cohort_id: CohortId,
    /// The week they see.
    week: u8,
    /// Where it stands.
    status: EnrolmentStatus,
}

async fn me(caller: Caller, (): (), _: NoFilter) -> Result<Me, ApiError> {
    let who = caller.who.clone().at_home()?;
    let (pool, site, id) = (caller.pool(), caller.site, who.bearer.person);
    // What somebody reads of themselves is never older than what they may do. Also an admin, who needs no appointment to
    // read, may have some.
    caller.state.caught_up(caller.head).await?;
    let found = (people::get(pool, site, id).await?, reader(pool, site, id).await?);
    let (Some(person), Some(rights)) = found else { return Err(ApiError::not_found("person")) };
    let enrolments = rights.enrolments.into_iter().map(|own| MyEnrolment {
        enrolment_id: own.id,
        cohort_id: own.cohort,
        week: own.week,
        status: own.status,
    });
    Ok(Me {
        person,
        instructs: rights.instructs,
        marks: rights.marks,
        coordinates: rights.coordinates,
        enrolments: enrolments.collect(),
    })
}

async fn revoke(State(state): State<AppState>, Holder(who): Holder) -> Result<StatusCode, ApiError> {
    sign_out(&state, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
