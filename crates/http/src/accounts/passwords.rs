//! The caller's password, changed by whoever knows it; and its reset for whoever does not, which is answered the same for every
//! address.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rollbook_domain::account::{PasswordChange, SetPassword};
use rollbook_domain::text::Email;
use rollbook_domain::{Actor, SiteId};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::hashing::Verified;
use super::problem::AccountProblem;
use super::sign_in::wrong_password;
use super::without_passwords::refuse_passwords_off;
use super::{operation, password};
use crate::auth::{Holder, Site};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::{ApiError, FieldError};
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let change = Body {
        schema: SchemaGenerator::subschema_for::<ChangeAsked>,
        problems: &["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    let reset = Body {
        schema: SchemaGenerator::subschema_for::<ResetAsked>,
        problems: &["400", "403", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![
        operation(
            ("change_password", "post"),
            "/v1/me/password",
            "Changes your password, and ends all your other sessions",
            (Audience::Bearers, Some(change), Success::Nothing),
            post(change_password),
        ),
        operation(
            ("reset_password", "post"),
            "/v1/password-resets",
            "Mails a link to set another password, if anybody has this address; the answer is the same for all",
            (Audience::Anybody, Some(reset), Success::Accepted),
            post(reset_password),
        ),
    ]
}

/// Another password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAsked {
    /// The present one.
    #[schemars(with = "String")]
    current: SecretString,
    /// The one from now on: 10 to 256 characters.
    #[schemars(with = "String")]
    new: SecretString,
}

async fn change_password(
    State(state): State<AppState>,
    Holder(who): Holder,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<StatusCode, ApiError> {
    let ChangeAsked { current, new } = body.read()?;
    refuse_passwords_off(&state, who.site).await?;
    let (site, person, now) = (who.site, who.bearer.person, state.now());
    let limits = &state.accounts().limits;
    password::check(&new, &who.bearer.state, &state, "/new")?;
    if new.expose_secret() == current.expose_secret() {
        return Err(ApiError::Invalid(vec![FieldError::body("/new", "must be another than the present one")]));
    }
    // Whoever has found an open session guesses no further than whoever has none.
    let account = person.to_string();
    let account = (site, account.as_str());
    limits.refuse_changed(account, now).map_err(ApiError::Account)?;
    let mut place = state.accounts().hashing.place(site, client, person.to_string())?;
    // Held until the work is over: it counts among those under way for the second hash, too.
    let attempt = limits.attempt(account, client, None, now).map_err(ApiError::Account)?;
    let phc = state.store().credential(site, person, who.bearer.state.epochs.password).await?;
    let verified = place.verify(&current, phc.as_ref()).await?;
    let meanwhile = || ApiError::Account(AccountProblem::PasswordChangedMeanwhile);
    let Some(phc) = phc.filter(|_| verified != Verified::No) else {
        // What was the present one when this began is another one now: that was no guess.
        if limits.refuse_changed(account, now).is_err() {
            return Err(meanwhile());
        }
        wrong_password(&state, site, Some(person), attempt);
        return Err(ApiError::Account(AccountProblem::WrongPassword));
    };
    let anew = place.hash(&new).await?;
    // Hashing has its line, in which somebody may stand for a while.
    who.still().await?;
    // The log is told while nobody else can change the password, so that it has this change if and only if there is
    // one.
    let told = async {
        let command = SetPassword { person_id: person, how: PasswordChange::Change, first: false };
        state.record(site, Actor::Person(person), command, None).await?;
        limits.changed(account, now);
        Ok::<_, ApiError>(())
    };
    let session = who.bearer.token_id;
    let changed = state.store().change_password((site, person), (&phc, &anew), session, now, told).await?;
    if changed { Ok(StatusCode::NO_CONTENT) } else { Err(meanwhile()) }
}

/// Who has forgotten their password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResetAsked {
    /// Their address, in any case.
    email: Email,
}

async fn reset_password(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<StatusCode, ApiError> {
    let ResetAsked { email } = body.read()?;
    ask_for_reset(&state, site, client, &email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Writes down that an address is to be mailed a link: one row, whoever it is or is not. Who it is, is looked up afterwards.
pub async fn ask_for_reset(
    state: &AppState,
    site: SiteId,
    client: ClientAddress,
    email: &Email,
) -> Result<(), ApiError> {
    refuse_passwords_off(state, site).await?;
    state.accounts().limits.reset(site, client, state.now()).map_err(ApiError::Account)?;
    Ok(state.store().ask_for_reset(site, email.as_str(), state.now()).await?)
}
