//! Keys that act for their person: made, listed, ended. A key reads, or issues the commands that it names; it is never good for an
//! account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, post};
use chrono::{DateTime, Utc};
use rollbook_domain::account::{CommandName, CreateApiKey, KeyScope, RevokeApiKey};
use rollbook_domain::text::Name;
use rollbook_domain::{Actor, Personal};
use rollbook_store::accounts::{ApiKeyItem, NewToken, NewTokenKind};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::operation;
use super::problem::ENDED;
use super::proof::Proof;
use super::second_factor::required::handed_on;
use crate::address::{Address, At};
use crate::auth::{Authenticated, Holder};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success, one};
use crate::problem::ApiError;
use crate::query_params::NoFilter;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let make = Body {
        schema: SchemaGenerator::subschema_for::<KeyAsked>,
        problems: &["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![
        operation(
            ("create_api_key", "post"),
            "/v1/me/api-keys",
            "Makes a key that acts for you: it reads, or it issues the commands that you name, and does not read; needs your \
             password, or a sign-in of the last 10 minutes",
            (Audience::Bearers, Some(make), Success::Json(SchemaGenerator::subschema_for::<Made>)),
            post(create),
        ),
        one("api_keys", "/v1/me/api-keys", "Your API keys, the newest first, without the keys themselves", all),
        Operation {
            address: Uuid::SCHEMAS,
            ..operation(
                ("revoke_api_key", "delete"),
                "/v1/me/api-keys/{key_id}",
                "Ends one of your API keys",
                (Audience::Bearers, None, Success::Nothing),
                delete(revoke),
            )
        },
    ]
}

/// A key to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyAsked {
    /// What you call it.
    name: Personal<Name>,
    /// `read`, or the names of commands.
    #[serde(deserialize_with = "scope")]
    scope: KeyScope,
    /// Until when it is good: within a year.
    expires_at: DateTime<Utc>,
    /// Your password. Who has none leaves it out, and has signed in within the last 10 minutes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    password: Option<SecretString>,
}

/// Reads a scope, and says what is wrong with it.
fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyScope, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be `read`, or a list of commands' names")]
    enum Given {
        Word(String),
        Names(Vec<String>),
    }
    match Given::deserialize(deserializer)? {
        Given::Word(word) if word == "read" => Ok(KeyScope::READ),
        Given::Names(names) if !names.is_empty() => {
            let names: Result<_, _> = names.iter().map(|name| CommandName::try_new(name)).collect();
            names.map(KeyScope::Commands).map_err(D::Error::custom)
        }
        Given::Word(_) | Given::Names(_) => Err(D::Error::custom("must be `read`, or a list of commands' names")),
    }
}

/// A key that was made.
#[derive(Debug, Serialize, JsonSchema)]
struct Made {
    /// The key. It is shown this once.
    key: String,
    /// How it is listed from now on.
    #[serde(flatten)]
    listed: ApiKeyItem,
}

async fn create(
    State(state): State<AppState>,
    Holder(who): Holder,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<Json<Made>, ApiError> {
    let KeyAsked { name, scope, expires_at, password } = body.read()?;
    let grounds = Proof::new(password).check(&who, client).await?;
    let (person_id, now, key_id) = (who.bearer.person, state.now(), Uuid::new_v4());
    let label: Personal<String> = name.reveal().into();
    let command = CreateApiKey { person_id, key_id, name, scope: scope.clone(), expires_at };
    state.record(who.site, Actor::Person(who.bearer.person), command, None).await?;
    let what = NewTokenKind::ApiKey(label.clone(), scope.clone());
    let epoch = who.bearer.epoch;
    let second_factor = handed_on(&who.bearer);
    let token = NewToken { id: key_id, what, second_factor, grounds, expires_at, epoch };
    let key = state.store().issue(who.site, person_id, &token, now).await?;
    let key = key.ok_or(ENDED)?;
    let listed = ApiKeyItem { key_id, name: label, scope, created_at: now, expires_at };
    Ok(Json(Made { key: key.expose_secret().to_owned(), listed }))
}

/// The caller's keys.
#[derive(Debug, Serialize, JsonSchema)]
struct ApiKeys {
    /// The newest first.
    items: Vec<ApiKeyItem>,
}

async fn all(holder: Holder, (): (), _: NoFilter) -> Result<ApiKeys, ApiError> {
    let Holder(Authenticated { site, bearer, state, .. }) = holder;
    Ok(ApiKeys { items: state.store().api_keys(site, bearer.person, bearer.epoch, state.now()).await? })
}

async fn revoke(
    State(state): State<AppState>,
    Holder(who): Holder,
    At(key_id): At<Uuid>,
) -> Result<StatusCode, ApiError> {
    let (person_id, now) = (who.bearer.person, state.now());
    let keys = state.store().api_keys(who.site, person_id, who.bearer.epoch, now).await?;
    if keys.iter().all(|key| key.key_id != key_id) {
        return Err(ApiError::not_found("API key"));
    }
    state.record(who.site, Actor::Person(who.bearer.person), RevokeApiKey { person_id, key_id }, None).await?;
    state.store().revoke(who.site, person_id, key_id, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
