//! The pages in a real browser: forms that are filled in and sent, and the cookies that come of it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::redirect::Policy;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{PASSWORD, audit, email_of, invited, post};
use crate::harness::{Service, answer, client};
use crate::pages::{LIMIT, browsing};
use crate::school::School;

/// What fills in the forms, as somebody at the keyboard would: sets the password, signs out, signs in again.
const HANDS: &str = "
const field = id => document.getElementById(id);
addEventListener('load', () => {
  const steps = Number(sessionStorage.getItem('steps'));
  sessionStorage.setItem('steps', steps + 1);
  if (location.pathname === '/invitation') {
    field('password').value = 'PASSWORD';
    document.forms[0].requestSubmit();
  } else if (document.forms[0].action.endsWith('/sign-out') && steps === 1) {
    document.forms[0].requestSubmit();
  } else if (document.forms[0].action.endsWith('/sign-in') && steps === 2) {
    field('email').value = 'EMAIL';
    field('password').value = 'PASSWORD';
    document.forms[0].requestSubmit();
  } else {
    location = '/seen?' + encodeURIComponent(document.body.innerText + document.cookie);
  }
});
";

/// A way to the service that puts hands into its pages, and changes nothing else; its URL, and what the hands see in the end.
pub async fn with_hands(service: &Service, hands: String) -> (String, UnboundedReceiver<String>) {
    // The client of the tests has chosen how to do TLS for all of this process.
    drop(client());
    let client = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let shared = Arc::new((client, service.url.clone()));
    let (sender, seen) = unbounded_channel();
    let routes = Router::new()
        .route("/hands.js", get(async move || ([("content-type", "text/javascript")], hands.clone())))
        .route("/seen", get(async move |RawQuery(text)| drop(sender.send(text.unwrap_or_default()))))
        .fallback(passed_on)
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
    (url, seen)
}

async fn passed_on(
    State(shared): State<Arc<(reqwest::Client, String)>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (client, url) = &*shared;
    let response = client.request(method, format!("{url}{uri}")).headers(headers).body(body).send().await;
    let response = response.expect("the service answers");
    let (status, mut headers) = (response.status(), response.headers().clone());
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let body = response.bytes().await.expect("a body");
    let is_page = headers.get("content-type").is_some_and(|media| media.as_bytes().starts_with(b"text/html"));
    let body = if is_page {
        let page = String::from_utf8(body.to_vec()).expect("text");
        Body::from(page.replace("</body>", "<script src=\"/hands.js\"></script></body>"))
    } else {
        Body::from(body)
    };
    (status, headers, body).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_sets_a_password_signs_out_and_in_again_in_a_browser() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera <Ngata>").await;
    let email = email_of(service, &person).await;
    let secret = invited(service, &person).await;
    let hands = HANDS.replace("PASSWORD", PASSWORD).replace("EMAIL", &email);
    let (url, mut seen) = with_hands(service, hands).await;
    let profile = tempfile::tempdir().expect("a folder");
    let browser = browsing(&format!("{url}/invitation#{secret}"), profile.path());
    let page = tokio::time::timeout(LIMIT, seen.recv()).await.expect("it comes to an end").expect("a page");
    drop(browser);
    assert!(page.contains("You%20have%20signed%20in%20as%20Anahera%20%3CNgata%3E."), "{page}");
    assert!(!page.contains("rollbook%3D"), "no script reads the cookies: {page}");
    let said: Vec<_> = audit(service, &person).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(said, ["invitation_issued", "password_set", "signed_in", "signed_out", "signed_in"]);
}

/// A form, as a browser without scripts sends it.
pub async fn sends(
    service: &Service,
    path: &str,
    form: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> crate::harness::Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let request = service.request(Method::POST, "", path).header("content-type", "application/x-www-form-urlencoded");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    answer(request.body(body.finish())).await
}

pub const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

#[tokio::test]
async fn a_form_says_what_is_wrong_and_keeps_no_password() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let secret = invited(service, &person).await;
    let pasted = format!("{}/invitation#{secret}", service.url);
    for (path, form, status) in [
        ("/sign-in", &[("email", "<b>@example.org"), ("password", PASSWORD)][..], 401),
        ("/invitation", &[("secret", pasted.as_str()), ("password", "ninechars")], 422),
        ("/invitation", &[("secret", "made up"), ("password", PASSWORD)], 409),
        ("/password-reset", &[("email", "no address")], 422),
        ("/password-reset", &[("email", "nobody@example.org")], 202),
    ] {
        let page = sends(service, path, form, OWN).await;
        assert_eq!(page.status, status, "{path}: {}", page.text);
        assert!(page.text.starts_with("<!DOCTYPE html>") && page.text.contains("role=\""), "{}", page.text);
        for typed in [PASSWORD, "ninechars", "<b>", &secret] {
            assert!(!page.text.contains(typed), "{path} repeats {typed}");
        }
    }
    let done = sends(service, "/invitation", &[("secret", &pasted), ("password", PASSWORD)], OWN).await;
    assert_eq!(
        (done.status, done.text.contains("Signed in")),
        (200, false),
        "sent on to the page to sign in, without its cookie"
    );
}

#[tokio::test]
async fn no_other_sites_page_signs_anybody_in() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    super::lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let form = [("email", email.as_str()), ("password", PASSWORD)];
    for headers in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.example")], &[]] {
        let refused = sends(service, "/sign-in", &form, headers).await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("cross_site")), "{headers:?}");
        assert!(!refused.headers.contains_key("set-cookie"));
    }
    let json = post(service, "", "/sign-in", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(json.status, 403, "no page of ours sends that");
}

#[tokio::test]
async fn the_pages_load_nothing_from_elsewhere() {
    let school = School::open().await;
    for path in ["/sign-in", "/invitation", "/password-reset", "/second-factor"] {
        let page = school.service.ask("", path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.text.contains("http") && !page.text.contains("style="), "{}", page.text);
        assert_eq!(
            page.text.matches("<label").count(),
            page.text.matches("<input id").count(),
            "each field has a label"
        );
    }
    for part in ["/accounts.css", "/invitation.js"] {
        assert_eq!(school.service.ask("", part).await.status, 200, "{part}");
    }
    let sent_away = school.service.ask("", "/sign-in?next=//evil.example/x").await;
    assert!(!sent_away.text.contains("evil"), "{}", sent_away.text);
}
