//! The beginning of a session, however somebody signed in: the log is told, the token made, and given as JSON or as a cookie.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use rollbook_domain::account::{ShownFactor, SignIn, SignInMethod};
use rollbook_domain::{Actor, PersonId, SiteId};
use rollbook_projections::models::site_settings::settings;
use rollbook_store::accounts::{Grounds, NewToken, NewTokenKind};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::cookies;
use super::problem::AccountProblem;
use super::second_factor::half::Half;
use crate::problem::ApiError;
use crate::state::AppState;

/// How long a device is remembered.
const DEVICE: TimeDelta = TimeDelta::days(365);

/// Somebody who may be let in.
#[derive(Debug)]
pub struct Entrant {
    /// Who.
    pub person: PersonId,
    /// With what.
    pub method: SignInMethod,
    /// What they have shown besides.
    pub second_factor: ShownFactor,
    /// The hash of the password that was verified, if it was that.
    pub verified: Option<SecretString>,
    /// The cookie of the device, if it has one.
    pub device: Option<SecretString>,
    /// The epoch of the person's access that they have shown a way in of.
    pub epoch: i64,
}

/// What somebody has come to who may be let in.
#[derive(Debug)]
pub enum Entered {
    /// They are in.
    Begun(Begun),
    /// They are asked for a second factor.
    Half(Half),
}

/// A session that has begun.
#[derive(Debug)]
pub struct Begun {
    token: SecretString,
    device: SecretString,
    good_for: TimeDelta,
    expires_at: DateTime<Utc>,
    person: PersonId,
    /// Whether half a sign-in was before it, whose cookie goes.
    by_half: bool,
}

/// What signing in comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignedIn {
    /// The session's token; not there where it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// When the session ends by itself.
    expires_at: DateTime<Utc>,
    /// Who has signed in.
    person_id: PersonId,
}

/// Lets somebody in, or asks for their second factor first: every door leads through here.
pub async fn enter(state: &AppState, site: SiteId, entrant: Entrant) -> Result<Entered, ApiError> {
    let known = state.store().person(site, entrant.person).await?.state;
    if known.has_second_factor() && entrant.second_factor.is_nothing() {
        return Half::begin(state, site, &entrant, &known).await.map(Entered::Half);
    }
    begin(state, site, entrant).await.map(Entered::Begun)
}

impl Entered {
    /// The answer to a program, or to a page's script, which is given no token but a cookie.
    pub fn answer(&self, cookie: bool) -> Result<Response, ApiError> {
        match self {
            Self::Begun(begun) => begun.answer(cookie),
            Self::Half(half) => half.answer(cookie),
        }
    }
}

/// How many sessions, and how many devices, a person has at most: with one more the one ends that was used least lately.
const SESSIONS: i64 = 100;

/// Begins the session of somebody who has shown everything.
pub async fn begin(state: &AppState, site: SiteId, entrant: Entrant) -> Result<Begun, ApiError> {
    let Entrant { person, method, second_factor, verified, device, epoch } = entrant;
    let (id, now) = (Uuid::new_v4(), state.now());
    let good_for = TimeDelta::hours(settings(state.pool(), site).await?.session_hours.into());
    let expires_at = now + good_for;
    let known = match &device {
        Some(device) => state.store().knows_device(site, (person, epoch), device, now).await?,
        None => false,
    };
    let command = SignIn { person_id: person, method, session_id: id, second_factor, new_device: !known };
    state.record(site, Actor::Person(person), command, None).await?;
    let (what, grounds) = (NewTokenKind::Session(method), Grounds { session: None, verified });
    let token = NewToken { id, what, second_factor, grounds, expires_at, epoch };
    let token = state.store().issue(site, person, &token, now).await?;
    let token = token.ok_or(ApiError::Account(AccountProblem::SignInRefused))?;
    let device = state.store().remember_device(site, person, device, epoch, (now, DEVICE)).await?;
    state.store().keep_newest(site, person, SESSIONS).await?;
    let by_half = !second_factor.is_nothing();
    Ok(Begun { token, device, good_for, expires_at, person, by_half })
}

impl Begun {
    /// The session's token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// The answer to a program, or to a page's script, which is given no token but a cookie.
    pub fn answer(&self, cookie: bool) -> Result<Response, ApiError> {
        let token = (!cookie).then(|| self.token.expose_secret().to_owned());
        let answer = SignedIn { token, expires_at: self.expires_at, person_id: self.person };
        Ok((self.cookies(cookie)?, Json(answer)).into_response())
    }

    /// The cookies of the browser: the device's, and the session's where it is to be one.
    pub fn cookies(&self, session: bool) -> Result<HeaderMap, ApiError> {
        let mut cookies: Vec<HeaderValue> = vec![cookies::set(cookies::DEVICE, &self.device, DEVICE)?];
        if session {
            cookies.push(cookies::set(cookies::SESSION, &self.token, self.good_for)?);
        }
        if self.by_half {
            cookies.push(cookies::unset(cookies::HALF)?);
        }
        Ok(cookies::headers(cookies))
    }
}
