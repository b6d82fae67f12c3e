//! Asking another system over HTTP: in time, no further than it was told to go, and never more of an answer than makes sense.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::de::DeserializeOwned;

use crate::OidcError;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const LARGEST: usize = 512 << 10;

/// A client; why there can be none.
pub fn client() -> Result<Client, String> {
    let provider = rustls::crypto::ring::default_provider().into();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| error.to_string())?
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .user_agent(concat!("rollbook/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())
}

/// The JSON that answers a request; `refused` is what a 4xx means.
pub async fn json<T: DeserializeOwned>(request: RequestBuilder, refused: OidcError) -> Result<T, OidcError> {
    let mut response = request.send().await.map_err(|_| OidcError::Unavailable("it cannot be reached"))?;
    if response.status().is_client_error() {
        return Err(refused);
    }
    if !response.status().is_success() {
        return Err(OidcError::Unavailable("it is out of order"));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OidcError::Unavailable("its answer broke off"))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(OidcError::Unavailable("its answer is too large"));
        }
    }
    serde_json::from_slice(&body)
        .map_err(|_| OidcError::Unavailable("its answer is not of the form that it should have"))
}
