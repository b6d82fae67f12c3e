//! Signing in, over HTTP: passwords, invitations, sessions, keys, and what holds up whoever guesses.

mod again;
mod fake_provider;
mod invitations;
mod keys;
mod letters;
mod limits;
mod links;
mod meanwhile;
mod notices;
mod oidc;
mod pages;
mod passwords;
pub mod second_factor;
pub mod secrets;
mod sessions;
mod sign_in;
mod trust;
mod ways_in;

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::SET_COOKIE;
use rollbook_domain::PersonId;
use rollbook_domain::account::InvitationPurpose;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, answer};

/// A password that is taken.
pub const PASSWORD: &str = "seven green herons";
/// Another.
pub const ANOTHER: &str = "eleven blue wekas";

/// Sends JSON.
pub async fn post(service: &Service, token: &str, path: &str, body: Value) -> Answer {
    answer(service.request(Method::POST, token, path).json(&body)).await
}

/// Invites a person, as the owner; the link's secret.
pub async fn invited(service: &Service, person: &str) -> String {
    let answer = post(service, &service.owner, &format!("/v1/people/{person}/invitation"), json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let link = answer.json["link"].as_str().expect("a link");
    let (page, secret) = link.split_once('#').expect("a fragment");
    assert_eq!(page, format!("{}/invitation", service.url));
    secret.to_owned()
}

/// A link to set another password, as it is in a letter and nowhere else; its secret.
pub async fn letter(service: &Service, person: &str) -> String {
    let (store, person) = (service.executor.store(), PersonId(person.parse().expect("an id")));
    let known = store.person(service.site, person).await.expect("a person").state;
    let (purpose, times) = (InvitationPurpose::Reset, (service.clock.now(), TimeDelta::hours(1)));
    let link = store.issue_invitation(service.site, (person, &known), purpose, None, times).await.expect("a link");
    link.expose_secret().to_owned()
}

/// Uses a link.
pub async fn accepts(service: &Service, secret: &str, password: &str) -> Answer {
    post(service, "", "/v1/invitations/accept", json!({"secret": secret, "password": password})).await
}

/// Lets a person in for the first time; their session's token.
pub async fn lets_in(service: &Service, person: &str) -> String {
    let answer = accepts(service, &invited(service, person).await, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["token"].as_str().expect("a token").to_owned()
}

/// Signs in with a password.
pub async fn signs_in(service: &Service, email: &str, password: &str) -> Answer {
    post(service, "", "/v1/sign-in", json!({"email": email, "password": password})).await
}

/// A person's address.
pub async fn email_of(service: &Service, person: &str) -> String {
    let people = service.items(&service.owner, "/v1/people").await;
    let found = people.iter().find(|found| found["person_id"] == person).expect("the person");
    found["email"].as_str().expect("an address").to_owned()
}

/// The value of a cookie that an answer sets.
pub fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all(SET_COOKIE).iter().map(|header| header.to_str().expect("text"));
    let mut values = set.filter_map(|cookie| cookie.split(';').next()?.strip_prefix(&format!("{name}=")));
    values.next().map(str::to_owned)
}

/// A refusal, by its status and code.
pub fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.json["code"].as_str().unwrap_or_else(|| panic!("no problem: {}", answer.text)))
}

/// What the audit says about a person's account: what, and why.
pub async fn audit(service: &Service, person: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = service.items(&service.owner, &format!("/v1/audit?person_id={person}")).await;
    entries.iter().map(|entry| (text(&entry["action"]), text(&entry["reason"]))).collect()
}

/// Waits until the log has come to a position.
pub async fn comes_to(service: &Service, position: i64) {
    let mut heard = service.executor.store().heard();
    let coming = heard.wait_for(|heard| *heard >= position);
    let waited = tokio::time::timeout(std::time::Duration::from_mins(1), coming).await;
    waited.expect("it comes in time").expect("the store is there");
}
