//! A file as a request's body: of a declared kind, and not too large. It never looks inside.

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;

use crate::headers::single;
use crate::in_flight::{Whole, received};
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
    pub whole: Whole,
}

impl Upload {
    /// Takes in the file that a request is: not before it is known that whoever sends it may import it.
    pub async fn receive(request: Request, taken: &[&'static str], said: &'static str) -> Result<Self, ApiError> {
        let declared = single(request.headers(), CONTENT_TYPE.as_str())?.unwrap_or_default();
        let essence = declared.split(';').next().unwrap_or_default().trim();
        let known = taken.iter().copied().find(|known| essence.eq_ignore_ascii_case(known));
        let media = known.ok_or(ApiError::WrongMedia(said))?;
        let whole = received(request).await.map_err(|error| error.or(ApiError::FileTooLarge))?;
        Ok(Self { media, whole })
    }
}
