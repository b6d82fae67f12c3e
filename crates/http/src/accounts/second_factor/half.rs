//! The second half of signing in: what was shown first is bound to its person, their epoch and their password, for a few minutes and a
//! few tries, and gives no right. The session begins when the other thing is shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::{ShownFactor, SignInMethod};
use rollbook_domain::person::{Person, SecondFactorKind};
use rollbook_domain::{PersonId, SiteId};
use rollbook_store::accounts::NewHalfSignIn;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codes::{self, Shower};
use super::passkeys::{self, RelyingParty};
use crate::accounts::problem::AccountProblem;
use crate::accounts::session::{Begun, Entrant, SignedIn, begin};
use crate::accounts::without_passwords::refuse_left_out;
use crate::accounts::{cookies, operation, refuse_other_sites};
use crate::auth::Site;
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::{ApiError, FieldError};
use crate::state::AppState;

/// How long the other thing is waited for: an app is opened, a telephone found.
pub const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);
/// How many tries there are: somebody mistypes, or the code changes while they type.
const TRIES: i32 = 5;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let body = Body {
        schema: SchemaGenerator::subschema_for::<Showing>,
        problems: &["400", "401", "403", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![operation(
        ("show_second_factor", "post"),
        "/v1/second-factor",
        "Ends signing in that asks for a second factor; the session is a token, or a cookie for a browser",
        (Audience::Anybody, Some(body), Success::Json(SchemaGenerator::subschema_for::<SignedIn>)),
        post(show),
    )]
}

/// What is shown to end signing in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Showing {
    /// What signing in has answered; left out, it is the browser's cookie.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    half: Option<SecretString>,
    /// A code of the app, or a recovery code.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    code: Option<SecretString>,
    /// What navigator.credentials.get gave for the challenge, as its `toJSON` writes it.
    #[serde(default)]
    passkey: Option<Value>,
    /// Give the session as a cookie, and no token.
    #[serde(default)]
    cookie: bool,
}

/// A sign-in that asks for more.
#[derive(Debug)]
pub struct Half {
    secret: SecretString,
    expires_at: DateTime<Utc>,
    kinds: Vec<ShownFactor>,
}

/// Signing in asks for a second factor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SecondFactorAsked {
    /// What to send with the second factor; not there where it is a cookie. It is no token, and is good for a few minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    half: Option<String>,
    /// What can be shown.
    kinds: Vec<ShownFactor>,
    /// Until when it is waited for.
    expires_at: DateTime<Utc>,
}

impl Half {
    /// Begins to wait for somebody's second factor.
    pub async fn begin(state: &AppState, site: SiteId, entrant: &Entrant, known: &Person) -> Result<Self, ApiError> {
        let expires_at = state.now() + GOOD_FOR;
        let Entrant { person, method, verified, epoch, .. } = entrant;
        let (person, method, verified, epoch) = (*person, *method, verified.clone(), *epoch);
        let half = NewHalfSignIn { person, method, verified, epoch, expires_at };
        let secret = state.store().begin_half_sign_in(site, &half).await?;
        Ok(Self { secret, expires_at, kinds: kinds(known) })
    }

    /// The answer to a program, or to a page's script, which is given a cookie.
    pub fn answer(&self, cookie: bool) -> Result<Response, ApiError> {
        let half = (!cookie).then(|| self.secret.expose_secret().to_owned());
        let answer = SecondFactorAsked { half, kinds: self.kinds.clone(), expires_at: self.expires_at };
        let cookies = if cookie { self.cookies()? } else { HeaderMap::new() };
        Ok((StatusCode::ACCEPTED, cookies, Json(answer)).into_response())
    }

    /// The cookie of a browser.
    pub fn cookies(&self) -> Result<HeaderMap, ApiError> {
        Ok(cookies::headers([cookies::set(cookies::HALF, &self.secret, GOOD_FOR)?]))
    }
}

/// What somebody can show.
fn kinds(known: &Person) -> Vec<ShownFactor> {
    let has = |kind| known.second_factors.values().any(|known| *known == kind);
    let mut kinds = Vec::new();
    kinds.extend(has(SecondFactorKind::Totp).then_some(ShownFactor::Totp));
    kinds.extend(has(SecondFactorKind::Passkey).then_some(ShownFactor::Passkey));
    kinds.push(ShownFactor::RecoveryCode);
    kinds
}

async fn show(
    State(state): State<AppState>,
    Site(site): Site,
    rp: Option<RelyingParty>,
    client: ClientAddress,
    headers: HeaderMap,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let Showing { half, code, passkey, cookie } = body.read()?;
    let shown = match (code, passkey) {
        (Some(code), None) => Shown::Code(code),
        (None, Some(credential)) => Shown::Passkey(credential),
        _ => return Err(ApiError::Invalid(vec![FieldError::body("", "give a code, or a passkey")])),
    };
    let half = given_or_cookie(half, &headers)?;
    let device = cookies::cookie(&headers, cookies::DEVICE);
    let begun = end(&state, site, (client, rp.as_ref()), (&half, &shown), device).await?;
    begun.answer(cookie)
}

/// The half that was sent, or the browser's: cookies come by themselves, and not from another site's page.
pub fn given_or_cookie(half: Option<SecretString>, headers: &HeaderMap) -> Result<SecretString, ApiError> {
    if let Some(half) = half {
        return Ok(half);
    }
    let half = cookies::cookie(headers, cookies::HALF).ok_or(ApiError::Account(AccountProblem::HalfSignInGone))?;
    refuse_other_sites(&Method::POST, headers)?;
    Ok(half)
}

/// What is shown.
#[derive(Debug)]
pub enum Shown {
    /// A code of an app, or a recovery code.
    Code(SecretString),
    /// What a browser gave for a passkey.
    Passkey(Value),
}

/// Whose half it is.
pub struct Waiting {
    /// Who.
    pub person: PersonId,
    /// As the log has them.
    pub known: Arc<Person>,
    method: SignInMethod,
    phc: Option<SecretString>,
}

/// Whose a half sign-in is, if it is still good: nothing has ended it since, and the password is the one that was shown.
pub async fn waiting(state: &AppState, site: SiteId, half: &SecretString) -> Result<Waiting, ApiError> {
    let gone = || ApiError::Account(AccountProblem::HalfSignInGone);
    let store = state.store();
    let row = store.half_sign_in(site, half, state.now()).await?.ok_or_else(gone)?;
    let (person, method) = (row.person, row.method);
    let known = store.person(site, person).await?.state;
    if !known.active || row.epoch != known.epochs.access || !known.has_second_factor() {
        return Err(gone());
    }
    if matches!(method, SignInMethod::Password | SignInMethod::Invitation) {
        refuse_left_out(state, site, &known).await?;
    }
    let phc = if row.is_by_password() { store.credential(site, person, known.epochs.password).await? } else { None };
    if !row.was_shown(phc.as_ref()) {
        return Err(gone());
    }
    Ok(Waiting { person, known, method, phc })
}

/// Ends signing in: a try is taken before anything is looked at, what is right is used up, and then the half, once.
pub async fn end(
    state: &AppState,
    site: SiteId,
    (client, rp): (ClientAddress, Option<&RelyingParty>),
    (half, shown): (&SecretString, &Shown),
    device: Option<SecretString>,
) -> Result<Begun, ApiError> {
    let gone = || ApiError::Account(AccountProblem::HalfSignInGone);
    let (store, now) = (state.store(), state.now());
    let Waiting { person, method, known, phc } = waiting(state, site, half).await?;
    let challenge = store.try_half_sign_in(site, half, TRIES, now).await?.ok_or_else(gone)?;
    let own = match &device {
        Some(device) => store.knows_device(site, (person, known.epochs.access), device, now).await?,
        None => false,
    };
    let own_device = device.as_ref().filter(|_| own).map(ExposeSecret::expose_secret);
    let who = Shower { site, person, known: &known, client, own_device };
    let second_factor = match shown {
        Shown::Code(code) => codes::shown(state, who, code).await?,
        Shown::Passkey(credential) => {
            let rp = rp.ok_or(ApiError::Account(AccountProblem::PasskeysUnavailable))?;
            passkeys::shown(state, who, rp, (challenge, credential)).await?
        }
    };
    let second_factor = second_factor.ok_or(ApiError::Account(AccountProblem::SecondFactorRefused))?;
    if !store.end_half_sign_in(site, half).await? {
        return Err(gone());
    }
    let epoch = known.epochs.access;
    begin(state, site, Entrant { person, method, second_factor, verified: phc, device, epoch }).await
}
