//! Whether the process is alive, whether it can serve, and its metrics: for programs that watch it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rollbook_projections::engine::Status;
use rollbook_store::Position;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

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
        open("metrics", "/metrics", "The metrics, for Prometheus", text, get(metrics)),
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

/// What the database said of whether the service can serve: asked once for all who ask within a second, however many there
/// are, for nobody counts them.
#[derive(Debug, Default)]
pub struct Readinesses(Mutex<Option<(Instant, Ready)>>);

/// The position of the log, or why the service cannot serve.
type Ready = Result<Position, Arc<ApiError>>;

/// For how long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);

impl Readinesses {
    async fn of(&self, ask: impl AsyncFnOnce() -> Ready) -> Ready {
        // Whoever comes meanwhile waits for this answer.
        let mut last = self.0.lock().await;
        if let Some((_, ready)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return ready.clone();
        }
        let ready = ask().await;
        *last = Some((Instant::now(), ready.clone()));
        ready
    }
}

async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let handle = state.metrics().ok_or_else(|| ApiError::NotFound("metrics are not kept here".to_owned()))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures::future::join_all;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_database_is_asked_once_for_all_who_ask_within_a_second() {
        let (readinesses, asked) = (Readinesses::default(), AtomicI64::new(0));
        let ask = async || {
            let of = async || {
                let nth = asked.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::task::yield_now().await;
                if nth == 2 { Err(Arc::new(ApiError::Unavailable)) } else { Ok(nth) }
            };
            readinesses.of(of).await.ok()
        };
        assert!(join_all((0..100).map(|_| ask())).await.iter().all(|answer| *answer == Some(1)));
        advance(FRESH).await;
        assert!(join_all((0..100).map(|_| ask())).await.iter().all(Option::is_none), "a bad answer, too");
        advance(FRESH).await;
        assert_eq!(ask().await, Some(3));
    }
}
