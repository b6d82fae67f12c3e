//! What every request passes through: span, metrics, time limit, panics as problems, security headers. No body, no token
//! and no query string is ever logged.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use metrics::Unit;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field};

use crate::problem::ApiError;
use crate::sites::Through;

/// The most bytes that a body may have.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// How long a request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The path in spans and metrics where no route matched: the real one may hold anything.
const UNMATCHED: &str = "unmatched";

/// Puts the layers around the routes; the last one sees a request first.
pub fn around(router: Router) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(guarded))
        .layer(from_fn(observed))
}

async fn observed(request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let path = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        method,
        path,
        site = request.extensions().get::<Through>().map(|through| through.slug.as_str()),
        status = field::Empty,
        command_id = field::Empty,
        position = field::Empty
    );
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    span.record("status", status);
    span.in_scope(|| tracing::info!(elapsed_ms = elapsed.as_secs_f64() * 1000.0, "answered"));
    let labels = [("method", method), ("path", path), ("status", status.to_string())];
    metrics::histogram!("rollbook_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// Says what the metrics of this crate mean, once a recorder is there.
pub fn describe_metrics() {
    metrics::describe_histogram!(
        "rollbook_http_request_seconds",
        Unit::Seconds,
        "How long requests took, by method, route and status"
    );
    metrics::describe_gauge!("rollbook_http_subscriptions", "How many subscribers follow the log");
}

/// Ends a request that takes too long.
pub async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(TIME_LIMIT, next.run(request)).await.unwrap_or_else(|_| ApiError::TimedOut.into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(&format_args!("a panic: {}", text.unwrap_or("of unknown kind"))).into_response()
}

/// Answers are of one caller and one moment, unless they say that they may be kept; and they are data, unless they say
/// that they are a page.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}
