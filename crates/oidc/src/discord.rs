//! Discord: OAuth without OpenID Connect. Who somebody is, is asked with the token that the code is good for.

use reqwest::Client;
use serde::Deserialize;

use crate::{OidcError, VerifiedIdentity, fetch};

/// Somebody, as Discord tells of them.
#[derive(Deserialize)]
struct Me {
    id: String,
    email: Option<String>,
    #[serde(default)]
    verified: bool,
}

/// Where its endpoints are.
pub struct Endpoints {
    pub authorization: String,
    pub token: String,
    me: String,
}

impl Endpoints {
    pub fn of(issuer: &str) -> Self {
        let base = issuer.trim_end_matches('/');
        Self {
            authorization: format!("{base}/oauth2/authorize"),
            token: format!("{base}/api/oauth2/token"),
            me: format!("{base}/api/users/@me"),
        }
    }

    /// Whom a token is of.
    pub async fn vouched(&self, client: &Client, issuer: &str, token: &str) -> Result<VerifiedIdentity, OidcError> {
        let refused = OidcError::NotVouched("Discord does not say who it is");
        let Me { id, email, verified } = fetch::json(client.get(&self.me).bearer_auth(token), refused).await?;
        Ok(VerifiedIdentity {
            issuer: issuer.to_owned(),
            subject: id,
            email: email.filter(|_| verified),
            multi_factor: false,
            said_at: None,
        })
    }
}
