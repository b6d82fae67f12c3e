//! One request and what came of it, as far as its client knows.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came of a request.
#[derive(Debug, Default)]
pub struct Answered {
    /// The status; none where there was no answer, or only a part of one: nobody knows what was done.
    pub status: Option<u16>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON.
    pub json: Value,
    /// The body.
    pub text: String,
}

/// Sends a request and reads its answer to the end.
pub async fn answered(request: RequestBuilder) -> Answered {
    let Ok(response) = request.send().await else { return Answered::default() };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let Ok(text) = response.text().await else { return Answered::default() };
    Answered { status: Some(status), headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
}
