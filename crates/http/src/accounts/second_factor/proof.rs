//! That somebody who is signed in is still who they are: what changes their second factors asks for their password or a code again.
//! An open session is not enough.

use rollbook_domain::person::Person;
use rollbook_domain::{PersonId, SiteId};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::codes::{Shower, shown};
use crate::accounts::hashing::Verified;
use crate::accounts::password;
use crate::accounts::problem::AccountProblem;
use crate::auth::Authenticated;
use crate::client::ClientAddress;
use crate::problem::ApiError;
use crate::state::AppState;

/// What shows it: one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The password.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretString>,
    /// A code of the app, or a recovery code, which is used up.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub code: Option<SecretString>,
}

/// Refuses whoever does not show it. Who has neither a password nor a second factor has nothing to show: another system lets them in.
pub async fn refuse_unproved(
    state: &AppState,
    who: &Authenticated,
    client: ClientAddress,
    proof: &Proof,
) -> Result<(), ApiError> {
    let (site, person, known) = (who.site, who.bearer.person, &*who.bearer.state);
    match proof {
        Proof { password: Some(given), .. } => by_password(state, (site, person, known), client, given).await,
        Proof { code: Some(code), .. } => {
            let right = shown(state, Shower { site, person, known, client, own_device: None }, code).await?;
            right.map(drop).ok_or(ApiError::Account(AccountProblem::WrongSecondFactor))
        }
        Proof { password: None, code: None } => {
            let has_password = state.store().credential(site, person, known.epochs.password).await?.is_some();
            if has_password || known.has_second_factor() {
                Err(ApiError::Account(AccountProblem::ProofRequired))
            } else {
                Ok(())
            }
        }
    }
}

/// Whoever has found an open session guesses no further than whoever has none.
async fn by_password(
    state: &AppState,
    (site, person, known): (SiteId, PersonId, &Person),
    client: ClientAddress,
    given: &SecretString,
) -> Result<(), ApiError> {
    let wrong = ApiError::Account(AccountProblem::WrongPassword);
    if password::is_too_long(given) {
        return Err(wrong);
    }
    let (accounts, account) = (state.accounts(), person.to_string());
    let mut place = accounts.hashing.place(site, client, account.clone())?;
    let attempt = accounts.limits.attempt((site, &account), client, None, state.now()).map_err(ApiError::Account)?;
    let phc = state.store().credential(site, person, known.epochs.password).await?;
    if place.verify(given, phc.as_ref()).await? == Verified::No {
        attempt.fail();
        return Err(wrong);
    }
    Ok(())
}
