//! The HTTP contract over commands and read models: it parses, executes, answers, and never decides a rule.
//!
//! Every operation is one value of `operation::Operation`; the router and the OpenAPI document are made from the same
//! list of them, so that neither knows a route that the other does not.

mod accounts;
mod address;
mod as_of;
mod at_once;
mod audit;
mod auth;
mod calendar;
mod client_address;
mod cohorts;
mod commands;
mod connections;
mod csv;
mod docs;
mod emails;
mod enrolments;
mod events;
mod files;
mod headers;
mod health;
mod hubs;
mod imports;
mod in_flight;
mod json_body;
mod layers;
mod limits;
mod marking_queue;
mod me;
mod meter;
mod modules;
mod openapi;
mod operation;
mod parked;
mod people;
mod problem;
mod processor;
mod projections;
mod query_params;
mod report;
mod response_format;
mod room;
mod shares;
mod sites;
mod state;
mod subscriptions;
mod syllabus;
#[cfg(test)]
mod tests;
mod until_its_end;
pub mod uploads;
mod visibility;
mod written;

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::middleware::from_fn_with_state;
use serde_json::Value;

pub(crate) use crate::layers::BODY_LIMIT_BYTES;
use crate::limits::Counted;
use crate::operation::Operation;
use crate::problem::ApiError;
use crate::processor::Served;

pub use crate::accounts::AccountSettings;
pub use crate::calendar::path as calendar_path;
pub use crate::client_address::TrustedProxies;
pub use crate::connections::serve;
pub use crate::csv::{Sheet, disarmed};
pub use crate::limits::Limits;
pub use crate::problem::{FieldError, Problem};
pub use crate::report::{page as report_page, sheet as report_sheet};
pub use crate::room::Room;
pub use crate::sites::{
    Deliver, Delivery, Installation, OwnSite, SetUpError, Setup, SiteDatabases, UnknownHosts, ensure_owner,
};
pub use crate::state::AppState;

/// Every operation, in the order of the documentation.
fn operations() -> Vec<Operation> {
    [
        commands::operations(),
        accounts::operations(),
        me::operations(),
        people::operations(),
        modules::operations(),
        cohorts::operations(),
        syllabus::operations(),
        calendar::operations(),
        uploads::operations(),
        imports::operations(),
        report::operations(),
        emails::operations(),
        hubs::operations(),
        enrolments::operations(),
        marking_queue::operations(),
        audit::operations(),
        events::operations(),
        subscriptions::operations(),
        projections::operations(),
        parked::operations(),
        health::operations(),
        sites::operations(),
        openapi::operations(),
        docs::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How long the clean-up of one site may take: sites are cleaned up one after the other, and a database that answers slowly
/// is not to keep the others waiting.
const CLEAN_UP_AT_MOST: Duration = Duration::from_mins(5);

/// Takes away a site's uploads that nobody used, and what has run out of its accounts.
pub async fn clean_up(state: &AppState) {
    if tokio::time::timeout(CLEAN_UP_AT_MOST, take_away(state)).await.is_err() {
        tracing::warn!(site = %state.site(), "the clean-up took too long, and was broken off");
    }
}

async fn take_away(state: &AppState) {
    let site = state.site();
    match uploads::clean_up(state).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(%site, count, "abandoned uploads were taken away"),
        Err(error) => tracing::warn!(%site, %error, "abandoned uploads could not be taken away"),
    }
    match state.store().clean_up_accounts(site, state.now()).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(%site, count, "what had run out of accounts was taken away"),
        Err(error) => tracing::warn!(%site, %error, "what has run out of accounts could not be taken away"),
    }
}

/// The OpenAPI 3.1 document.
pub fn document() -> Value {
    openapi::document(&operations())
}

/// Says what the service's metrics mean, once a recorder is there: what `/metrics` explains.
pub fn describe_metrics() {
    layers::describe_metrics();
    rollbook_store::append::describe_metrics();
    rollbook_store::transaction::describe_metrics();
    rollbook_projections::engine::describe_metrics();
}

/// The document as it is served, the same for every site.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));

/// The routes of one site with everything around them. [`Installation::router`] is before them, listening and shutting down
/// are the binary's.
fn service(state: AppState, counted: Counted) -> Router {
    let served = Served { site: state.site(), own_database: state.has_own_database() };
    let operations = operations();
    let routes = operations.into_iter().fold(Router::new(), |router, operation| {
        let kind = operation.kind();
        router.route(&operation.path, operation.route.layer(from_fn_with_state(kind, layers::in_time)))
    });
    let service = routes
        .merge(docs::parts())
        .merge(accounts::parts())
        .fallback(async || ApiError::NotFound("there is nothing at this path".to_owned()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(Extension(openapi::Served(DOCUMENT.clone())))
        .with_state(state);
    layers::around(service, counted, served)
}
