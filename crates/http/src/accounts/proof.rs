//! That it is the person, and not whoever has found an open session: what makes or takes away a way in that outlives the session asks
//! for the password anew. Who has none shows it by having signed in a moment ago. It gives no right to anything.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use chrono::TimeDelta;
use rollbook_store::accounts::Grounds;
use schemars::{JsonSchema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;

use super::hashing::Verified;
use super::password;
use super::problem::AccountProblem;
use super::second_factor::codes::{Shower, shown};
use super::sign_in::wrong_password;
use super::without_passwords::is_left_out;
use crate::auth::Authenticated;
use crate::client_address::ClientAddress;
use crate::json_body::JsonBytes;
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

/// What a request came with to show it. As a body of its own it is that of whatever takes a code, too.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The password. Who has neither one nor a second factor leaves both out, and has signed in within the last 10 minutes.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// A code of the app, or a recovery code, which is used up.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub code: Option<SecretString>,
}

impl<S: Send + Sync> FromRequest<S> for Proof {
    type Rejection = ApiError;

    /// The password alone. A body that is not declared is none.
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(Self::default());
        }
        let Given { password } = JsonBytes::from_request(request, state).await?.read()?;
        Ok(Self::new(password))
    }
}

impl Proof {
    /// A password that came in a larger body.
    pub fn new(password: Option<SecretString>) -> Self {
        Self { password, code: None }
    }

    /// Refuses whoever does not show that they are the person, by their password. What is made by it, is by these grounds.
    pub async fn check(&self, who: &Authenticated, client: ClientAddress) -> Result<Grounds, ApiError> {
        let again = || ApiError::Account(AccountProblem::SignInAgain);
        let Some(phc) = password_of(who).await? else { return signed_in_lately(who) };
        let given = self.password.as_ref().ok_or_else(again)?;
        by_password(who, client, given, phc).await
    }

    /// The same where a code will do, which whoever has a second factor and no password must show.
    pub async fn check_or_code(&self, who: &Authenticated, client: ClientAddress) -> Result<Grounds, ApiError> {
        let (state, site, person, known) = (&who.state, who.site, who.bearer.person, &*who.bearer.state);
        if let Self { password: None, code: Some(code) } = self {
            let right = shown(state, Shower { site, person, known, client, own_device: None }, code).await?;
            let grounds = Grounds { session: who.bearer.token_id, verified: None };
            return right.map(|_| grounds).ok_or(ApiError::Account(AccountProblem::WrongSecondFactor));
        }
        match (password_of(who).await?, &self.password) {
            (Some(phc), Some(given)) => by_password(who, client, given, phc).await,
            (None, _) if !known.has_second_factor() => signed_in_lately(who),
            _ => Err(ApiError::Account(AccountProblem::ProofRequired)),
        }
    }
}

/// The hash of somebody's password, if they come in by one.
async fn password_of(who: &Authenticated) -> Result<Option<SecretString>, ApiError> {
    let (state, site) = (&who.state, who.site);
    if is_left_out(state, site, &who.bearer.state).await? {
        return Ok(None);
    }
    Ok(state.store().credential(site, who.bearer.person, who.bearer.state.epochs.password).await?)
}

/// Refuses whoever has signed in longer ago than a moment: it may be somebody else by now.
fn signed_in_lately(who: &Authenticated) -> Result<Grounds, ApiError> {
    let recent = who.bearer.created_at.is_some_and(|began| who.state.now() - began < RECENT);
    let grounds = Grounds { session: who.bearer.token_id, verified: None };
    recent.then_some(grounds).ok_or(ApiError::Account(AccountProblem::SignInAgain))
}

/// Refuses a wrong password of somebody who is signed in. Guesses count as those at the page to sign in do: whoever has found an open
/// session guesses no further than whoever has none.
async fn by_password(
    who: &Authenticated,
    client: ClientAddress,
    given: &SecretString,
    phc: SecretString,
) -> Result<Grounds, ApiError> {
    let (site, account) = (who.site, who.bearer.person.to_string());
    let wrong = ApiError::Account(AccountProblem::WrongPassword);
    if password::is_too_long(given) {
        return Err(wrong);
    }
    let accounts = who.state.accounts();
    let mut place = accounts.hashing.place(site, client, account.clone())?;
    let attempt =
        accounts.limits.attempt((site, &account), client, None, who.state.now()).map_err(ApiError::Account)?;
    if place.verify(given, Some(&phc)).await? == Verified::No {
        wrong_password(&who.state, site, Some(who.bearer.person), attempt);
        return Err(wrong);
    }
    Ok(Grounds { session: who.bearer.token_id, verified: Some(phc) })
}
