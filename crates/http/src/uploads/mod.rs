//! Uploads: a file comes in before the command that uses it, and can be looked at by whoever sent it. What becomes of it
//! is the command's business; what nobody uses is taken away after a day.

mod clean_up;

use std::pin::pin;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::TimeDelta;
use rollbook_domain::SiteId;
use rollbook_domain::file::StoredFile;
use rollbook_files::{CheckedFile, ExamineError, Examined, FileName, LIMIT_BYTES, ReceiveError, Received, Unfit};
use rollbook_store::uploads::{Upload, Uploaded};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::address::At;
use crate::auth::Caller;
use crate::files;
use crate::headers::single;
use crate::operation::{Audience, Operation, Success};
use crate::problem::{ApiError, FieldError};
use crate::query_params::QueryParams;
use crate::state::AppState;

pub use clean_up::clean_up;

/// For how long a command may use an upload.
const USABLE: TimeDelta = TimeDelta::hours(24);

/// The most files, and bytes, that one person and one site upload in the time for which uploads are usable: a year's material of a
/// course, and of a school.
const OF_PERSON: Uploaded = Uploaded { files: 500, bytes: 2 << 30 };
const OF_SITE: Uploaded = Uploaded { files: 5_000, bytes: 20 << 30 };

/// How long somebody waits who has uploaded that much.
const LATER: Duration = Duration::from_hours(1);

/// What bytes are that say themselves what they are.
const BYTES: &str = "application/octet-stream";

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation {
            id: "upload",
            method: "post",
            path: "/v1/uploads".to_owned(),
            summary: "Uploads a file, at most 50 MiB, for a command to use within 24 hours; its content must be what \
                its name's extension says"
                .to_owned(),
            audience: Audience::Bearers,
            address: &[],
            query: vec![Named::json_schema],
            headers: &[],
            command: None,
            body: None,
            upload: &[BYTES],
            success: Success::Json(SchemaGenerator::subschema_for::<UploadedFile>),
            takes_long: true,
            route: post(upload),
        },
        Operation {
            id: "uploaded_file",
            method: "get",
            path: "/v1/uploads/{upload_id}/file".to_owned(),
            summary: "A file that you uploaded within the last 24 hours, whole or in part".to_owned(),
            audience: Audience::Bearers,
            address: &[SchemaGenerator::subschema_for::<Uuid>],
            query: vec![files::FileAsked::json_schema],
            headers: &[],
            command: None,
            body: None,
            upload: &[],
            success: Success::Other(BYTES),
            takes_long: false,
            route: get(uploaded),
        },
    ]
}

/// How a file is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The file's name with its extension: `.pdf`, `.doc`, `.docx`, `.ppt`, `.pptx`, `.png`, `.jpg`, `.jpeg`, `.gif` or
    /// `.webp`. At most 200 characters, not counting folders, which are left out.
    name: String,
}

/// A file that was uploaded.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Uploaded")]
struct UploadedFile {
    /// What a command names it by.
    upload_id: Uuid,
    /// What it is for: `document` or `image`.
    kind: String,
    /// What it is called, as it will be shown.
    name: String,
    /// How many bytes it has.
    size: u64,
    /// Of its bytes, in hexadecimal.
    sha256: String,
    /// What its bytes say that it is.
    media_type: String,
}

/// The file of an upload, for a command that names it in its `content`: one that never was, is too old, or is another
/// site's, is refused.
pub async fn resolve(state: &AppState, site: SiteId, upload: Uuid) -> Result<StoredFile, ApiError> {
    let found = state.store().upload(site, upload, state.now() - USABLE).await?;
    let refused = || {
        let detail = "is no upload of the last 24 hours; upload the file again";
        ApiError::Invalid(vec![FieldError::body("/content", detail)])
    };
    let Upload { id, file, .. } = found.ok_or_else(refused)?;
    // What is wrong here must not come into the log.
    Ok(CheckedFile::try_new(site, id, file)?.stored().clone())
}

async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    asked: QueryParams,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadedFile>, ApiError> {
    refuse_no_uploader(&caller)?;
    let Named { name } = asked.filter()?;
    let parameter = |error: &dyn std::fmt::Display| FieldError::parameter("name", error.to_string());
    let name = FileName::try_new(&name).map_err(|error| ApiError::Invalid(vec![parameter(&error)]))?;
    // Forms wrap what they send; the wrapping would be taken for the file.
    if single(&headers, CONTENT_TYPE.as_str())?.is_some_and(|declared| declared.trim_start().starts_with("multipart/"))
    {
        return Err(ApiError::WrongMedia(BYTES));
    }
    if body.size_hint().lower() > LIMIT_BYTES {
        return Err(ApiError::UploadTooLarge);
    }
    let uploading = state.shares().uploading(caller.site, caller.reader.person)?;
    state.shares().room.is_left()?;
    refuse_too_much(&state, &caller).await?;
    let received = Received::receive(pin!(uploading.paced(body))).await?;
    // It has taken its time, and others theirs.
    state.shares().room.is_left()?;
    let examined = state.examiner().examine(caller.site, received, name.format()).await?;
    // A file may be a long time coming, and in the line of those that are looked into.
    let caller = caller.again().await?;
    refuse_no_uploader(&caller)?;
    let id = Uuid::new_v4();
    let file = CheckedFile::describe(caller.site, id, &name, &examined);
    let upload = Upload { id, file: file.stored().clone(), by: caller.reader.person };
    let kind = name.format().kind();
    // The caller may go away; what has been begun is ended nevertheless.
    let kept = tokio::spawn(keep(state, caller.site, upload, file.clone(), examined));
    kept.await.map_err(|error| ApiError::internal(&error))??;
    let StoredFile { name, size, sha256, media_type, .. } = file.stored().clone();
    Ok(Json(UploadedFile { upload_id: id, kind: kind.as_str().to_owned(), name, size, sha256, media_type }))
}

fn refuse_no_uploader(caller: &Caller) -> Result<(), ApiError> {
    let may = caller.reader.uploads();
    may.then_some(()).ok_or(ApiError::Forbidden("only owners, admins and instructors may upload files"))
}

/// Refuses whoever has uploaded as much as they may, or whose site has. Those who upload at once may go beyond it by what they
/// may upload at once.
async fn refuse_too_much(state: &AppState, caller: &Caller) -> Result<(), ApiError> {
    let since = state.now() - USABLE;
    let (person, site) = state.store().uploaded_since(caller.site, caller.reader.person, since).await?;
    let is_full = |uploaded: Uploaded, most: Uploaded| uploaded.files >= most.files || uploaded.bytes >= most.bytes;
    if is_full(person, OF_PERSON) || is_full(site, OF_SITE) {
        return Err(ApiError::TooMuchToday { wait: LATER });
    }
    Ok(())
}

async fn keep(
    state: AppState,
    site: SiteId,
    upload: Upload,
    file: CheckedFile,
    examined: Examined,
) -> Result<(), ApiError> {
    let (store, files) = (state.store(), state.files());
    store.begin_upload(site, &upload, file.format().kind().as_str(), state.now()).await?;
    if let Err(error) = files.keep(&file, examined).await {
        let refused = error.into();
        // What cannot be taken away now, the clean-up finds by its row.
        files.remove(&file).await?;
        store.forget_upload(site, upload.id).await?;
        return Err(refused);
    }
    Ok(store.end_upload(site, upload.id).await?)
}

/// An upload is nobody's business but its sender's and the admins', until a command has made something of it.
async fn uploaded(
    State(state): State<AppState>,
    caller: Caller,
    At(id): At<Uuid>,
    asked: QueryParams,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let files::FileAsked { format } = asked.filter()?;
    let found = state.store().upload(caller.site, id, state.now() - USABLE).await?;
    let own =
        found.filter(|upload| caller.reader.admin || (upload.by == caller.reader.person && caller.reader.uploads()));
    let file = own.ok_or_else(|| ApiError::not_found("upload"))?.file;
    let file = CheckedFile::try_new(caller.site, id, file)?;
    files::answer(&state, &file, format.is_some(), &headers, &method).await
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooLarge => Self::UploadTooLarge,
            ReceiveError::Stalled | ReceiveError::BrokenOff(_) => Self::BrokenOff(error.to_string()),
            ReceiveError::Io(error) => Self::internal(&error),
        }
    }
}

impl From<ExamineError> for ApiError {
    fn from(error: ExamineError) -> Self {
        match error {
            ExamineError::Unfit(Unfit::Io(error)) => Self::internal(&error),
            ExamineError::Unfit(unfit) => Self::Invalid(vec![FieldError::body("", unfit.to_string())]),
            ExamineError::Refused => Self::FileRefused,
            ExamineError::Unscanned(error) => {
                tracing::error!(%error, "a file cannot be scanned, and is not taken");
                Self::ScanUnavailable
            }
            ExamineError::Busy(_) => Self::Overloaded,
        }
    }
}
