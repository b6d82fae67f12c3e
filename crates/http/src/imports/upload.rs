//! A file as a request's body: of a declared kind, and not too large. It never looks inside.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;

use crate::headers::single;
use crate::problem::ApiError;

/// The media type of CSV.
pub const CSV: &str = "text/csv";
/// The media type of ZIP.
pub const ZIP: &str = "application/zip";

/// A file.
#[derive(Debug)]
pub struct Upload {
    /// [`CSV`] or [`ZIP`], as it was declared.
    pub media: &'static str,
    /// What is in it.
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let declared = single(request.headers(), CONTENT_TYPE.as_str())?.unwrap_or_default();
        let essence = declared.split(';').next().unwrap_or_default().trim();
        let known = [CSV, ZIP].into_iter().find(|known| essence.eq_ignore_ascii_case(known));
        let media = known.ok_or(ApiError::WrongMedia("text/csv or application/zip"))?;
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self { media, bytes }),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::FileTooLarge),
            Err(_) => Err(ApiError::BadHeader("the body ends before its Content-Length".to_owned())),
        }
    }
}
