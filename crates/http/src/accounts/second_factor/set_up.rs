//! An app with codes, set up: a secret is made and shown once, and it is on from when its first code was shown.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::ShownFactor;
use rollbook_domain::person::{AddSecondFactor, SecondFactorKind};
use rollbook_domain::text::Name;
use rollbook_domain::{Actor, Personal};
use rollbook_projections::models::site_settings::settings;
use rollbook_store::accounts::{Settled, Settling, TotpSecret};
use rollbook_store::keys::SealedFor;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Proof, codes, recovery, totp};
use crate::accounts::operation;
use crate::accounts::problem::{AccountProblem, ENDED};
use crate::auth::{Authenticated, SetsUp};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::ApiError;
use crate::state::AppState;

/// How long somebody may take from the secret to its first code: an app is installed meanwhile.
const SET_UP: TimeDelta = TimeDelta::minutes(15);
/// What an app is called that its person has not called anything.
const APP: &str = "App";

/// The statuses of the problems that setting up can have.
pub const PROBLEMS: &[&str] = &["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"];

/// The operations.
pub fn operations() -> Vec<Operation> {
    let begin = Body { schema: SchemaGenerator::subschema_for::<AppAsked>, problems: PROBLEMS, required: true };
    let confirm = Body { schema: SchemaGenerator::subschema_for::<FirstCode>, problems: PROBLEMS, required: true };
    vec![
        operation(
            ("begin_totp", "post"),
            "/v1/me/second-factors/totp",
            "Begins to set up an app with codes; it is asked for from when its first code was shown",
            (Audience::Bearers, Some(begin), Success::Json(SchemaGenerator::subschema_for::<AppSecret>)),
            post(begin_app),
        ),
        operation(
            ("confirm_totp", "post"),
            "/v1/me/second-factors/totp/confirm",
            "Shows an app's first code: it is asked for from now on, in place of an app before it",
            (Audience::Bearers, Some(confirm), Success::Json(SchemaGenerator::subschema_for::<Added>)),
            post(confirm_app),
        ),
    ]
}

/// An app is to be set up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppAsked {
    /// What you call it.
    #[serde(default)]
    pub name: Option<Personal<Name>>,
    /// The password, or `code`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// A code of the app before it, or a recovery code, which is used up.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub code: Option<SecretString>,
}

/// What an app makes codes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppSecret {
    /// What to confirm it by.
    pub factor_id: Uuid,
    /// The secret, for whoever types it. It is shown this once.
    pub secret: String,
    /// The same as apps read it: as a link, or in a picture.
    pub uri: String,
    /// Until when its first code is waited for.
    pub expires_at: DateTime<Utc>,
}

/// An app's first code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCode {
    /// Which app.
    pub factor_id: Uuid,
    /// The code that it shows.
    #[schemars(with = "String")]
    pub code: SecretString,
}

/// A second factor that is on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Added {
    /// Its id.
    pub factor_id: Uuid,
    /// Codes for when it is lost, each used once. They are shown this once; null where those from before stay.
    pub recovery_codes: Option<Vec<String>>,
}

async fn begin_app(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<Json<AppSecret>, ApiError> {
    begin(&state, &who, client, body.read()?).await.map(Json)
}

/// Makes a secret for whoever shows that it is them.
pub async fn begin(
    state: &AppState,
    who: &Authenticated,
    client: ClientAddress,
    asked: AppAsked,
) -> Result<AppSecret, ApiError> {
    let AppAsked { name, password, code } = asked;
    Proof { password, code }.check_or_code(who, client).await?;
    let (site, person, now) = (who.site, who.bearer.person, state.now());
    let (factor_id, secret) = (Uuid::new_v4(), totp::new_secret());
    let sealed_for = SealedFor::SecondFactor(site, person, factor_id);
    let kept =
        TotpSecret::of(&state.accounts().keys, sealed_for, &secret).map_err(|error| ApiError::internal(&error))?;
    let name = name.as_ref().map_or(APP, |name| name.reveal().as_str());
    let known = &who.bearer.state.second_factors;
    state.store().put_totp((site, person), (factor_id, name), &kept, known, now).await?;
    let issuer = settings(state.pool(), site).await?.display_name;
    let issuer = issuer.or_else(|| state.known_site().map(|site| site.name)).unwrap_or_default();
    let account = who.bearer.state.email.as_ref().map_or("", |email| email.as_str());
    let uri = totp::uri(&secret, &issuer, account);
    Ok(AppSecret { factor_id, secret: secret.expose_secret().to_owned(), uri, expires_at: now + SET_UP })
}

async fn confirm_app(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    body: JsonBytes,
) -> Result<Json<Added>, ApiError> {
    confirm(&state, &who, body.read()?).await.map(Json)
}

/// Has an app be asked for from now on whose first code is right. Nothing is guessed here: whoever begins knows the secret.
pub async fn confirm(state: &AppState, who: &Authenticated, first: FirstCode) -> Result<Added, ApiError> {
    let FirstCode { factor_id, code } = first;
    let (site, person, now) = (who.site, who.bearer.person, state.now());
    let gone = || ApiError::Account(AccountProblem::SetUpGone);
    let wrong = || ApiError::Account(AccountProblem::WrongSecondFactor);
    let begun = state.store().totp(site, person, factor_id).await?.ok_or_else(gone)?;
    if begun.added_at + SET_UP <= now || who.bearer.state.second_factors.contains_key(&factor_id) {
        return Err(gone());
    }
    let secret = codes::reveal(state, site, person, &begun)?;
    let typed: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).take(64).collect();
    let step = totp::code(&typed).and_then(|code| totp::step(&secret, code, now.timestamp())).ok_or_else(wrong)?;
    let (kind, shown) = (SecondFactorKind::Totp, ShownFactor::Totp);
    settle(state, who, (factor_id, kind), (shown, Some(step))).await?.ok_or_else(wrong)
}

/// Has a second factor be asked for that was just shown; with recovery codes where it is the first. None where its code was used.
pub async fn settle(
    state: &AppState,
    who: &Authenticated,
    (factor_id, kind): (Uuid, SecondFactorKind),
    (shown, step): (ShownFactor, Option<i64>),
) -> Result<Option<Added>, ApiError> {
    let (site, person) = (who.site, who.bearer.person);
    let made = (!who.bearer.state.has_second_factor()).then(recovery::new_codes);
    let told = async {
        let command = AddSecondFactor { person_id: person, factor_id, kind };
        state.record(site, Actor::Person(person), command, None).await.map(drop)
    };
    let settled = Settled { factor_id, step, shown: (shown, who.bearer.token_id), codes: made.as_deref() };
    match state.store().settle_second_factor((site, person), settled, state.now(), told).await? {
        Settling::Done => {}
        Settling::Used => return Ok(None),
        Settling::Ended => return Err(ENDED),
    }
    let codes = made.map(|codes| codes.iter().map(|code| recovery::shown(code.expose_secret())).collect());
    Ok(Some(Added { factor_id, recovery_codes: codes }))
}
