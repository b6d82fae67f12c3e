//! The caller's sessions: looked at, and ended, one or all of them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use rollbook_domain::Actor;
use rollbook_domain::account::{SignOut, SignOutEverywhere};
use rollbook_store::accounts::SessionItem;
use rollbook_store::tokens::TokenKind;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{cookies, operation};
use crate::address::{Address, At};
use crate::auth::{Authenticated, Holder, Leaves};
use crate::operation::{Audience, Operation, Success, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let nothing = (Audience::Bearers, None, Success::Nothing);
    vec![
        operation(
            ("sign_out", "post"),
            "/v1/sign-out",
            "Ends the session that it is called with",
            nothing,
            post(this_one),
        ),
        operation(
            ("sign_out_everywhere", "post"),
            "/v1/sign-out-everywhere",
            "Ends all your sessions, API keys, links and your calendar's address",
            nothing,
            post(everywhere),
        ),
        one("sessions", "/v1/me/sessions", "Your sessions, the newest first; API keys are none", all),
        Operation {
            address: Uuid::SCHEMAS,
            ..operation(
                ("end_session", "delete"),
                "/v1/me/sessions/{session_id}",
                "Ends one of your sessions",
                nothing,
                delete(one_of_them),
            )
        },
    ]
}

/// The caller's sessions.
#[derive(Debug, Serialize, JsonSchema)]
struct Sessions {
    /// The newest first.
    items: Vec<Listed>,
}

/// A session, as its person sees it.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// The session.
    #[serde(flatten)]
    session: SessionItem,
    /// Whether it is the one that asks.
    current: bool,
}

async fn all(holder: Holder, (): (), _: NoFilter) -> Result<Sessions, ApiError> {
    let Holder(Authenticated { site, bearer, state, .. }) = holder;
    let sessions = state.store().sessions(site, bearer.person, &bearer.state, state.now()).await?;
    let listed = sessions.into_iter().map(|session| {
        let current = Some(session.session_id) == bearer.token_id;
        Listed { session, current }
    });
    Ok(Sessions { items: listed.collect() })
}

/// Ends the session, or the token, that a request came with.
pub async fn sign_out(state: &AppState, who: &Authenticated) -> Result<(), ApiError> {
    match who.bearer.token_id {
        Some(id) => end(state, who, id, who.bearer.kind).await,
        None => Ok(()),
    }
}

async fn this_one(State(state): State<AppState>, Leaves(who): Leaves) -> Result<Response, ApiError> {
    sign_out(&state, &who).await?;
    Ok((cookies::headers([cookies::unset(cookies::SESSION)?]), StatusCode::NO_CONTENT).into_response())
}

async fn everywhere(State(state): State<AppState>, Holder(who): Holder) -> Result<Response, ApiError> {
    let person = who.bearer.person;
    state.record(who.site, Actor::Person(who.bearer.person), SignOutEverywhere { person_id: person }, None).await?;
    state.store().sign_out_everywhere(who.site, person, state.now()).await?;
    Ok((cookies::headers([cookies::unset(cookies::SESSION)?]), StatusCode::NO_CONTENT).into_response())
}

async fn one_of_them(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(id): At<Uuid>,
) -> Result<StatusCode, ApiError> {
    let sessions = state.store().sessions(who.site, who.bearer.person, &who.bearer.state, state.now()).await?;
    let found = sessions.iter().find(|session| session.session_id == id);
    end(&state, &who, id, found.ok_or_else(|| ApiError::not_found("session"))?.kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a token; the log has those that somebody signed in for.
async fn end(state: &AppState, who: &Authenticated, id: Uuid, kind: TokenKind) -> Result<(), ApiError> {
    let person = who.bearer.person;
    if kind == TokenKind::Session {
        let command = SignOut { person_id: person, session_id: id };
        state.record(who.site, Actor::Person(person), command, None).await?;
    }
    Ok(state.store().revoke(who.site, person, id, state.now()).await?)
}
