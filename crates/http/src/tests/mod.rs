//! The router without a database: what every request meets before a handler asks for data.

mod columns;
mod document;
mod problems;
mod routes;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use rollbook_domain::SiteId;
use rollbook_files::Files;
use rollbook_projections::Projections;
use rollbook_store::connect::pool_options;
use rollbook_store::{Clock, EventStore, Executor};
use serde_json::Value;
use tower::ServiceExt;

use crate::{AccountSettings, Installation, Limits, Setup};

/// A service whose database is not there.
pub(crate) fn unreachable() -> Installation {
    unreachable_with(Limits::default(), AccountSettings::default())
}

/// The same with limits and settings of its own.
fn unreachable_with(limits: Limits, accounts: AccountSettings) -> Installation {
    let pool = pool_options(1)
        .acquire_timeout(std::time::Duration::from_millis(50))
        .connect_lazy("postgres://nobody@127.0.0.1:1/none")
        .unwrap();
    let store = EventStore::new(pool);
    let executor = Executor::new(store.clone(), Clock::frozen("2025-01-07T09:00:00Z".parse().unwrap()));
    // No test here comes as far as a file.
    let files = Files::in_folder(&std::env::temp_dir()).unwrap();
    Installation::new(Setup { limits, accounts, ..Setup::new(executor, Projections::new(store), files) })
}

/// Sends a request; the body as JSON, null where it is none.
async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    send_to(unreachable().service(SiteId::DEFAULT), request).await
}

pub(crate) async fn send_to(router: Router, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
