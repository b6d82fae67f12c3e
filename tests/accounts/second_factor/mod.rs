//! Second factors, over HTTP: codes of an app, passkeys, recovery codes; who must have one, and what it is good for.

mod browser;
mod limits;
mod pages;
pub mod passkeys;
mod removal;
mod requirement;
mod totp;

use chrono::{DateTime, Utc};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use super::{PASSWORD, email_of, lets_in, post, signs_in};
use crate::harness::{Answer, Service, answer};

/// What an app knows: RFC 6238 as everybody's app has it.
pub struct App {
    /// The factor.
    pub factor_id: String,
    secret: Vec<u8>,
}

impl App {
    /// Reads what the service has shown.
    pub fn of(shown: &Value) -> Self {
        let text = |name: &str| shown[name].as_str().unwrap_or_else(|| panic!("no {name} in {shown}"));
        Self { factor_id: text("factor_id").to_owned(), secret: base32(text("secret")) }
    }

    /// The code so many steps from now.
    pub fn code(&self, service: &Service, steps: i64) -> String {
        self.of_step(service.clock.now().timestamp().div_euclid(30) + steps)
    }

    /// The code at an instant.
    pub fn code_at(&self, at: DateTime<Utc>) -> String {
        self.of_step(at.timestamp().div_euclid(30))
    }

    fn of_step(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// A code that is none of those that are good now.
    pub fn wrong(&self, service: &Service) -> String {
        let good: Vec<String> = (-2..=2).map(|steps| self.code(service, steps)).collect();
        (0..10).map(|number| format!("{number:06}")).find(|code| !good.contains(code)).expect("a code")
    }
}

fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut number, mut bytes) = (0, 0_u32, Vec::new());
    for letter in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).expect("base32");
        number = (number << 5) | u32::try_from(value).expect("five bits");
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((number >> bits) & 255).expect("a byte"));
        }
    }
    bytes
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Begins an app, with the password.
pub async fn begins(service: &Service, token: &str) -> Answer {
    post(service, token, "/v1/me/second-factors/totp", json!({"password": PASSWORD})).await
}

/// Shows an app's first code.
pub async fn confirms(service: &Service, token: &str, app: &App, code: &str) -> Answer {
    let body = json!({"factor_id": app.factor_id, "code": code});
    post(service, token, "/v1/me/second-factors/totp/confirm", body).await
}

/// Sets up an app by a session, with the code of a minute ago, so that those of now are still to be had; with the recovery codes.
pub async fn sets_up(service: &Service, token: &str) -> (App, Vec<String>) {
    let begun = begins(service, token).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let app = App::of(&begun.json);
    let done = confirms(service, token, &app, &app.code(service, -1)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let codes = done.json["recovery_codes"].as_array().into_iter().flatten().map(text).collect();
    (app, codes)
}

/// Somebody with an app.
pub struct Somebody {
    /// Who.
    pub person: String,
    /// Their address.
    pub email: String,
    /// The session that they have set it up by.
    pub session: String,
    /// The app.
    pub app: App,
    /// Their recovery codes.
    pub codes: Vec<String>,
}

/// A person of this service who signs in with an app as well.
pub async fn somebody(service: &Service, person: String) -> Somebody {
    let session = lets_in(service, &person).await;
    let (app, codes) = sets_up(service, &session).await;
    Somebody { email: email_of(service, &person).await, person, session, app, codes }
}

/// Signs in with a password that is not enough; the half sign-in.
pub async fn half(service: &Service, email: &str) -> String {
    let answer = signs_in(service, email, PASSWORD).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    text(&answer.json["half"])
}

/// Ends signing in.
pub async fn shows(service: &Service, half: &str, code: &str) -> Answer {
    post(service, "", "/v1/second-factor", json!({"half": half, "code": code})).await
}

/// Signs in with a password and a code; the session's token.
pub async fn signs_in_with(service: &Service, email: &str, code: &str) -> String {
    let answer = shows(service, &half(service, email).await, code).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    text(&answer.json["token"])
}

/// Removes one's own.
pub async fn removes(service: &Service, token: &str, factor: &str, proof: Value) -> Answer {
    post(service, token, &format!("/v1/me/second-factors/{factor}/removal"), proof).await
}

/// One's own second factors.
pub async fn own(service: &Service, token: &str) -> Value {
    let answer = service.ask(token, "/v1/me/second-factors").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Removes somebody else's.
pub async fn removes_all(service: &Service, token: &str, person: &str) -> Answer {
    answer(service.request(Method::DELETE, token, &format!("/v1/people/{person}/second-factors"))).await
}
