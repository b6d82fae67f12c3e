//! Whether the process is alive, whether it can serve, and its metrics: for programs that watch it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rollbook_projections::engine::Status;
use rollbook_store::Position;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client_address::{FORWARDED_FOR, Peer};
use crate::operation::{Operation, Success, open};
use crate::problem::ApiError;
use crate::state::AppState;

/// Alive.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Ready.
#[derive(Debug, Serialize, JsonSchema)]
struct Readiness {
    /// `ok`.
    status: &'static str,
    /// The position of the log.
    position: Position,
}

/// The operations.
pub fn operations() -> Vec<Operation> {
    let health = Success::Json(SchemaGenerator::subschema_for::<Health>);
    let readiness = Success::Json(SchemaGenerator::subschema_for::<Readiness>);
    let text = Success::Other("text/plain");
    vec![
        open(
            "healthz",
            "/healthz",
            "Whether the process is alive",
            health,
            get(async || Json(Health { status: "ok" })),
        ),
        open("readyz", "/readyz", "Whether the service can serve", readiness, get(ready)),
        open(
            "metrics",
            "/metrics",
            "The metrics, for Prometheus: to this machine, and at the address that the operator gave them",
            text,
            get(metrics),
        ),
    ]
}

async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, Response> {
    match state.shares().readiness.of(async || looked_at(&state).await.map_err(Arc::new)).await {
        Ok(position) => Ok(Json(Readiness { status: "ok", position })),
        Err(error) => Err(error.response()),
    }
}

async fn looked_at(state: &AppState) -> Result<Position, ApiError> {
    let position = state.store().head().await?;
    let projections = state.projections().list().await?;
    match projections.into_iter().find(|projection| projection.status != Status::Live) {
        Some(stuck) => Err(ApiError::NotReady(format!("the projection {} does not go on", stuck.name))),
        None => Ok(position),
    }
}

/// The position of the log, or why the service cannot serve.
pub type Ready = Result<Position, Arc<ApiError>>;

/// For how long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);

/// An answer for those who watch over the service: made once for all who ask within a second, however many there are, for nobody
/// counts them.
#[derive(Debug)]
pub struct Watched<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Watched<T> {
    async fn of(&self, ask: impl AsyncFnOnce() -> T) -> T {
        // Whoever comes meanwhile waits for this answer.
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return answer.clone();
        }
        let answer = ask().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// A request came to the address that is for those who watch over the service.
#[derive(Clone, Copy, Debug)]
pub struct AtItsOwnAddress;

/// What proxies add to what they pass on.
const BY_PROXIES: [&str; 5] = [FORWARDED_FOR, "forwarded", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Somebody who may see how much goes on here: whoever comes to the address that is for it, and programs of this machine.
/// What a proxy passes on comes from elsewhere.
struct Watcher;

impl<S: Sync> FromRequestParts<S> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let from_here = parts.extensions.get::<Peer>().is_some_and(|Peer(peer)| peer.to_canonical().is_loopback());
        let passed_on = BY_PROXIES.iter().any(|name| parts.headers.contains_key(*name));
        if parts.extensions.get::<AtItsOwnAddress>().is_some() || (from_here && !passed_on) {
            return Ok(Self);
        }
        Err(ApiError::NotFound("metrics are told to this machine, and where ROLLBOOK_METRICS_LISTEN says".to_owned()))
    }
}

async fn metrics(State(state): State<AppState>, _: Watcher) -> Result<Response, ApiError> {
    let handle = state.metrics().ok_or_else(|| ApiError::NotFound("metrics are not kept here".to_owned()))?;
    let text = state.shares().metrics.of(async || Bytes::from(handle.render())).await;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures::future::join_all;
    use tokio::time::advance;

    use super::*;

    #[tokio::test]
    async fn metrics_are_for_this_machine_and_for_their_own_address() {
        let from = async |peer: &str, header: &str| {
            let request = axum::extract::Request::builder().extension(Peer(peer.parse().unwrap()));
            let request = if header.is_empty() { request } else { request.header(header, "x") };
            Watcher::from_request_parts(&mut request.body(()).unwrap().into_parts().0, &()).await.is_ok()
        };
        assert!(from("127.0.0.1", "").await && from("::1", "").await && from("::ffff:127.0.0.1", "").await);
        assert!(!from("192.0.2.1", "").await && !from("2001:db8::1", "").await);
        for name in BY_PROXIES {
            assert!(!from("127.0.0.1", name).await, "{name}");
        }
        let nobody = axum::extract::Request::new(()).into_parts().0;
        assert!(Watcher::from_request_parts(&mut nobody.clone(), &()).await.is_err());
        let mut own = nobody;
        own.extensions.insert(AtItsOwnAddress);
        assert!(Watcher::from_request_parts(&mut own, &()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_database_is_asked_once_for_all_who_ask_within_a_second() {
        let (watched, asked) = (Watched::default(), AtomicI64::new(0));
        let ask = async || {
            let of = async || {
                let nth = asked.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::task::yield_now().await;
                if nth == 2 { Err(Arc::new(ApiError::Unavailable)) } else { Ok(nth) }
            };
            watched.of(of).await.ok()
        };
        assert!(join_all((0..100).map(|_| ask())).await.iter().all(|answer| *answer == Some(1)));
        advance(FRESH).await;
        assert!(join_all((0..100).map(|_| ask())).await.iter().all(Option::is_none), "a bad answer, too");
        advance(FRESH).await;
        assert_eq!(ask().await, Some(3));
    }
}
