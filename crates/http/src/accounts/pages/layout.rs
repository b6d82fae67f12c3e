//! What the pages have in common, and what they may load: their own style, and the scripts of those that need one.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("invitation.js");
const PASSKEY_SCRIPT: &str = include_str!("passkey.js");

/// Nothing from elsewhere, nothing inline, and forms go nowhere else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// A page.
pub fn page(status: StatusCode, title: &str, content: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Rollbook" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/accounts.css";
            }
            body { main { h1 { (title) } (content) } }
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY),
        // A form's Origin is told to this site, which asks for it.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (status, headers, markup.into_string()).into_response()
}

/// The pages' style.
pub async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "public, max-age=86400")], STYLE)
}

/// What puts a passkey's answer into the form.
pub async fn passkey_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "public, max-age=86400")], PASSKEY_SCRIPT)
}

/// What puts an invitation's secret into the form.
pub async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "public, max-age=86400")], SCRIPT)
}
