//! Whether the process is alive, whether it can serve, and its metrics: for programs that watch it.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rollbook_projections::engine::Status;
use rollbook_store::Position;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

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

async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, ApiError> {
    let position = state.store().head().await?;
    let projections = state.projections().list().await?;
    match projections.into_iter().find(|projection| projection.status != Status::Live) {
        Some(stuck) => Err(ApiError::NotReady(format!("the projection {} does not go on", stuck.name))),
        None => Ok(Json(Readiness { status: "ok", position })),
    }
}

async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let handle = state.metrics().ok_or_else(|| ApiError::NotFound("metrics are not kept here".to_owned()))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}
