//! Every way in that a person has, for themselves and for owners and admins: looked at, and ended one by one. All of them at once
//! the command `EndAccess` ends.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::delete;
use rollbook_domain::account::{RevokeApiKey, SignOut, UnlinkIdentity};
use rollbook_domain::{Command, PersonId};
use rollbook_store::accounts::{ApiKeyItem, IdentityItem, SecondFactorItem, SessionItem};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::operation;
use super::proof::{self, Proof};
use crate::address::{Address, At};
use crate::auth::{Admin, Authenticated, Holder, refuse_programs};
use crate::client_address::ClientAddress;
use crate::operation::{Audience, Operation, Success, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let theirs = (Audience::Admins, None, Success::Nothing);
    vec![
        one("access", "/v1/people/{person_id}/access", "Every way in that a person has", of_a_person),
        one("identities", "/v1/me/identities", "The systems that vouch for you, the newest first", own_identities),
        Operation {
            address: Uuid::SCHEMAS,
            ..operation(
                ("unlink_identity", "delete"),
                "/v1/me/identities/{identity_id}",
                "Has a system vouch for you no more; needs your password, or a sign-in of the last 10 minutes",
                (Audience::Bearers, Some(proof::BODY), Success::Nothing),
                delete(unlink_own),
            )
        },
        Operation {
            address: <(PersonId, Uuid)>::SCHEMAS,
            ..operation(
                ("end_session_of", "delete"),
                "/v1/people/{person_id}/sessions/{session_id}",
                "Ends a person's session; only an owner ends an owner's",
                theirs,
                delete(end_session),
            )
        },
        Operation {
            address: <(PersonId, Uuid)>::SCHEMAS,
            ..operation(
                ("revoke_api_key_of", "delete"),
                "/v1/people/{person_id}/api-keys/{key_id}",
                "Ends a person's API key; only an owner ends an owner's",
                theirs,
                delete(revoke_key),
            )
        },
        Operation {
            address: <(PersonId, Uuid)>::SCHEMAS,
            ..operation(
                ("unlink_identity_of", "delete"),
                "/v1/people/{person_id}/identities/{identity_id}",
                "Has a system vouch for a person no more; only an owner does so with an owner's",
                theirs,
                delete(unlink),
            )
        },
    ]
}

/// Every way in that a person has.
#[derive(Debug, Serialize, JsonSchema)]
struct Access {
    /// Whether they have a password that is good.
    password: bool,
    /// Where they are signed in, the newest first; tokens from the command line among them.
    sessions: Vec<SessionItem>,
    /// Their keys for programs, the newest first.
    api_keys: Vec<ApiKeyItem>,
    /// The systems that vouch for them, the newest first.
    identities: Vec<IdentityItem>,
    /// Whether their calendar has a secret address.
    calendar_link: bool,
    /// What they show besides their password, the newest first.
    second_factors: Vec<SecondFactorItem>,
}

async fn of_a_person(Admin(caller): Admin, person: PersonId, _: NoFilter) -> Result<Access, ApiError> {
    refuse_programs(&caller.who.bearer)?;
    let (state, site, now) = (&caller.state, caller.site, caller.state.now());
    let (store, known) = (state.store(), state.store().person(site, person).await?.state);
    if !known.registered {
        return Err(ApiError::not_found("person"));
    }
    let epochs = known.epochs;
    Ok(Access {
        password: store.credential(site, person, epochs.password).await?.is_some(),
        sessions: store.sessions(site, person, &known, now).await?,
        api_keys: store.api_keys(site, person, epochs.access, now).await?,
        identities: store.identities(site, person, epochs.access).await?,
        calendar_link: store.has_calendar_link(site, person, epochs.access).await?,
        second_factors: store.second_factors(site, person, &known.second_factors).await?,
    })
}

/// The systems that vouch for the caller.
#[derive(Debug, Serialize, JsonSchema)]
struct Identities {
    /// The newest first.
    items: Vec<IdentityItem>,
}

async fn own_identities(holder: Holder, (): (), _: NoFilter) -> Result<Identities, ApiError> {
    let Holder(Authenticated { site, bearer, state, .. }) = holder;
    Ok(Identities { items: state.store().identities(site, bearer.person, bearer.epoch).await? })
}

async fn unlink_own(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(id): At<Uuid>,
    client: ClientAddress,
    proof: Proof,
) -> Result<StatusCode, ApiError> {
    let person = who.bearer.person;
    proof.check(&who, client).await?;
    unlink_one(&state, &who, person, id).await
}

async fn unlink(
    State(state): State<AppState>,
    Admin(caller): Admin,
    At((person, id)): At<(PersonId, Uuid)>,
) -> Result<StatusCode, ApiError> {
    refuse_programs(&caller.who.bearer)?;
    unlink_one(&state, &caller.who, person, id).await
}

async fn unlink_one(state: &AppState, who: &Authenticated, person: PersonId, id: Uuid) -> Result<StatusCode, ApiError> {
    let epoch = epoch(state, who, person).await?;
    let identities = state.store().identities(who.site, person, epoch).await?;
    let found = identities.into_iter().find(|identity| identity.identity_id == id);
    let issuer = found.ok_or_else(|| ApiError::not_found("identity"))?.issuer;
    let command: Command = UnlinkIdentity { person_id: person, issuer }.into();
    state.record(who.site, who.actor(&command), command, None).await?;
    state.store().unlink_identity(who.site, person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_session(
    State(state): State<AppState>,
    Admin(caller): Admin,
    At((person, id)): At<(PersonId, Uuid)>,
) -> Result<StatusCode, ApiError> {
    let who = &caller.who;
    refuse_programs(&who.bearer)?;
    let known = state.store().person(who.site, person).await?.state;
    let sessions = state.store().sessions(who.site, person, &known, state.now()).await?;
    sessions.iter().find(|session| session.session_id == id).ok_or_else(|| ApiError::not_found("session"))?;
    end_token(&state, who, person, id, SignOut { person_id: person, session_id: id }.into()).await
}

async fn revoke_key(
    State(state): State<AppState>,
    Admin(caller): Admin,
    At((person, id)): At<(PersonId, Uuid)>,
) -> Result<StatusCode, ApiError> {
    let who = &caller.who;
    refuse_programs(&who.bearer)?;
    let epoch = epoch(&state, who, person).await?;
    let keys = state.store().api_keys(who.site, person, epoch, state.now()).await?;
    keys.iter().find(|key| key.key_id == id).ok_or_else(|| ApiError::not_found("API key"))?;
    end_token(&state, who, person, id, RevokeApiKey { person_id: person, key_id: id }.into()).await
}

/// Tells the log that a session or a key ends, and ends it.
async fn end_token(
    state: &AppState,
    who: &Authenticated,
    person: PersonId,
    id: Uuid,
    command: Command,
) -> Result<StatusCode, ApiError> {
    state.record(who.site, who.actor(&command), command, None).await?;
    state.store().revoke(who.site, person, id, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The epoch that a person's ways in are good in.
async fn epoch(state: &AppState, who: &Authenticated, person: PersonId) -> Result<i64, ApiError> {
    Ok(state.store().person(who.site, person).await?.state.epochs.access)
}
