//! The caller's own address, changed by whoever shows that it is them: a link to set another password goes there.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rollbook_domain::person::ChangeEmail;
use rollbook_domain::text::NewEmail;
use rollbook_domain::{Actor, Personal};
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;

use super::operation;
use super::proof::Proof;
use crate::auth::{Admin, Caller, refuse_programs};
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Body, Operation, Success};
use crate::problem::ApiError;
use crate::state::AppState;

/// The operation.
pub fn operations() -> Vec<Operation> {
    let change = Body {
        schema: SchemaGenerator::subschema_for::<AddressAsked>,
        problems: &["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"],
        required: true,
    };
    vec![operation(
        ("change_email", "post"),
        "/v1/me/email",
        "Changes your own address; needs your password, or a sign-in of the last 10 minutes",
        (Audience::Admins, Some(change), Success::Nothing),
        post(change_email),
    )]
}

/// Another address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddressAsked {
    /// The one from now on. The one until now is told of it.
    email: Personal<NewEmail>,
    /// Your password. Who has none leaves it out, and has signed in within the last 10 minutes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    password: Option<SecretString>,
}

async fn change_email(
    State(state): State<AppState>,
    Admin(Caller { who, .. }): Admin,
    client: ClientAddress,
    body: JsonBytes,
) -> Result<StatusCode, ApiError> {
    refuse_programs(&who.bearer)?;
    let who = who.at_home()?;
    let AddressAsked { email, password } = body.read()?;
    Proof::new(password).check(&who, client).await?;
    let person_id = who.bearer.person;
    state.record(who.site, Actor::Person(person_id), ChangeEmail { person_id, email }, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
