//! Passkeys and security keys (WebAuthn), as a second factor: made for the host that the registry has of the site, and shown to that
//! host alone. A challenge is of one session or one half sign-in, is kept here meanwhile, and is taken by whoever answers it.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, OptionalFromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::routing::post;
use chrono::TimeDelta;
use rollbook_domain::account::ShownFactor;
use rollbook_domain::person::SecondFactorKind;
use rollbook_domain::text::Name;
use rollbook_domain::{Personal, SiteId};
use rollbook_store::accounts::{KeptPasskey, PasskeyRegistration};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{SecurityKey, SecurityKeyAuthentication, SecurityKeyRegistration};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::Proof;
use super::codes::{Shower, record_wrong};
use super::half::{given_or_cookie, waiting};
use super::set_up::{Added, PROBLEMS, settle};
use crate::accounts::operation;
use crate::accounts::problem::AccountProblem;
use crate::auth::{Authenticated, SetsUp, Site};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::{ApiError, FieldError};
use crate::sites::Through;
use crate::state::AppState;

/// How long a passkey that is being made is waited for: a telephone is found, a finger put on it.
const MADE_WITHIN: TimeDelta = TimeDelta::minutes(5);
/// What a passkey is called that its person has not called anything.
const PASSKEY: &str = "Passkey";

/// The operations.
pub fn operations() -> Vec<Operation> {
    let begin = Body { schema: SchemaGenerator::subschema_for::<Proof>, problems: PROBLEMS, required: true };
    let confirm = Body { schema: SchemaGenerator::subschema_for::<PasskeyMade>, problems: PROBLEMS, required: true };
    let challenge = Body {
        schema: SchemaGenerator::subschema_for::<ChallengeAsked>,
        problems: &["400", "401", "403", "409", "413", "415", "422", "500", "503"],
        required: true,
    };
    let options = Success::Json(SchemaGenerator::subschema_for::<Options>);
    vec![
        operation(
            ("begin_passkey", "post"),
            "/v1/me/second-factors/passkey",
            "Begins a passkey or security key: what navigator.credentials.create takes",
            (Audience::Bearers, Some(begin), options),
            post(begin_passkey),
        ),
        operation(
            ("confirm_passkey", "post"),
            "/v1/me/second-factors/passkey/confirm",
            "Adds a passkey by what navigator.credentials.create gave: it can be shown from now on",
            (Audience::Bearers, Some(confirm), Success::Json(SchemaGenerator::subschema_for::<Added>)),
            post(confirm_passkey),
        ),
        operation(
            ("challenge_passkey", "post"),
            "/v1/second-factor/challenge",
            "What navigator.credentials.get takes to end signing in by a passkey, in place of what it was before",
            (Audience::Anybody, Some(challenge), options),
            post(challenge_passkey),
        ),
    ]
}

/// Whom passkeys are for: a host that the registry has of this site. What a request says its host is only finds one of these.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// The host, which passkeys are bound to.
    pub id: String,
    origin: Url,
}

impl FromRequestParts<AppState> for RelyingParty {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let unavailable = || ApiError::Account(AccountProblem::PasskeysUnavailable);
        let host = parts.extensions.get::<Through>().and_then(|through| through.host.clone());
        let origin = match (host, state.accounts().public_url_of(state.site())) {
            (Some(host), _) => origin_of(&host),
            (None, Some(url)) => url.to_owned(),
            // Nobody has said where this is: it is tried out on this machine.
            (None, None) => origin_of(LOCALHOST),
        };
        let origin = Url::parse(&origin).map_err(|_| unavailable())?;
        let id = origin.domain().ok_or_else(unavailable)?.to_owned();
        Ok(Self { id, origin })
    }
}

const LOCALHOST: &str = "localhost";

/// Browsers have passkeys over TLS, and on their own machine.
fn origin_of(host: &str) -> String {
    let own = host == LOCALHOST || host.ends_with(".localhost");
    format!("{}://{host}", if own { "http" } else { "https" })
}

/// Where there can be no passkeys, codes are shown all the same.
impl OptionalFromRequestParts<AppState> for RelyingParty {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Option<Self>, Infallible> {
        Ok(<Self as FromRequestParts<AppState>>::from_request_parts(parts, state).await.ok())
    }
}

impl RelyingParty {
    fn webauthn(&self) -> Result<Webauthn, ApiError> {
        let built =
            WebauthnBuilder::new(&self.id, &self.origin).and_then(|builder| builder.allow_any_port(true).build());
        built.map_err(|error| ApiError::internal(&error))
    }
}

/// What a browser's authenticator is asked.
#[derive(Debug, Serialize, JsonSchema)]
struct Options {
    /// As WebAuthn has it, with bytes in base64url.
    #[serde(rename = "publicKey")]
    public_key: Value,
}

impl Options {
    fn of(response: impl Serialize) -> Result<Self, ApiError> {
        let mut response = serde_json::to_value(response).map_err(|error| ApiError::internal(&error))?;
        let mut public_key = response["publicKey"].take();
        // Any authenticator will do, and not security keys before others. Nothing is made of its extensions, and browsers refuse
        // to ask those for them that do not have them.
        if let Some(options) = public_key.as_object_mut() {
            options.remove("hints");
            options.remove("extensions");
        }
        Ok(Self { public_key })
    }
}

/// A passkey that was made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyMade {
    /// What you call it.
    #[serde(default)]
    pub name: Option<Personal<Name>>,
    /// What navigator.credentials.create gave, as its `toJSON` writes it.
    pub credential: Value,
}

/// A challenge is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChallengeAsked {
    /// What signing in has answered; left out, it is the browser's cookie.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    half: Option<SecretString>,
}

async fn begin_passkey(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    rp: RelyingParty,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<Json<Value>, ApiError> {
    begin(&state, &who, &rp, client, &body.read()?).await.map(Json)
}

/// What the browser of whoever shows that it is them is to make a passkey by.
pub async fn begin(
    state: &AppState,
    who: &Authenticated,
    rp: &RelyingParty,
    client: ClientAddress,
    proof: &Proof,
) -> Result<Value, ApiError> {
    proof.check_or_code(who, client).await?;
    let (site, person, known) = (who.site, who.bearer.person, &*who.bearer.state);
    let session = session(who)?;
    let passkeys = state.store().passkeys(site, person, &rp.id, &known.second_factors).await?;
    let had = passkeys.iter().map(read_key).map(|key| key.map(|key| key.cred_id().clone()));
    let had: Vec<_> = had.collect::<Result<_, _>>()?;
    let account = known.email.as_ref().map_or("", |email| email.as_str());
    let begun =
        rp.webauthn()?.start_securitykey_registration(person.0, account, known.display_name(), Some(had), None, None);
    let (response, registration) = begun.map_err(|error| ApiError::internal(&error))?;
    let challenge = serde_json::to_value(registration).map_err(|error| ApiError::internal(&error))?;
    let (rp_id, expires_at) = (rp.id.clone(), state.now() + MADE_WITHIN);
    let registration = PasskeyRegistration { person, epoch: who.bearer.epoch, challenge, rp_id, expires_at };
    state.store().begin_passkey(site, session, &registration).await?;
    written(Options::of(response)?)
}

fn written(options: Options) -> Result<Value, ApiError> {
    serde_json::to_value(options).map_err(|error| ApiError::internal(&error))
}

/// The session, or the token from the command line, that a passkey is made in.
fn session(who: &Authenticated) -> Result<Uuid, ApiError> {
    who.bearer.token_id.ok_or_else(|| ApiError::internal(&"whoever has signed in has a token"))
}

fn read_key(kept: &KeptPasskey) -> Result<SecurityKey, ApiError> {
    SecurityKey::deserialize(&kept.passkey).map_err(|_| ApiError::internal(&"a passkey cannot be read"))
}

/// What a browser has given, if it can be read at all.
fn given<T: DeserializeOwned>(credential: &Value, pointer: &str) -> Result<T, ApiError> {
    let wrong = |_| ApiError::Invalid(vec![FieldError::body(pointer, "must be what the browser's toJSON gives")]);
    T::deserialize(credential).map_err(wrong)
}

async fn confirm_passkey(
    State(state): State<AppState>,
    SetsUp(who): SetsUp,
    rp: RelyingParty,
    body: JsonBytes,
) -> Result<Json<Added>, ApiError> {
    confirm(&state, &who, &rp, body.read()?).await.map(Json)
}

/// Has a passkey be shown from now on that was made as it was asked for.
pub async fn confirm(
    state: &AppState,
    who: &Authenticated,
    rp: &RelyingParty,
    made: PasskeyMade,
) -> Result<Added, ApiError> {
    let PasskeyMade { name, credential } = made;
    let credential = given(&credential, "/credential")?;
    let (site, person, now) = (who.site, who.bearer.person, state.now());
    let known = &who.bearer.state.second_factors;
    let wrong = || ApiError::Account(AccountProblem::WrongSecondFactor);
    let taken = state.store().take_passkey(site, session(who)?, now).await?;
    let theirs =
        |taken: &PasskeyRegistration| taken.person == person && taken.epoch == who.bearer.epoch && taken.rp_id == rp.id;
    let taken = taken.filter(theirs).ok_or(ApiError::Account(AccountProblem::SetUpGone))?;
    let registration = SecurityKeyRegistration::deserialize(taken.challenge);
    let registration = registration.map_err(|_| ApiError::internal(&"a passkey that was begun cannot be read"))?;
    let key = rp.webauthn()?.finish_securitykey_registration(&credential, &registration);
    let key = key.inspect_err(|error| tracing::debug!(%error, "a passkey was not taken")).map_err(|_| wrong())?;
    for had in state.store().passkeys(site, person, &rp.id, known).await? {
        if read_key(&had)?.cred_id() == key.cred_id() {
            return Err(wrong());
        }
    }
    let passkey = serde_json::to_value(key).map_err(|error| ApiError::internal(&error))?;
    let kept = KeptPasskey { factor_id: Uuid::new_v4(), passkey, rp_id: taken.rp_id };
    let name = name.as_ref().map_or(PASSKEY, |name| name.reveal().as_str());
    state.store().put_passkey((site, person), name, &kept, known, now).await?;
    let added = settle(state, who, (kept.factor_id, SecondFactorKind::Passkey), (ShownFactor::Passkey, None)).await?;
    added.ok_or_else(wrong)
}

/// What is kept of a challenge meanwhile.
#[derive(Serialize, Deserialize)]
struct Challenge {
    rp_id: String,
    state: SecurityKeyAuthentication,
}

async fn challenge_passkey(
    State(state): State<AppState>,
    Site(site): Site,
    rp: RelyingParty,
    headers: HeaderMap,
    body: JsonBytes,
) -> Result<Json<Value>, ApiError> {
    let ChallengeAsked { half } = body.read()?;
    let half = given_or_cookie(half, &headers)?;
    let challenge = challenge(&state, site, &rp, &half).await?;
    challenge.map(Json).ok_or(ApiError::Account(AccountProblem::NoSecondFactor))
}

/// What a browser is to show a passkey by that ends signing in; none where there is no passkey for this host.
pub async fn challenge(
    state: &AppState,
    site: SiteId,
    rp: &RelyingParty,
    half: &SecretString,
) -> Result<Option<Value>, ApiError> {
    let waiting = waiting(state, site, half).await?;
    let kept = state.store().passkeys(site, waiting.person, &rp.id, &waiting.known.second_factors).await?;
    if kept.is_empty() {
        return Ok(None);
    }
    let keys = kept.iter().map(read_key).collect::<Result<Vec<_>, _>>()?;
    let begun = rp.webauthn()?.start_securitykey_authentication(&keys);
    let (response, begun) = begun.map_err(|error| ApiError::internal(&error))?;
    let challenge = Challenge { rp_id: rp.id.clone(), state: begun };
    let challenge = serde_json::to_value(challenge).map_err(|error| ApiError::internal(&error))?;
    if !state.store().challenge_half_sign_in(site, half, &challenge, state.now()).await? {
        return Err(ApiError::Account(AccountProblem::HalfSignInGone));
    }
    written(Options::of(response)?).map(Some)
}

/// Whether what a browser has shown is one of the person's passkeys, for this challenge and this host. Its counter must have gone on.
pub async fn shown(
    state: &AppState,
    who: Shower<'_>,
    rp: &RelyingParty,
    (challenge, credential): (Option<Value>, &Value),
) -> Result<Option<ShownFactor>, ApiError> {
    let credential = given(credential, "/passkey")?;
    let challenge = challenge.map(Challenge::deserialize).transpose();
    let challenge = challenge.map_err(|_| ApiError::internal(&"a challenge cannot be read"))?;
    if let Some(Challenge { state: begun, .. }) = challenge.filter(|challenge| challenge.rp_id == rp.id) {
        match rp.webauthn()?.finish_securitykey_authentication(&credential, &begun) {
            Ok(result) => {
                let known = &who.known.second_factors;
                for kept in state.store().passkeys(who.site, who.person, &rp.id, known).await? {
                    let mut key = read_key(&kept)?;
                    let Some(changed) = key.update_credential(&result) else { continue };
                    // One that counts, and has not gone on, is a copy: somebody was faster with this very count.
                    let goes_on = changed || result.counter() == 0;
                    let anew = serde_json::to_value(key).map_err(|error| ApiError::internal(&error))?;
                    let used = (&kept.passkey, &anew);
                    if goes_on && state.store().use_passkey(who.site, kept.factor_id, used, state.now()).await? {
                        return Ok(Some(ShownFactor::Passkey));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "a passkey was not taken"),
        }
    }
    record_wrong(state, who);
    Ok(None)
}
