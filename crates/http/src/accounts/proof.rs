//! That it is the person, and not whoever has found an open session: what makes or takes away a way in that outlives the session asks
//! for the password anew. Who has none shows it by having signed in a moment ago. It gives no right to anything.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use chrono::TimeDelta;
use rollbook_projections::models::site_settings::settings;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;

use super::hashing::Verified;
use super::password;
use super::problem::AccountProblem;
use super::sign_in::wrong_password;
use crate::auth::Authenticated;
use crate::body::JsonBytes;
use crate::client::ClientAddress;
use crate::operation::Body;
use crate::problem::ApiError;

/// How long ago somebody may have signed in who has no password: long enough to do what they came for.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// The body of an operation that asks for nothing else.
pub const BODY: Body = Body {
    schema: SchemaGenerator::subschema_for::<Given>,
    problems: &["400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"],
    required: false,
};

/// What shows that it is you.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    /// Your password. Who has none leaves it out, and has signed in within the last 10 minutes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    password: Option<SecretString>,
}

/// The password that a request came with, if it did.
#[derive(Debug)]
pub struct Proof(Option<SecretString>);

impl<S: Send + Sync> FromRequest<S> for Proof {
    type Rejection = ApiError;

    /// A body that is not declared is none.
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(Self(None));
        }
        let Given { password } = JsonBytes::from_request(request, state).await?.read()?;
        Ok(Self(password))
    }
}

impl Proof {
    /// What came in a larger body.
    pub fn new(password: Option<SecretString>) -> Self {
        Self(password)
    }

    /// Refuses whoever does not show that they are the person.
    pub async fn check(&self, who: &Authenticated, client: ClientAddress) -> Result<(), ApiError> {
        let (state, site, person) = (&who.state, who.site, who.bearer.person);
        let (now, again) = (state.now(), || ApiError::Account(AccountProblem::SignInAgain));
        let phc = if settings(state.pool(), site).await?.password_sign_in {
            state.store().credential(site, person, who.bearer.state.epochs.password).await?
        } else {
            None
        };
        let Some(phc) = phc else {
            let recent = who.bearer.created_at.is_some_and(|began| now - began < RECENT);
            return if recent { Ok(()) } else { Err(again()) };
        };
        let given = self.0.as_ref().ok_or_else(again)?;
        refuse_wrong_password(who, client, given, Some(&phc)).await
    }
}

/// Refuses a wrong password of somebody who is signed in; without a hash of one, every password is. Guesses count as those at the
/// page to sign in do: whoever has found an open session guesses no further than whoever has none.
pub async fn refuse_wrong_password(
    who: &Authenticated,
    client: ClientAddress,
    given: &SecretString,
    phc: Option<&SecretString>,
) -> Result<(), ApiError> {
    let (site, account) = (who.site, who.bearer.person.to_string());
    let wrong = ApiError::Account(AccountProblem::WrongPassword);
    if password::is_too_long(given) {
        return Err(wrong);
    }
    let accounts = who.state.accounts();
    let mut place = accounts.hashing.place(site, client, account.clone())?;
    let attempt =
        accounts.limits.attempt((site, &account), client, None, who.state.now()).map_err(ApiError::Account)?;
    if place.verify(given, phc).await? == Verified::No {
        wrong_password(&who.state, site, Some(who.bearer.person), attempt);
        return Err(wrong);
    }
    Ok(())
}
