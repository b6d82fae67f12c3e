//! Resend's HTTP API, as documented: up to 100 messages a request, each valid one taken although others are not, and the same
//! request under the same key taken once within 24 hours. The key to the API is in no log line and no error.

use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Fate, discreet};
use crate::config::{ConfigError, Secret};
use crate::letter::{Letter, one_line};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The API, with the key in every request.
#[derive(Debug)]
pub struct Resend {
    client: Client,
    batches: Url,
}

/// What the API says when it takes a batch: an id for each message that it takes, in their order, and why it takes the others
/// not.
#[derive(Deserialize)]
struct Taken {
    data: Vec<Id>,
    #[serde(default)]
    errors: Vec<Refused>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Refused {
    index: usize,
    message: String,
}

/// What the API says otherwise.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    name: String,
    message: String,
}

impl Resend {
    pub fn try_new(api: &Url, key: &Secret) -> Result<Self, ConfigError> {
        let mut key =
            HeaderValue::try_from(format!("Bearer {}", key.reveal())).map_err(|_| ConfigError::BadResendKey)?;
        key.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, key)]);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-batch-validation", HeaderValue::from_static("permissive"));
        let tls = |error: &dyn std::fmt::Display| ConfigError::Tls(error.to_string());
        let provider = rustls::crypto::ring::default_provider().into();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| tls(&error))?
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .default_headers(headers)
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("rollbook/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| tls(&error))?;
        let mut batches = api.clone();
        let path = format!("{}/emails/batch", api.path().trim_end_matches('/'));
        batches.set_path(&path);
        Ok(Self { client, batches })
    }

    pub async fn deliver(&self, batch: Uuid, payload: String) -> Answer {
        let request = self.client.post(self.batches.clone()).header("Idempotency-Key", batch.to_string());
        let response = match request.body(payload).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                let why = "Resend cannot be reached".to_owned();
                return Answer::Later { why, after: None, everybody: true };
            }
            Err(error) => {
                let why = if error.is_timeout() { "Resend did not answer in time" } else { "Resend did not answer" };
                return Answer::Unknown { why: why.to_owned(), after: None };
            }
        };
        let (status, after) = (response.status(), retry_after(response.headers()));
        match response.text().await {
            Ok(body) => answer(status, after, &body),
            // What the status says alone is known of a refusal; of a taken batch, the same request will tell.
            Err(_) if status.is_success() => Answer::Unknown { why: "Resend's answer broke off".to_owned(), after },
            Err(_) => answer(status, after, ""),
        }
    }
}

/// A message as the API takes it.
pub fn part(letter: &Letter, from: &Mailbox) -> Value {
    json!({
        "from": from.to_string(),
        "to": [letter.email.as_str()],
        "subject": one_line(letter.subject.as_str()),
        "text": letter.text.as_str(),
        "html": letter.html.as_str(),
        "headers": { "X-Rollbook-Message-ID": letter.message_id },
    })
}

/// What an answer says of the messages.
fn answer(status: StatusCode, after: Option<Duration>, body: &str) -> Answer {
    if status.is_success() {
        return match serde_json::from_str(body) {
            Ok(taken) => Answer::Each(fates(taken)),
            Err(_) => Answer::Unknown { why: "Resend's answer cannot be read".to_owned(), after },
        };
    }
    let problem: Problem = serde_json::from_str(body).unwrap_or_default();
    let why = discreet(&format!("Resend says {} {}: {}", status.as_u16(), problem.name, problem.message));
    match (status, problem.name.as_str()) {
        (StatusCode::CONFLICT, "invalid_idempotent_request") => Answer::Contradicted { why },
        // Another request under this key is under way.
        (StatusCode::CONFLICT | StatusCode::REQUEST_TIMEOUT, _) => Answer::Unknown { why, after },
        // The sender is wrong, not a message.
        (_, "invalid_from_address") => Answer::Later { why, after, everybody: true },
        (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE, _) => {
            Answer::Refused { why }
        }
        // Too many requests, or a key, a domain or an address of the API that somebody has to put right.
        (status, _) if !status.is_server_error() => Answer::Later { why, after, everybody: true },
        _ => Answer::Unknown { why, after },
    }
}

/// The fates of a batch's messages, in their order.
fn fates(Taken { data, errors }: Taken) -> Vec<Fate> {
    let mut ids = data.into_iter();
    (0..ids.len() + errors.len())
        .map(|index| match errors.iter().find(|refused| refused.index == index) {
            Some(Refused { index: _, message }) => Fate::Refused { why: discreet(&format!("Resend says: {message}")) },
            None => Fate::Taken { id: ids.next().map(|Id { id }| id) },
        })
        .collect()
}

/// How long the API asks to wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, name: &str) -> Answer {
        let body = json!({ "statusCode": status, "name": name, "message": "about anna@example.org" });
        answer(StatusCode::from_u16(status).unwrap(), Some(Duration::from_secs(3)), &body.to_string())
    }

    #[test]
    fn each_answer_says_whether_anything_was_taken() {
        for (status, name) in [(400, "validation_error"), (422, "invalid_parameter"), (413, "")] {
            assert!(matches!(said(status, name), Answer::Refused { .. }), "{status} {name}");
        }
        let later = [
            (429, "rate_limit_exceeded"),
            (429, "daily_quota_exceeded"),
            (401, "missing_api_key"),
            (403, "invalid_api_key"),
            (403, "validation_error"),
            (404, "not_found"),
            (422, "invalid_from_address"),
        ];
        for (status, name) in later {
            assert!(matches!(said(status, name), Answer::Later { everybody: true, .. }), "{status} {name}");
        }
        for (status, name) in [(409, "concurrent_idempotent_requests"), (500, "application_error"), (503, "")] {
            assert!(matches!(said(status, name), Answer::Unknown { .. }), "{status} {name}");
        }
        assert!(matches!(said(409, "invalid_idempotent_request"), Answer::Contradicted { .. }));
    }

    #[test]
    fn what_is_said_keeps_addresses_to_itself() {
        let Answer::Refused { why } = said(422, "validation_error") else { panic!("a refusal") };
        assert_eq!(why, "Resend says 422 validation_error: about …@…");
    }

    #[test]
    fn ids_and_errors_are_told_apart_by_their_places() {
        let body = json!({ "data": [{ "id": "a" }, { "id": "c" }], "errors": [{ "index": 1, "message": "bad" }] });
        let taken = |id: &str| Fate::Taken { id: Some(id.to_owned()) };
        let refused = Fate::Refused { why: "Resend says: bad".to_owned() };
        let fates = Answer::Each(vec![taken("a"), refused, taken("c")]);
        assert_eq!(answer(StatusCode::OK, None, &body.to_string()), fates);
        assert!(matches!(answer(StatusCode::OK, None, "<html>"), Answer::Unknown { .. }));
    }
}
