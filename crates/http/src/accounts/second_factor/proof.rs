//! That somebody who is signed in is still who they are: what changes their second factors asks for their password or a code again.
//! An open session is not enough.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::codes::{Shower, shown};
use crate::accounts::problem::AccountProblem;
use crate::accounts::proof::refuse_wrong_password;
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
    let credential = || state.store().credential(site, person, known.epochs.password);
    match proof {
        Proof { password: Some(given), .. } => {
            refuse_wrong_password(who, client, given, credential().await?.as_ref()).await
        }
        Proof { code: Some(code), .. } => {
            let right = shown(state, Shower { site, person, known, client, own_device: None }, code).await?;
            right.map(drop).ok_or(ApiError::Account(AccountProblem::WrongSecondFactor))
        }
        Proof { password: None, code: None } => {
            if credential().await?.is_some() || known.has_second_factor() {
                Err(ApiError::Account(AccountProblem::ProofRequired))
            } else {
                Ok(())
            }
        }
    }
}
