//! How often a code may be guessed: whoever has somebody's password already waits, and its owner does not.

use reqwest::Method;
use serde_json::json;

use super::{Somebody, somebody, text};
use crate::accounts::{PASSWORD, cookie, post, refused};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

/// Signs in from an address, on a device if there is one; the half sign-in.
async fn half_from(service: &Service, who: &Somebody, address: &str) -> String {
    let body = json!({"email": who.email, "password": PASSWORD});
    let request = service.request(Method::POST, "", "/v1/sign-in").header("x-forwarded-for", address);
    let answer = answer(request.json(&body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    text(&answer.json["half"])
}

async fn shows_from(service: &Service, half: &str, code: &str, address: &str, device: Option<&str>) -> Answer {
    let request = service.request(Method::POST, "", "/v1/second-factor").header("x-forwarded-for", address);
    let request = match device {
        Some(device) => request.header("cookie", format!("__Host-rollbook-device={device}")),
        None => request,
    };
    answer(request.json(&json!({"half": half, "code": code}))).await
}

#[tokio::test]
async fn strangers_guess_a_few_codes_a_day_and_the_owner_still_comes_in() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    // The owner has signed in on a device of theirs.
    let own = half_from(service, &who, "198.51.100.1").await;
    let signed_in = shows_from(service, &own, &who.app.code(service, 0), "198.51.100.1", None).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let device = cookie(&signed_in, "__Host-rollbook-device").expect("a device");
    service.now("2026-02-01T00:01:00Z");
    // Each guess from an address of its own, by whoever has the password.
    let mut guessed = 0;
    for nth in 0..40 {
        let address = format!("203.0.113.{nth}");
        let half = half_from(service, &who, &address).await;
        let shown = shows_from(service, &half, &who.app.wrong(service), &address, None).await;
        match refused(&shown) {
            (401, "second_factor_refused") => guessed += 1,
            (429, "too_many_attempts") => assert!(shown.headers.contains_key("retry-after")),
            other => panic!("{other:?}"),
        }
    }
    assert!((5..=11).contains(&guessed), "{guessed}");
    service.now("2026-02-01T02:00:00Z");
    let half = half_from(service, &who, "203.0.113.99").await;
    let shown = shows_from(service, &half, &who.app.wrong(service), "203.0.113.99", None).await;
    assert_eq!(refused(&shown), (429, "too_many_attempts"), "nor two hours later");
    // On their own device, or with what nobody guesses, the owner comes in.
    let half = half_from(service, &who, "198.51.100.1").await;
    let shown = shows_from(service, &half, &who.app.code(service, 0), "198.51.100.1", Some(&device)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let half = half_from(service, &who, "198.51.100.77").await;
    let shown = shows_from(service, &half, &who.codes[0], "198.51.100.77", None).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
}

#[tokio::test]
async fn whoever_has_found_an_open_session_guesses_no_further() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let path = format!("/v1/me/second-factors/{}/removal", who.app.factor_id);
    let mut refusals = Vec::new();
    for _ in 0..12 {
        let tried = post(service, &who.session, &path, json!({"code": who.app.wrong(service)})).await;
        refusals.push(tried.status);
    }
    assert_eq!((refusals[0], refusals[11]), (403, 429), "{refusals:?}");
}
