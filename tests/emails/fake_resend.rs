//! A provider that keeps the contract which Resend documents: batches of at most 100, an id for each message that is taken,
//! errors by place in permissive mode and for the whole batch otherwise, and one effect for each idempotency key.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// The key that it knows.
pub const KEY: &str = "re_a_key_of_the_tests";

/// What it does with a request instead of what it should.
#[derive(Clone, Debug)]
pub enum Mood {
    /// Answers with this status, this name and this `Retry-After`, and takes nothing.
    Says(u16, &'static str, Option<u32>),
    /// Takes the batch, and cuts the connection before it answers.
    TakesAndDrops,
    /// Takes the batch, and does not answer.
    TakesAndHangs,
    /// Takes nothing, and does not answer.
    Hangs,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// As it was sent.
    pub message: Value,
}

impl Taken {
    /// Whose message it is by our own count.
    pub fn message_id(&self) -> String {
        self.message["headers"]["X-Rollbook-Message-ID"].as_str().expect("an id").to_owned()
    }

    /// To whom it goes.
    pub fn to(&self) -> String {
        self.message["to"][0].as_str().expect("an address").to_owned()
    }
}

#[derive(Debug, Default)]
struct Kept {
    moods: VecDeque<Mood>,
    /// Whether it knows no permissive mode.
    strict: bool,
    /// Addresses that it finds invalid.
    invalid: Vec<String>,
    requests: Vec<(String, String)>,
    /// By key: the payload, and the answer.
    answers: HashMap<String, (String, Value)>,
    taken: Vec<Taken>,
}

/// The provider.
#[derive(Clone, Debug)]
pub struct FakeResend {
    /// Where it listens.
    pub url: String,
    kept: Arc<Mutex<Kept>>,
    /// How many requests have come.
    arrived: Arc<watch::Sender<usize>>,
}

impl FakeResend {
    /// Starts it, on a port of its own.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Self { url, kept: Arc::default(), arrived: Arc::new(watch::Sender::new(0)) };
        let routes = Router::new().route("/emails/batch", post(batch)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        fake
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it does with the next requests.
    pub fn will(&self, moods: impl IntoIterator<Item = Mood>) {
        self.kept().moods.extend(moods);
    }

    /// It knows no permissive mode from now on.
    pub fn is_strict(&self) {
        self.kept().strict = true;
    }

    /// It finds an address invalid from now on.
    pub fn refuses(&self, address: &str) {
        self.kept().invalid.push(address.to_owned());
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Taken> {
        self.kept().taken.clone()
    }

    /// The keys and payloads of all requests, in their order.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.kept().requests.clone()
    }

    /// Waits until so many requests have come.
    pub async fn has_had(&self, requests: usize) {
        let mut arrived = self.arrived.subscribe();
        let come = arrived.wait_for(|come| *come >= requests);
        tokio::time::timeout(std::time::Duration::from_mins(2), come)
            .await
            .expect("requests come")
            .expect("it is there");
    }

    /// Takes a batch under a key, if it was not taken before; the answer.
    fn take(&self, key: &str, payload: &str, permissive: bool) -> Response {
        let mut kept = self.kept();
        if let Some((before, answer)) = kept.answers.get(key) {
            return if before == payload {
                axum::Json(answer.clone()).into_response()
            } else {
                problem(
                    409,
                    "invalid_idempotent_request",
                    "Same idempotency key used with a different request payload.",
                )
            };
        }
        let Ok(messages) = serde_json::from_str::<Vec<Value>>(payload) else {
            return problem(422, "validation_error", "The payload is no list of messages.");
        };
        if messages.is_empty() || messages.len() > 100 {
            return problem(422, "validation_error", "A batch has 1 to 100 messages.");
        }
        let (mut ids, mut errors, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (index, message) in messages.into_iter().enumerate() {
            let address = message["to"][0].as_str().unwrap_or_default();
            let whole = ["from", "subject", "text", "html"].iter().all(|field| message[field].is_string());
            if !whole || kept.invalid.iter().any(|invalid| invalid == address) {
                errors.push(json!({ "index": index, "message": format!("Invalid `to` field: {address}") }));
            } else {
                ids.push(json!({ "id": Uuid::new_v4() }));
                taken.push(Taken { message });
            }
        }
        if !errors.is_empty() && (kept.strict || !permissive) {
            return problem(422, "validation_error", errors[0]["message"].as_str().unwrap_or_default());
        }
        let answer = if errors.is_empty() { json!({ "data": ids }) } else { json!({ "data": ids, "errors": errors }) };
        kept.taken.extend(taken);
        kept.answers.insert(key.to_owned(), (payload.to_owned(), answer.clone()));
        axum::Json(answer).into_response()
    }
}

fn problem(status: u16, name: &str, message: &str) -> Response {
    let body = json!({ "statusCode": status, "name": name, "message": message });
    (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response()
}

async fn batch(State(fake): State<FakeResend>, headers: HeaderMap, payload: String) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if header("authorization") != format!("Bearer {KEY}") {
        return problem(403, "invalid_api_key", "API key is invalid");
    }
    let key = header("idempotency-key");
    if !(1..=256).contains(&key.len()) {
        return problem(400, "invalid_idempotency_key", "The key must be between 1-256 chars.");
    }
    let mood = {
        let mut kept = fake.kept();
        kept.requests.push((key.clone(), payload.clone()));
        kept.moods.pop_front()
    };
    let permissive = header("x-batch-validation") == "permissive";
    let answer = match mood {
        None => fake.take(&key, &payload, permissive),
        Some(Mood::Says(status, name, after)) => {
            let mut answer = problem(status, name, "about student@example.org");
            if let Some(seconds) = after {
                answer.headers_mut().insert("retry-after", seconds.into());
            }
            answer
        }
        Some(Mood::TakesAndDrops) => {
            fake.take(&key, &payload, permissive);
            let cut = futures::stream::once(async { Err::<String, _>(std::io::Error::other("cut")) });
            axum::body::Body::from_stream(cut).into_response()
        }
        Some(mood @ (Mood::TakesAndHangs | Mood::Hangs)) => {
            if let Mood::TakesAndHangs = mood {
                fake.take(&key, &payload, permissive);
            }
            fake.arrived.send_modify(|come| *come += 1);
            Notify::new().notified().await;
            return StatusCode::NO_CONTENT.into_response();
        }
    };
    fake.arrived.send_modify(|come| *come += 1);
    answer
}
