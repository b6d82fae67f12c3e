//! What one client may ask for, over real HTTP: too long, too large, too often; and what other origins and logs learn.

use std::num::NonZeroU32;

use futures::future::join_all;
use reqwest::Method;
use rollbook_http::Limits;
use rollbook_store::Clock;
use serde_json::json;

use crate::harness::{Answer, Database, Hosting, Service, answer, at};

const NOW: &str = "2026-02-10T09:00:00Z";

async fn limited(limits: Limits) -> Service {
    let hosting = Hosting { limits, ..Hosting::default() };
    Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting).await
}

fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_token_that_asks_too_often_waits_and_others_go_on() {
    let one = NonZeroU32::new(1);
    let service = limited(Limits { per_token: one, per_address: None, ..Limits::default() }).await;
    let mut refused = 0;
    for _ in 0..30 {
        let answer = service.ask(&service.owner, "/v1/me").await;
        if answer.status == 429 {
            is_problem(&answer, 429, "too_many_requests");
            let seconds: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
            assert!((1..=5).contains(&seconds), "{seconds}");
            refused += 1;
        }
    }
    assert!(refused >= 20, "{refused}");
    let other = service.state.store().owner(service.site, rollbook_domain::claim::ClaimKey::email("owner@example.org"));
    let other = other.await.expect("a look-up").expect("the owner");
    let other = service.token(&other.to_string()).await;
    assert_eq!(service.ask(&other, "/v1/me").await.status, 200);
    assert_eq!(service.ask("", "/healthz").await.status, 200);
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_whatever_proxy_it_comes_through() {
    let one = NonZeroU32::new(1);
    let service = limited(Limits { per_token: None, per_address: one, ..Hosting::default().limits }).await;
    let from = async |address: &str, token: &str| {
        let request = service.request(Method::GET, token, "/v1/me").header("x-forwarded-for", address);
        answer(request).await.status
    };
    let mut answers = Vec::new();
    for nth in 0..30 {
        // Made-up tokens do not help.
        answers.push(from("198.51.100.7", &format!("rb_{nth}")).await);
    }
    assert!(answers.iter().filter(|status| **status == 429).count() >= 20, "{answers:?}");
    assert_eq!(from("198.51.100.8", &service.owner).await, 200);
}

#[tokio::test]
async fn whoever_asks_for_much_at_once_goes_on_behind_others_and_is_refused_nothing() {
    let service = limited(Limits::default()).await;
    let asked = |path: &'static str| {
        let service = &service;
        async move { service.ask(&service.owner, path).await.status }
    };
    let paths = ["/v1/me", "/v1/cohorts?limit=1000", "/v1/audit?limit=1000", "/healthz"];
    let statuses = join_all((0..200).map(|nth| asked(paths[nth % paths.len()]))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    // Whoever gives up what they asked for, again and again, takes nothing from those who ask later.
    for _ in 0..100 {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), asked(paths[2])).await;
    }
    assert_eq!(join_all(paths.map(asked)).await, [200; 4]);
}

#[tokio::test]
async fn one_token_is_one_however_it_is_written() {
    let one = NonZeroU32::new(1);
    let service = limited(Limits { per_token: one, per_address: None, ..Limits::default() }).await;
    let mut answers = Vec::new();
    for nth in 0..30 {
        let (scheme, spaces) = (["Bearer", "bearer", "BEARER", "bEaReR"][nth % 4], " ".repeat(1 + nth));
        let request = service.request(Method::GET, "", "/v1/me").header("cookie", format!("junk={nth}"));
        answers
            .push(answer(request.header("authorization", format!("{scheme}{spaces}{}", service.owner))).await.status);
    }
    // As a session's cookie among others, too: it is the same token.
    for nth in 0..30 {
        let cookies = format!("junk{nth}={nth}; __Host-rollbook={}", service.owner);
        answers.push(answer(service.request(Method::GET, "", "/v1/me").header("cookie", cookies)).await.status);
    }
    assert!(answers.iter().filter(|status| **status == 429).count() >= 50, "{answers:?}");
}

#[tokio::test]
async fn tokens_that_nobody_has_count_as_one_for_their_address() {
    let one = NonZeroU32::new(1);
    let service = limited(Limits { per_token: one, per_address: None, ..Hosting::default().limits }).await;
    let known = service.ask(&service.owner, "/v1/me").await;
    assert_eq!(known.status, 200);
    let from = async |address: &str, name: &str, value: String| {
        let request = service.request(Method::GET, "", "/docs").header("x-forwarded-for", address);
        answer(request.header(name, value)).await.status
    };
    let mut answers = Vec::new();
    for nth in 0..15 {
        answers.push(from("198.51.100.7", "authorization", format!("Bearer rb_{nth}")).await);
        answers.push(from("198.51.100.7", "cookie", format!("__Host-rollbook=rb_{nth}")).await);
    }
    assert!(answers.iter().filter(|status| **status == 429).count() >= 20, "{answers:?}");
    assert_eq!(from("198.51.100.8", "authorization", "Bearer rb_0".to_owned()).await, 200, "elsewhere");
    let known = from("198.51.100.7", "authorization", format!("Bearer {}", service.owner)).await;
    assert_eq!(known, 200, "whoever has a token goes on");
}

#[tokio::test]
async fn nobody_is_believed_where_they_come_from_unless_the_operator_says_so() {
    let one = NonZeroU32::new(1);
    let service = limited(Limits { per_token: None, per_address: one, ..Limits::default() }).await;
    let mut answers = Vec::new();
    for nth in 0..30 {
        let request = service.request(Method::GET, &service.owner, "/v1/me");
        answers.push(answer(request.header("x-forwarded-for", format!("198.51.100.{nth}"))).await.status);
    }
    assert!(answers.iter().filter(|status| **status == 429).count() >= 20, "{answers:?}");
}

#[tokio::test]
async fn what_is_too_long_or_too_large_is_refused_for_what_it_is() {
    let service = Service::start(NOW).await;
    let long = format!("/v1/people?after={}", "x".repeat(9_000));
    is_problem(&service.ask(&service.owner, &long).await, 414, "url_too_long");
    let large = service.request(Method::GET, &service.owner, "/v1/me").header("x-large", "x".repeat(40_000));
    is_problem(&answer(large).await, 431, "headers_too_large");
    // Beyond what is read at all there is no answer in our form, but still the right one.
    let huge = service.request(Method::GET, &service.owner, "/v1/me").header("x-huge", "x".repeat(200_000));
    assert_eq!(answer(huge).await.status, 431);
    assert_eq!(service.ask(&service.owner, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn other_origins_are_told_nothing_that_lets_them_in() {
    let service = Service::start(NOW).await;
    for (method, path) in
        [(Method::OPTIONS, "/v1/me"), (Method::GET, "/v1/me"), (Method::POST, "/v1/commands/FoundHub")]
    {
        let request = service
            .request(method.clone(), &service.owner, path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        let answer = answer(request).await;
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{method} {path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        assert!(answer.headers.contains_key("content-security-policy"));
        assert!(answer.status != 204 && (method != Method::OPTIONS || answer.status == 405), "{}", answer.status);
    }
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request_also_where_it_is_refused() {
    let service = Service::start(NOW).await;
    let given = service.request(Method::GET, "", "/v1/me").header("x-request-id", "web-7.a");
    let given = answer(given).await;
    assert_eq!((given.status, given.headers["x-request-id"].as_bytes()), (401, b"web-7.a".as_slice()));
    let made = service.ask(&service.owner, "/v1/me").await;
    let id = made.headers["x-request-id"].to_str().expect("text");
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    let forged = service.request(Method::GET, "", "/nothing").header("x-request-id", "a level=ERROR b");
    assert_ne!(answer(forged).await.headers["x-request-id"], "a level=ERROR b");
}
