//! Files as answers: streamed, whole or in part, known again by their hash, and never run by a browser. Who may have a
//! file is decided before.

mod asked;
mod disposition;
#[cfg(test)]
mod tests;

use std::io;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use rollbook_domain::file::StoredFile;
use rollbook_files::{CheckedFile, FilesError, ForeignFile, Format, Kind};
use schemars::JsonSchema;
use serde::Deserialize;

use self::asked::{Part, is_known, part};
use self::disposition::disposition;
use crate::problem::ApiError;
use crate::state::AppState;

/// What may be asked of a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAsked {
    /// The same picture in another format; what has none comes as it is.
    pub format: Option<FileFormat>,
}

/// The formats that pictures are kept in besides their own.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Smaller.
    Webp,
}

/// Answers with a file, or with the WebP beside it where there is one; pictures are shown, documents are saved. Takes `If-None-Match`, and of a `GET` `Range` with
/// `If-Range`; several ranges at once are answered with the whole.
pub async fn answer(
    state: &AppState,
    file: &CheckedFile,
    webp: bool,
    headers: &HeaderMap,
    method: &Method,
) -> Result<Response, ApiError> {
    let StoredFile { name, size, sha256, .. } = file.stored();
    let other = file.webp().filter(|_| webp);
    let key = other.unwrap_or(file.key());
    let tag = if other.is_some() { format!("\"{sha256}-webp\"") } else { format!("\"{sha256}\"") };
    let own = [(ETAG, header(&tag)?), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if is_known(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, own).into_response());
    }
    let size = if other.is_some() { state.files().size(key).await? } else { *size };
    let asked = if method == Method::GET { part(headers, &tag, size) } else { Part::Whole };
    let (status, range) = match asked {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => return Err(ApiError::NotThatRange { size }),
    };
    let format = if other.is_some() { Format::Webp } else { file.format() };
    let mut response = (status, own).into_response();
    let answered = response.headers_mut();
    answered.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    answered.insert(CONTENT_LENGTH, (range.end - range.start).into());
    answered.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answered.insert(CONTENT_DISPOSITION, header(&disposition(name, other.is_some(), format.kind() == Kind::Image))?);
    if status == StatusCode::PARTIAL_CONTENT {
        answered.insert(CONTENT_RANGE, header(&format!("bytes {}-{}/{size}", range.start, range.end - 1))?);
    }
    if method != Method::HEAD {
        let bytes = state.files().read(key, range, size).await?;
        *response.body_mut() = Body::from_stream(bytes.map_err(|error| {
            // The status is sent: all that can be said now is that this is not the end.
            tracing::warn!(%error, "a file broke off on its way out");
            io::Error::other(error)
        }));
    }
    Ok(response)
}

fn header(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::internal(&error))
}

impl From<FilesError> for ApiError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Missing | FilesError::OtherSize => Self::internal(&error),
            FilesError::Failed(_) => {
                tracing::error!(%error, "the store of files cannot be used");
                Self::FilesUnavailable
            }
        }
    }
}

/// What is wrong is the school's database, which the client cannot help.
impl From<ForeignFile> for ApiError {
    fn from(error: ForeignFile) -> Self {
        Self::internal(&error)
    }
}
