//! Files of rosters and registers: read here, decided by the commands that import them. A preview and the import are one
//! request with and without `commit`, so that they cannot differ in anything but the facts of the moment.

mod upload;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::routing::{MethodRouter, post};
use rollbook_domain::cohort::{ImportAttendance, ImportRoster, ImportedRow};
use rollbook_domain::{CohortId, Command};
use rollbook_import::{
    FileError, Limits, MAX_FILE_BYTES, ONEROSTER_FILES, Report, RosterFile, read_attendance, read_oneroster,
    read_roster, unzip,
};
use rollbook_store::Request as CommandRequest;
use rollbook_turns::Turn;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use tracing::Span;
use tracing::field::display;

use self::upload::{CSV, Upload, ZIP};
use crate::address::{Address, At};
use crate::auth::{Admin, Caller};
use crate::headers::Metadata;
use crate::operation::{Audience, Header, Operation, Success};
use crate::problem::{ApiError, FieldError};
use crate::processor::computed;
use crate::query_params::QueryParams;
use crate::state::AppState;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation {
            query: vec![RosterAsked::json_schema],
            upload: &[CSV, ZIP],
            audience: Audience::Admins,
            ..operation(
                "import_roster",
                "roster",
                "Imports a roster, CSV or a OneRoster ZIP, or shows what that would do",
                post(roster),
            )
        },
        operation(
            "import_attendance",
            "attendance",
            "Imports attendance, a week a column or a mark a row, or shows what that would do",
            post(attendance),
        ),
    ]
}

fn operation(id: &'static str, what: &str, summary: &str, route: MethodRouter<AppState>) -> Operation {
    Operation {
        id,
        method: "post",
        path: format!("/v1/cohorts/{{cohort_id}}/{what}-import"),
        summary: summary.to_owned(),
        audience: Audience::Bearers,
        address: CohortId::SCHEMAS,
        query: vec![AttendanceAsked::json_schema],
        headers: &[KEY],
        command: None,
        body: None,
        upload: &[CSV],
        success: Success::Json(SchemaGenerator::subschema_for::<Report>),
        takes_long: true,
        route: route.layer(DefaultBodyLimit::max(MAX_FILE_BYTES)),
    }
}

const KEY: Header = Header {
    name: "Idempotency-Key",
    pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    description: "The id of the command that imports: the same key and file again give the same answer, and do nothing more.",
};

/// How a roster is imported.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RosterAsked {
    /// Do it; otherwise it is a preview.
    #[serde(default)]
    commit: bool,
    /// The `sourcedId` of the class, where a OneRoster export has several.
    #[schemars(length(min = 1, max = 200))]
    class: Option<String>,
}

/// How attendance is imported.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AttendanceAsked {
    /// Do it; otherwise it is a preview.
    #[serde(default)]
    commit: bool,
}

async fn roster(
    State(state): State<AppState>,
    Admin(caller): Admin,
    At(cohort_id): At<CohortId>,
    asked: QueryParams,
    metadata: Metadata,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    let RosterAsked { commit, class } = asked.filter()?;
    let upload = Upload::receive(request, &[CSV, ZIP], "text/csv or application/zip").await?;
    if class.is_some() && upload.media != ZIP {
        return Err(ApiError::Invalid(vec![FieldError::parameter("class", "is for a OneRoster ZIP")]));
    }
    let bytes = upload.whole.bytes.len();
    let turn = state.shares().importing(caller.site).await?;
    let file = read(move || whichever(&upload, class.as_deref())).await?;
    let caller = caller.again().await?;
    let command = ImportRoster { cohort_id, rows: file.rows.clone() };
    import(&state, &caller, turn, commit.then_some((metadata, bytes)), command.into(), |rows| file.report(rows)).await
}

fn whichever(upload: &Upload, class: Option<&str>) -> Result<RosterFile, FileError> {
    if upload.media == ZIP {
        read_oneroster(&unzip(&upload.whole.bytes, ONEROSTER_FILES, &Limits::default())?, class)
    } else {
        read_roster(&upload.whole.bytes)
    }
}

async fn attendance(
    State(state): State<AppState>,
    caller: Caller,
    At(cohort_id): At<CohortId>,
    asked: QueryParams,
    metadata: Metadata,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    let AttendanceAsked { commit } = asked.filter()?;
    caller.takes_attendance(cohort_id)?;
    let upload = Upload::receive(request, &[CSV], CSV).await?;
    let bytes = upload.whole.bytes.len();
    let turn = state.shares().importing(caller.site).await?;
    let file = read(move || read_attendance(&upload.whole.bytes)).await?;
    let caller = caller.again().await?;
    caller.takes_attendance(cohort_id)?;
    let command = ImportAttendance { cohort_id, marks: file.marks.clone() };
    import(&state, &caller, turn, commit.then_some((metadata, bytes)), command.into(), |rows| file.report(rows)).await
}

/// Reads a file where that holds nobody else up.
async fn read<T: Send + 'static>(read: impl FnOnce() -> Result<T, FileError> + Send + 'static) -> Result<T, ApiError> {
    computed(read).await?.map_err(ApiError::File)
}

/// Carries a command out if it is to be committed, with the metadata and the size that it came with; shows what it would do if not.
async fn import(
    state: &AppState,
    caller: &Caller,
    turn: Turn,
    commit: Option<(Metadata, usize)>,
    command: Command,
    report: impl FnOnce(Vec<ImportedRow>) -> Report,
) -> Result<Json<Report>, ApiError> {
    let (site, actor) = (caller.site, caller.who.actor(&command));
    let Some((Metadata { command_id, if_match, correlation_id }, bytes)) = commit else {
        return Ok(Json(report(state.executor().preview(site, actor, command).await?.rows)));
    };
    let request = CommandRequest { site, actor, command, command_id, if_match, correlation_id };
    let receipt = state.write(&caller.who.writer(), bytes, request).await?;
    state.held_until_reached(turn, receipt.position);
    Span::current().record("command_id", display(receipt.command_id)).record("position", receipt.position);
    Ok(Json(report(receipt.rows).committed(receipt.command_id, receipt.position)))
}
