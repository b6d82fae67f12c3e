//! What every request passes through: span, metrics, time limit, panics as problems, security headers. No body, no token
//! and no query string is ever logged.

use std::any::Any;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::Unit;
use rollbook_domain::site::Slug;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field};
use uuid::Uuid;

use crate::in_flight::{Client, in_flight};
use crate::limits::{Counted, limited};
use crate::problem::ApiError;
use crate::processor::{Kind, Served};
use crate::sites::Through;

/// The most bytes that a body may have.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// How long a request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long a request that may be large may take: whoever sends a few bytes now and then does not hold it for ever.
const PATIENCE: Duration = Duration::from_mins(30);

/// A year, from each answer on: what a browser that has been here once does by itself. Not for hosts below this one, which may be
/// another's.
const OVER_TLS: &str = "max-age=31536000";

/// Who may hold a window of a page of this site, and who may load what it answers.
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What ties an answer, what the log says of it, and the client's own log together.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a request's id that is taken over.
const LONGEST_REQUEST_ID: usize = 64;

/// The path in spans and metrics where no route matched: the real one may hold anything.
const UNMATCHED: &str = "unmatched";

/// Puts the layers around the routes of a site; the last one sees a request first.
pub fn around(router: Router, counted: Counted, served: Served) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(from_fn(in_flight))
        .layer(from_fn_with_state((counted.clone(), served), limited))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(counted, kept_over_tls))
        .layer(from_fn(guarded))
        .layer(from_fn(observed))
}

async fn observed(request: Request, next: Next) -> Response {
    let method = named(request.method());
    let path = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let id = request_id(request.headers());
    let span = tracing::info_span!(
        "request",
        id,
        method,
        path,
        site = request.extensions().get::<Through>().map(|through| through.slug.as_str()),
        status = field::Empty,
        command_id = field::Empty,
        position = field::Empty
    );
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(id) = id.try_into() {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    span.record("status", status);
    span.in_scope(|| tracing::info!(elapsed_ms = elapsed.as_secs_f64() * 1000.0, "answered"));
    let labels = [("method", method.to_owned()), ("path", path), ("status", status.to_string())];
    metrics::histogram!("rollbook_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// A method by one of few names: whoever asks chooses none that is kept.
fn named(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The id that the client or a proxy gave the request, where it is one that can stand in a log; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (1..=LONGEST_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain);
    given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
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

/// Ends a request that takes too long. One that changes something is carried to its end, or to its limit, though its client goes away: between two steps
/// that belong together, such as what the log is told and the row that it tells of, nobody gives it up. Whoever only reads, and
/// goes away while they wait to, is done with.
pub async fn in_time(State(kind): State<Kind>, request: Request, next: Next) -> Response {
    let limit = if kind == Kind::Long { PATIENCE } else { TIME_LIMIT };
    let client = request.extensions().get::<Client>().cloned();
    let work = async move {
        let done = tokio::time::timeout(limit, next.run(request)).await;
        done.unwrap_or_else(|_| ApiError::TimedOut.into_response())
    };
    let work = async move {
        match client {
            Some(client) => client.answer(kind, work).await.into_response(),
            None => work.await,
        }
    };
    if kind == Kind::Read { work.await } else { to_its_end(work).await.into_response() }
}

/// Carries work to its end in a task of its own, whoever gives this up.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, ApiError> {
    tokio::spawn(work.in_current_span()).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        // The runtime ends, and this with it.
        Err(error) => ApiError::internal(&error),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(&format_args!("a panic: {}", text.unwrap_or("of unknown kind"))).into_response()
}

/// Whoever has come over TLS is told to come by nothing else for a while.
async fn kept_over_tls(State(counted): State<Counted>, request: Request, next: Next) -> Response {
    let over_tls = counted.came_over_tls(&request);
    let mut response = next.run(request).await;
    if over_tls {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(OVER_TLS));
    }
    response
}

/// What is opened by another program is given a name, by the route and never by the address, which may hold a secret.
fn file_name(media: &[u8], slug: &str, route: &str) -> Option<String> {
    let endings: [(&[u8], &str); 3] =
        [(b"text/csv", "csv"), (b"text/calendar", "ics"), (b"application/x-ndjson", "ndjson")];
    let (_, ending) = endings.into_iter().find(|(kind, _)| media.starts_with(kind))?;
    let last = route.rsplit('/').find(|part| !part.is_empty() && !part.starts_with('{'))?;
    let stem = last.split_once('.').map_or(last, |(stem, _)| stem);
    Some(format!("{slug}-{stem}.{ending}"))
}

/// Whether an answer is a stream of events.
pub fn is_of_events(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"))
}

/// Answers are of one caller and one moment, unless they say that they may be kept; and they are data, unless they say
/// that they are a page.
async fn guarded(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let slug = request.extensions().get::<Through>().map_or(Slug::DEFAULT.to_owned(), |through| through.slug.clone());
    let mut response = next.run(request).await;
    let media = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    // Routes and slugs are of letters, digits and hyphens, so that no name needs another form than this (RFC 6266).
    let name = route.and_then(|route| file_name(media, &slug, route.as_str()));
    if let Some(Ok(name)) = name.map(|name| format!("attachment; filename=\"{name}\"").try_into()) {
        response.headers_mut().entry(CONTENT_DISPOSITION).or_insert(name);
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    // A stream of events is nobody's to keep, whatever the library says of it.
    if is_of_events(headers) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // No other site's page reads an answer, or holds a window of this one's.
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_nobody_knows_has_no_name_of_its_own() {
        let method = |name: &str| named(&Method::from_bytes(name.as_bytes()).unwrap());
        assert_eq!(
            ["GET", "PATCH", "get", "BREW", &"A".repeat(30_000)].map(method),
            ["GET", "PATCH", "other", "other", "other"]
        );
    }

    #[test]
    fn a_file_is_named_by_its_route_and_by_no_secret() {
        let name = |media: &str, route| file_name(media.as_bytes(), "north", route);
        assert_eq!(name("text/csv; charset=utf-8", "/v1/cohorts/{id}/roster").unwrap(), "north-roster.csv");
        assert_eq!(name("text/calendar; charset=utf-8", "/calendar/{link}").unwrap(), "north-calendar.ics");
        assert_eq!(name("text/calendar", "/v1/cohorts/{id}/calendar.ics").unwrap(), "north-calendar.ics");
        assert_eq!(name("application/x-ndjson", "/v1/audit").unwrap(), "north-audit.ndjson");
        assert_eq!(name("application/json", "/v1/audit"), None);
    }

    #[test]
    fn a_request_keeps_the_id_that_it_came_with_unless_it_could_forge_a_log() {
        let id = |text: &'static str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(text))]));
        assert_eq!(id("web-1_a.7"), "web-1_a.7");
        for wrong in ["", "a b", "a=b", "a;b"] {
            assert_ne!(id(wrong), wrong);
        }
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }
}
