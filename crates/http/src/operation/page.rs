//! A page of items in the form that was asked for.

use std::io;

use axum::http::header::{CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use rollbook_projections::Paged;
use serde::Serialize;

use super::Item;
use crate::csv;
use crate::problem::ApiError;
use crate::response_format::Form;

/// The headers of a list in this form.
pub fn form_headers<I: Item>(form: Form) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !I::COLUMNS.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("accept"));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    headers
}

/// A page. Where its form has no place for the next page's cursor, `Link` names the next page (RFC 8288).
pub fn page_answer<I: Item>(page: &Paged<I>, form: Form, uri: &Uri) -> Result<Response, ApiError> {
    let mut headers = form_headers::<I>(form);
    let written = match form {
        // Not through `axum::Json`, whose buffer takes small pieces slowly: a page may have a thousand items.
        Form::Json => serde_json::to_vec(page).map_err(io::Error::from),
        Form::Csv => csv::write(I::COLUMNS, &page.items),
        Form::Ndjson => lines(&page.items),
    };
    if form != Form::Json
        && let Some(next) = &page.next
    {
        let link = format!("<{}>; rel=\"next\"", following(uri, next)?);
        headers.insert(LINK, HeaderValue::try_from(link).map_err(|error| ApiError::internal(&error))?);
    }
    Ok((headers, written.map_err(|error| ApiError::internal(&error))?).into_response())
}

/// Items as JSON, one a line.
pub fn lines<T: Serialize>(items: &[T]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for item in items {
        serde_json::to_writer(&mut lines, item)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The same address with another cursor.
fn following(uri: &Uri, after: &str) -> Result<String, ApiError> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let mut pairs: Vec<_> = form_urlencoded::parse(query).filter(|(name, _)| name != "after").collect();
    pairs.push(("after".into(), after.into()));
    let query = serde_urlencoded::to_string(pairs).map_err(|error| ApiError::internal(&error))?;
    Ok(format!("{}?{query}", uri.path()))
}
