//! Signing in with a password. Whoever has no account, no password or no right is told the same as who has a wrong password, after
//! the same work.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use rollbook_domain::account::{RecordFailedSignIn, RecordFailedSignIns, ShownFactor, SignInFailure, SignInMethod};
use rollbook_domain::text::{Email, email_key};
use rollbook_domain::{Actor, Command, PersonId, SiteId};
use rollbook_store::CommandKey;
use rollbook_store::accounts::Candidate;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::hashing::Verified;
use super::limits::Attempt;
use super::problem::AccountProblem;
use super::second_factor::half::SecondFactorAsked;
use super::session::{Entrant, SignedIn, enter};
use super::without_passwords::{refuse_left_out, refuse_passwords_off};
use super::{cookies, operation, password};
use crate::auth::Site;
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::ApiError;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let body = Body {
        schema: SchemaGenerator::subschema_for::<SignInAsked>,
        problems: &["400", "401", "403", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![operation(
        ("sign_in", "post"),
        "/v1/sign-in",
        "Signs in with a password; the session is a token, or a cookie for a browser",
        (Audience::Anybody, Some(body), SIGNED_IN),
        post(sign_in),
    )]
}

/// What signing in comes to: a session, or what it waits for.
pub const SIGNED_IN: Success = Success::JsonOrMore(
    SchemaGenerator::subschema_for::<SignedIn>,
    SchemaGenerator::subschema_for::<SecondFactorAsked>,
);

/// Who wants to be let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignInAsked {
    /// Their address, in any case.
    email: String,
    /// Their password.
    #[schemars(with = "String")]
    password: SecretString,
    /// Give the session as a cookie, and no token.
    #[serde(default)]
    cookie: bool,
}

async fn sign_in(
    State(state): State<AppState>,
    Site(site): Site,
    client: ClientAddress,
    headers: HeaderMap,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let SignInAsked { email, password, cookie } = body.read()?;
    let device = cookies::cookie(&headers, cookies::DEVICE);
    let entrant = let_in(&state, site, client, (&email, &password), device).await?;
    enter(&state, site, entrant).await?.answer(cookie)
}

/// Whoever has this address and this password.
pub async fn let_in(
    state: &AppState,
    site: SiteId,
    client: ClientAddress,
    (email, password): (&str, &SecretString),
    device: Option<SecretString>,
) -> Result<Entrant, ApiError> {
    let refused = ApiError::Account(AccountProblem::SignInRefused);
    // What is longer than anybody's can be told without any work, because it says nothing about anybody.
    if email.len() > Email::MAX * 4 || password::is_too_long(password) {
        return Err(refused);
    }
    refuse_passwords_off(state, site).await?;
    let (limits, now) = (&state.accounts().limits, state.now());
    let account = email_key(email);
    // Counted with the address: whoever tries somebody's account elsewhere takes no place of theirs.
    let whom = format!("{account} from {}", client.network());
    let mut place = state.accounts().hashing.place(site, client, whom)?;
    let candidate = state.store().candidate(site, email, device.as_ref(), now).await?;
    // Looked up for nobody, too.
    let person = candidate.as_ref().map_or(PersonId(Uuid::nil()), |candidate| candidate.person);
    let found = state.store().person(site, person).await?.state;
    // What has ended since is neither a password nor a device that is known.
    let known = candidate.as_ref().is_some_and(|candidate| candidate.device_epoch == Some(found.epochs.access));
    let own_device = device.as_ref().filter(|_| known).map(ExposeSecret::expose_secret);
    let attempt = limits.attempt((site, &account), client, own_device, now).map_err(ApiError::Account)?;
    let good = |candidate: &&Candidate| candidate.password_epoch == found.epochs.password;
    let phc = candidate.as_ref().filter(good).and_then(|candidate| candidate.phc.clone());
    let verified = place.verify(password, phc.as_ref()).await?;
    if let (Some(mut phc), true, Verified::Yes | Verified::WithOldParameters) = (phc.clone(), found.active, verified) {
        if verified == Verified::WithOldParameters {
            let anew = place.hash(password).await?;
            state.store().rehash(site, person, &phc, &anew).await?;
            phc = anew;
        }
        refuse_left_out(state, site, &found).await?;
        let verified = Some(phc);
        let epoch = found.epochs.access;
        let (method, second_factor) = (SignInMethod::Password, ShownFactor::Nothing);
        return Ok(Entrant { person, method, second_factor, verified, device, epoch });
    }
    if let Some(candidate) = &candidate {
        let reason = match (found.active, &phc) {
            (false, _) => SignInFailure::PersonInactive,
            (true, None) => SignInFailure::NoPassword,
            (true, Some(_)) => SignInFailure::WrongPassword,
        };
        // Of a burst, the log has the first.
        if limits.is_recorded((site, &account), now) {
            record(state, site, RecordFailedSignIn { person_id: candidate.person, reason });
        }
    }
    wrong_password(state, site, candidate.map(|candidate| candidate.person), attempt);
    Err(refused)
}

/// It was a wrong password, wherever it was asked for: it counts, and whose it was, if anybody's, is told of the one with which there
/// are many.
pub fn wrong_password(state: &AppState, site: SiteId, person: Option<PersonId>, attempt: Attempt) {
    if let Some(person) = person
        && state.accounts().limits.is_told(site, person, state.now())
    {
        tell(state, site, person);
    }
    attempt.fail();
}

/// Tells the log of a failure beside the answer.
pub fn record(state: &AppState, site: SiteId, failed: RecordFailedSignIn) {
    record_beside(state, site, failed.into(), None);
}

/// Has a person told that many attempts to sign in as them fail: once on a day, whichever process counts them.
fn tell(state: &AppState, site: SiteId, person_id: PersonId) {
    let name = format!("{site}/{person_id}/{}", state.now().date_naive());
    let once = CommandKey::of_service(Uuid::new_v5(&FAILURES_OF_A_DAY, name.as_bytes()));
    record_beside(state, site, RecordFailedSignIns { person_id }.into(), Some(once));
}

/// What the ids of such commands are made in.
const FAILURES_OF_A_DAY: Uuid = Uuid::from_u128(0x5d0a_1c7e_42f9_4b8d_9e36_7a04_c1d2_8f15);

/// Tells the log beside the answer, which would otherwise take longer for whom there is.
fn record_beside(state: &AppState, site: SiteId, command: Command, once: Option<CommandKey>) {
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(problem) = state.record(site, Actor::System, command, once).await {
            tracing::warn!(code = problem.code(), "a failed sign-in could not be recorded");
        }
    });
}
