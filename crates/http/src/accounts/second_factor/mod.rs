//! What people show besides their password: codes of an app, passkeys, recovery codes. Set up, shown, listed and removed; who must have one is
//! asked in [`required`].

pub mod codes;
pub mod half;
pub mod passkeys;
mod recovery;
pub mod required;
pub mod set_up;
mod totp;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, post, put};
use rollbook_domain::person::{RemoveSecondFactor, RemoveSecondFactors};
use rollbook_domain::text::Name;
use rollbook_domain::{Actor, PersonId, Personal};
use rollbook_store::accounts::SecondFactorItem;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::operation;
use super::problem::{AccountProblem, ENDED};
use crate::address::{Address, At};
use crate::auth::{Admin, Authenticated, Holder, SetsUp, refuse_programs};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::state::AppState;

pub use super::proof::Proof;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let proof = Body { schema: SchemaGenerator::subschema_for::<Proof>, problems: set_up::PROBLEMS, required: true };
    let factor = Body {
        schema: SchemaGenerator::subschema_for::<Proof>,
        problems: &["400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    let renaming = Body {
        schema: SchemaGenerator::subschema_for::<Renaming>,
        problems: &["400", "401", "403", "404", "413", "415", "422", "500", "503"],
        required: true,
    };
    let mut operations = vec![
        one("second_factors", "/v1/me/second-factors", "Your second factors, the newest first", own),
        Operation {
            address: Uuid::SCHEMAS,
            ..operation(
                ("rename_second_factor", "put"),
                "/v1/me/second-factors/{factor_id}",
                "Calls one of your second factors something else",
                (Audience::Bearers, Some(renaming), Success::Nothing),
                put(rename),
            )
        },
        Operation {
            address: Uuid::SCHEMAS,
            ..operation(
                ("remove_second_factor", "post"),
                "/v1/me/second-factors/{factor_id}/removal",
                "Removes one of your second factors, by your password or a code",
                (Audience::Bearers, Some(factor), Success::Nothing),
                post(remove_own),
            )
        },
        operation(
            ("renew_recovery_codes", "post"),
            "/v1/me/recovery-codes",
            "Makes recovery codes in place of those before, by your password or a code",
            (Audience::Bearers, Some(proof), Success::Json(SchemaGenerator::subschema_for::<RecoveryCodes>)),
            post(renew),
        ),
        Operation {
            address: PersonId::SCHEMAS,
            ..operation(
                ("remove_second_factors_of", "delete"),
                "/v1/people/{person_id}/second-factors",
                "Removes all second factors of a person who has lost them, and ends their sessions; an owner's only as a super admin",
                (Audience::Admins, None, Success::Nothing),
                delete(remove_of),
            )
        },
    ];
    operations.extend(set_up::operations());
    operations.extend(half::operations());
    operations.extend(passkeys::operations());
    operations
}

/// The caller's second factors.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SecondFactors {
    /// The newest first.
    pub items: Vec<SecondFactorItem>,
    /// How many recovery codes are left.
    pub recovery_codes_left: i64,
    /// Whether you must have one.
    pub required: bool,
}

async fn own(SetsUp(who): SetsUp, (): (), _: NoFilter) -> Result<SecondFactors, ApiError> {
    listed(&who).await
}

/// What somebody has set up.
pub async fn listed(who: &Authenticated) -> Result<SecondFactors, ApiError> {
    let (state, site, person) = (&who.state, who.site, who.bearer.person);
    let required = required::is_required(state, &who.bearer.state, (who.super_admin, who.is_guest())).await?;
    Ok(SecondFactors {
        items: state.store().second_factors(site, person, &who.bearer.state.second_factors).await?,
        recovery_codes_left: state.store().recovery_codes_left(site, person).await?,
        required,
    })
}

/// What a second factor is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Renaming {
    /// From now on.
    name: Personal<Name>,
}

async fn rename(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(factor): At<Uuid>,
    body: JsonBytes,
) -> Result<StatusCode, ApiError> {
    let Renaming { name } = body.read()?;
    refuse_unknown(&who, factor)?;
    state.store().rename_second_factor(who.site, who.bearer.person, factor, name.reveal().as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_unknown(who: &Authenticated, factor: Uuid) -> Result<(), ApiError> {
    let known = who.bearer.state.second_factors.contains_key(&factor);
    known.then_some(()).ok_or_else(|| ApiError::not_found("second factor"))
}

async fn remove_own(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(factor): At<Uuid>,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<StatusCode, ApiError> {
    remove(&state, &who, factor, client, &body.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes one of the caller's, who shows that it is them.
pub async fn remove(
    state: &AppState,
    who: &Authenticated,
    factor: Uuid,
    client: ClientAddress,
    proof: &Proof,
) -> Result<(), ApiError> {
    refuse_unknown(who, factor)?;
    proof.check_or_code(who, client).await?;
    let person = who.bearer.person;
    let command = RemoveSecondFactor { person_id: person, factor_id: factor };
    state.record(who.site, Actor::Person(person), command, None).await?;
    forget(state, who, person, &[factor]).await
}

/// Takes away what is kept of second factors that the log has no more.
async fn forget(state: &AppState, who: &Authenticated, person: PersonId, gone: &[Uuid]) -> Result<(), ApiError> {
    let known = state.store().person(who.site, person).await?.state;
    Ok(state.store().forget_second_factors(who.site, person, (gone, &known.second_factors)).await?)
}

/// Recovery codes, which are shown this once.
#[derive(Debug, Serialize, JsonSchema)]
struct RecoveryCodes {
    /// Each is used once.
    recovery_codes: Vec<String>,
}

async fn renew(
    State(state): State<AppState>,
    Holder(who): Holder,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let proof: Proof = body.read()?;
    if !who.bearer.state.has_second_factor() {
        return Err(ApiError::Account(AccountProblem::NoSecondFactor));
    }
    let grounds = proof.check_or_code(&who, client).await?;
    let codes = recovery::new_codes();
    if !state.store().put_recovery_codes((who.site, who.bearer.person), &codes, &grounds, state.now()).await? {
        return Err(ENDED);
    }
    let recovery_codes = codes.iter().map(|code| recovery::shown(code.expose_secret())).collect();
    Ok(Json(RecoveryCodes { recovery_codes }))
}

async fn remove_of(
    State(state): State<AppState>,
    Admin(caller): Admin,
    At(person): At<PersonId>,
) -> Result<StatusCode, ApiError> {
    let who = &caller.who;
    refuse_programs(&who.bearer)?;
    let known = state.store().person(who.site, person).await?.state;
    // Whoever looks after the installation does so at home, too.
    let actor = if who.super_admin { Actor::SuperAdmin(who.bearer.person) } else { Actor::Person(who.bearer.person) };
    state.record(who.site, actor, RemoveSecondFactors { person_id: person }, None).await?;
    let gone: Vec<Uuid> = known.second_factors.keys().copied().collect();
    forget(&state, who, person, &gone).await?;
    Ok(StatusCode::NO_CONTENT)
}
