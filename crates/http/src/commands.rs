//! The commands: one route each, one handler for all. What a command means is the domain's.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rollbook_domain::{Command, SiteId};
use rollbook_store::{Receipt, Request};
use schemars::SchemaGenerator;
use tracing::Span;
use tracing::field::display;

use crate::accounts::refuse_last_way_in;
use crate::auth::Authenticated;
use crate::headers::Metadata;
use crate::json_body::JsonBytes;
use crate::operation::{Audience, Operation, Success};
use crate::problem::ApiError;
use crate::state::AppState;
use crate::uploads;

/// The commands of thousands of rows: decided in turns, like files of rows.
const IMPORTS: [&str; 2] = ["ImportRoster", "ImportAttendance"];

/// An operation for every command that clients may send.
pub fn operations() -> Vec<Operation> {
    Command::NAMES.iter().map(|name| operation(name)).collect()
}

fn operation(name: &'static str) -> Operation {
    let handler = move |state: State<AppState>, who: Authenticated, metadata: Metadata, body: JsonBytes| {
        execute(name, state, who, metadata, body)
    };
    Operation {
        id: name,
        method: "post",
        path: format!("/v1/commands/{name}"),
        summary: summary(name),
        audience: Audience::Bearers,
        address: &[],
        query: Vec::new(),
        headers: &[],
        command: Some(name),
        body: None,
        upload: &[],
        success: Success::Json(SchemaGenerator::subschema_for::<Receipt>),
        takes_long: IMPORTS.contains(&name),
        route: post(handler),
    }
}

async fn execute(
    name: &'static str,
    State(state): State<AppState>,
    who: Authenticated,
    metadata: Metadata,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let mut command = body.command(name)?;
    if command.is_of_the_registry() && who.site != SiteId::DEFAULT {
        return Err(ApiError::NotFound("there is nothing at this path".to_owned()));
    }
    attach(&state, who.site, &mut command).await?;
    refuse_last_way_in(&state, &who, &command).await?;
    let turn = if IMPORTS.contains(&name) { Some(state.shares().importing(who.site).await?) } else { None };
    let Metadata { command_id, if_match, correlation_id } = metadata;
    let (site, actor, of_the_registry) = (who.site, who.actor(&command), command.is_of_the_registry());
    let request = Request { site, actor, command, command_id, if_match, correlation_id };
    let receipt = state.write(&who.writer(), body.len(), request).await?;
    if let Some(turn) = turn {
        state.held_until_reached(turn, receipt.position);
    }
    if of_the_registry {
        state.sites_changed(receipt.position).await;
    }
    let span = Span::current();
    span.record("command_id", display(receipt.command_id)).record("position", receipt.position);
    Ok(Json(receipt).into_response())
}

/// Finds the upload that a command names. Whether it needs one that is not there is for the domain to say, after it has
/// looked at who asks.
async fn attach(state: &AppState, site: SiteId, command: &mut Command) -> Result<(), ApiError> {
    let Some(upload) = command.upload() else { return Ok(()) };
    match uploads::resolve(state, site, upload.0).await {
        Ok(file) => command.attach(file),
        Err(ApiError::Invalid(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// `MarkAttendance` → `Mark attendance`.
fn summary(name: &str) -> String {
    let mut words = String::new();
    for (place, letter) in name.char_indices() {
        if place > 0 && letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}
