//! A page to read the API and try it, served from the binary: nothing is fetched from elsewhere.
//!
//! Swagger UI is kept as the two files that it needs (half a megabyte, compressed): the crates that carry it bring a
//! build script, its whole distribution, and a second way of describing an API.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::operation::{Operation, Success, open};
use crate::state::AppState;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rollbook API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

const START: &str = "SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  validatorUrl: null,
  requestSnippetsEnabled: true,
});
";

/// The page runs our own files and talks to this service alone. Swagger UI sets styles in its elements.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page's operation.
pub fn operations() -> Vec<Operation> {
    vec![open("docs", "/docs", "A page to try the API", Success::Other("text/html"), get(page))]
}

/// The page's parts, which are no operations.
pub fn parts() -> Router<AppState> {
    const BUNDLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui-bundle.js.gz");
    const STYLE: &[u8] = include_bytes!("../assets/swagger-ui/swagger-ui.css.gz");
    Router::new()
        .route("/docs/swagger-ui-bundle.js", get(async || part("text/javascript", true, BUNDLE)))
        .route("/docs/swagger-ui.css", get(async || part("text/css", true, STYLE)))
        .route("/docs/start.js", get(async || part("text/javascript", false, START.as_bytes())))
}

async fn page() -> impl IntoResponse {
    ([(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")), (CONTENT_SECURITY_POLICY, POLICY)], PAGE)
}

/// A file as it is kept. The large ones are kept compressed, in the one form that every browser takes.
fn part(media: &'static str, compressed: bool, bytes: &'static [u8]) -> Response {
    let mut response = ([(CONTENT_TYPE, media), (CACHE_CONTROL, "public, max-age=86400")], bytes).into_response();
    if compressed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
