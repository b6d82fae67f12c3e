//! Passkeys, by an authenticator of the tests' own: a P-256 key that signs what WebAuthn has it sign, and, when it is told to,
//! something else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{own, removes, somebody, text};
use crate::accounts::pages::{OWN, sends};
use crate::accounts::{PASSWORD, audit, cookie, email_of, lets_in, post, refused, signs_in};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const HAS_KEY: u8 = 64;
/// Where the service is tried out, on a port of its own.
const ORIGIN: &str = "http://localhost:8080";

/// An authenticator with one key.
pub struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    counter: u32,
    origin: String,
    rp_id: String,
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// CBOR of a byte string, or of its text.
fn cbor(major: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&[(major << 5) | 0x19][..], &length, bytes].concat()
}

impl Authenticator {
    /// One that is used on a page of this origin.
    pub fn new(origin: &str, rp_id: &str) -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref(), &random).expect("a key");
        let id = uuid::Uuid::new_v4().into_bytes().to_vec();
        Self { key, id, counter: 0, origin: origin.to_owned(), rp_id: rp_id.to_owned() }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["publicKey"]["challenge"];
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false}).to_string().into()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let rp = Sha256::digest(&self.rp_id);
        [rp.as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// Makes the passkey.
    fn makes(&self, options: &Value) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (cbor(2, &point[1..33]), cbor(2, &point[33..65]));
        // COSE: of an elliptic curve, ES256, P-256, and the point.
        let key = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21][..], &x, &[0x22], &y].concat();
        let length = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        let data = [&self.data(USER_PRESENT | USER_VERIFIED | HAS_KEY)[..], &[0; 16], &length, &self.id, &key].concat();
        let object = [
            &[0xa3][..],
            &cbor(3, b"fmt"),
            &cbor(3, b"none"),
            &cbor(3, b"attStmt"),
            &[0xa0],
            &cbor(3, b"authData"),
            &cbor(2, &data),
        ]
        .concat();
        let client_data = self.client_data("webauthn.create", options);
        json!({"id": base64(&self.id), "rawId": base64(&self.id), "type": "public-key", "extensions": {},
            "response": {"attestationObject": base64(&object), "clientDataJSON": base64(&client_data)}})
    }

    /// Shows it; each time its counter goes on.
    fn shows(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let (data, client_data) = (self.data(USER_PRESENT | USER_VERIFIED), self.client_data("webauthn.get", options));
        let signed = [&data[..], Sha256::digest(&client_data).as_slice()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        json!({"id": base64(&self.id), "rawId": base64(&self.id), "type": "public-key", "extensions": {},
            "response": {"authenticatorData": base64(&data), "clientDataJSON": base64(&client_data),
                "signature": base64(signature.as_ref()), "userHandle": null}})
    }
}

/// Begins a passkey, with the password: what the browser is asked.
async fn begins(service: &Service, token: &str) -> Value {
    let begun = post(service, token, "/v1/me/second-factors/passkey", json!({"password": PASSWORD})).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    begun.json
}

async fn confirms(service: &Service, token: &str, name: &str, credential: &Value) -> Answer {
    let body = json!({"name": name, "credential": credential});
    post(service, token, "/v1/me/second-factors/passkey/confirm", body).await
}

/// Adds a passkey to whoever is signed in.
pub async fn adds(service: &Service, token: &str, name: &str, authenticator: &Authenticator) -> Answer {
    let options = begins(service, token).await;
    let added = confirms(service, token, name, &authenticator.makes(&options)).await;
    assert_eq!(added.status, 200, "{}", added.text);
    added
}

/// Signs in with the password: half a sign-in, and what the browser is asked.
async fn challenged(service: &Service, email: &str) -> (String, Value) {
    let asked = signs_in(service, email, PASSWORD).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let half = text(&asked.json["half"]);
    let options = post(service, "", "/v1/second-factor/challenge", json!({"half": half})).await;
    assert_eq!(options.status, 200, "{}", options.text);
    (half, options.json)
}

async fn shows(service: &Service, half: &str, credential: &Value) -> Answer {
    post(service, "", "/v1/second-factor", json!({"half": half, "passkey": credential})).await
}

/// Somebody with a passkey: their session, their address, their authenticator, and their id.
async fn with_passkey(school: &School) -> (String, String, Authenticator, String) {
    let service = &school.service;
    let person = school.person("Anahera").await;
    let session = lets_in(service, &person).await;
    let authenticator = Authenticator::new(ORIGIN, "localhost");
    let added = adds(service, &session, "Telephone", &authenticator).await;
    assert_eq!(added.json["recovery_codes"].as_array().map(Vec::len), Some(10));
    (session, email_of(service, &person).await, authenticator, person)
}

#[tokio::test]
async fn a_passkey_is_made_shown_named_and_removed() {
    let school = School::open().await;
    let service = &school.service;
    let (session, email, mut authenticator, person) = with_passkey(&school).await;
    assert_eq!(service.ask(&session, "/v1/me").await.status, 200, "the session has shown it");
    let asked = signs_in(service, &email, PASSWORD).await;
    assert_eq!(asked.json["kinds"], json!(["passkey", "recovery_code"]));
    let (half, options) = challenged(service, &email).await;
    let key = &options["publicKey"];
    assert_eq!((&key["rpId"], &key["userVerification"]), (&json!("localhost"), &json!("preferred")));
    assert_eq!(key["allowCredentials"][0]["id"], base64(&authenticator.id));
    let shown = shows(service, &half, &authenticator.shows(&options)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let token = text(&shown.json["token"]);
    assert_eq!(service.get(&token, "/v1/me").await["name"], "Anahera");

    let mut other = Authenticator::new(ORIGIN, "localhost");
    let added = adds(service, &token, "Key ring", &other).await;
    assert_eq!(added.json["recovery_codes"], Value::Null, "those before stay");
    let listed = own(service, &token).await;
    let names: Vec<_> = listed["items"].as_array().expect("items").iter().map(|item| text(&item["name"])).collect();
    assert_eq!(names.len(), 2, "{listed}");
    let factor = text(&added.json["factor_id"]);
    let path = format!("/v1/me/second-factors/{factor}");
    let renamed = service.request(Method::PUT, &token, &path).json(&json!({"name": "Spare key"}));
    assert_eq!(answer(renamed).await.status, 204);
    assert!(own(service, &token).await.to_string().contains("Spare key"));
    let (half, options) = challenged(service, &email).await;
    assert_eq!(shows(service, &half, &other.shows(&options)).await.status, 200, "either lets in");
    assert_eq!(removes(service, &token, &factor, json!({"password": PASSWORD})).await.status, 204);
    let (half, options) = challenged(service, &email).await;
    assert_eq!(options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1));
    let gone = shows(service, &half, &other.shows(&options)).await;
    assert_eq!(refused(&gone), (401, "second_factor_refused"), "it lets nobody in any more");
    let said = audit(service, &person).await;
    for expected in [("second_factor_added", "a passkey"), ("second_factor_removed", "a passkey")] {
        assert!(said.contains(&(expected.0.to_owned(), expected.1.to_owned())), "{said:?}");
    }
    assert!(said.iter().any(|(_, why)| why == "by a password and a passkey"), "{said:?}");
}

#[tokio::test]
async fn a_passkey_is_shown_to_its_host_for_its_challenge_and_counts_on() {
    let school = School::open().await;
    let service = &school.service;
    let (_, email, mut authenticator, _) = with_passkey(&school).await;
    let refusal = (401, "second_factor_refused");
    // Another origin, as a page that looks like this one has it.
    let (half, options) = challenged(service, &email).await;
    authenticator.origin = "https://localhost.evil.example".to_owned();
    assert_eq!(refused(&shows(service, &half, &authenticator.shows(&options)).await), refusal);
    authenticator.origin = ORIGIN.to_owned();
    // A challenge is taken by whoever answers it, also with something wrong.
    assert_eq!(refused(&shows(service, &half, &authenticator.shows(&options)).await), refusal);
    // Of another sign-in.
    let (other, theirs) = challenged(service, &email).await;
    let (half, options) = challenged(service, &email).await;
    assert_eq!(refused(&shows(service, &half, &authenticator.shows(&theirs)).await), refusal);
    drop((other, options));
    // Another key under the same id.
    let (half, options) = challenged(service, &email).await;
    let mut forged = Authenticator::new(ORIGIN, "localhost");
    forged.id.clone_from(&authenticator.id);
    forged.counter = 1_000;
    assert_eq!(refused(&shows(service, &half, &forged.shows(&options)).await), refusal);
    // Well.
    let (half, options) = challenged(service, &email).await;
    let shown = authenticator.shows(&options);
    assert_eq!(shows(service, &half, &shown).await.status, 200);
    assert_eq!(refused(&shows(service, &half, &shown).await), (401, "half_sign_in_gone"), "once");
    // A copy counts from where it was made.
    let (half, options) = challenged(service, &email).await;
    authenticator.counter -= 1;
    assert_eq!(refused(&shows(service, &half, &authenticator.shows(&options)).await), refusal);
    // Of two that have the same count, the first comes in, though each was asked before the other came.
    let [one, two] = [challenged(service, &email).await, challenged(service, &email).await];
    authenticator.counter += 1;
    let first = authenticator.shows(&one.1);
    authenticator.counter -= 1;
    let second = authenticator.shows(&two.1);
    assert_eq!(shows(service, &one.0, &first).await.status, 200);
    assert_eq!(refused(&shows(service, &two.0, &second).await), refusal);
}

#[tokio::test]
async fn a_passkey_is_made_by_who_began_it_in_time_and_once() {
    let school = School::open().await;
    let service = &school.service;
    let (anna, ben) = (school.person("Anna").await, school.person("Ben").await);
    let (anna, ben) = (lets_in(service, &anna).await, lets_in(service, &ben).await);
    let begin = "/v1/me/second-factors/passkey";
    assert_eq!(refused(&post(service, &anna, begin, json!({})).await), (403, "proof_required"));
    let gone = (409, "set_up_gone");
    let authenticator = Authenticator::new(ORIGIN, "localhost");
    let options = begins(service, &anna).await;
    assert_eq!(refused(&confirms(service, &ben, "x", &authenticator.makes(&options)).await), gone, "another's");
    begins(service, &ben).await;
    let theirs = confirms(service, &ben, "x", &authenticator.makes(&options)).await;
    assert_eq!(refused(&theirs), (403, "wrong_second_factor"), "for another challenge");
    service.now("2026-02-01T00:10:00Z");
    assert_eq!(refused(&confirms(service, &anna, "x", &authenticator.makes(&options)).await), gone, "too late");
    let elsewhere = Authenticator::new("https://evil.example", "evil.example");
    let options = begins(service, &anna).await;
    let made = confirms(service, &anna, "x", &elsewhere.makes(&options)).await;
    assert_eq!(refused(&made), (403, "wrong_second_factor"));
    assert_eq!(refused(&confirms(service, &anna, "x", &authenticator.makes(&options)).await), gone, "taken");
    for credential in [json!(null), json!("text"), json!({"id": "x"}), json!([])] {
        begins(service, &anna).await;
        let made = confirms(service, &anna, "x", &credential).await;
        assert_eq!(refused(&made), (422, "invalid_fields"), "{credential}");
    }
    adds(service, &anna, "Telephone", &authenticator).await;
    let options = begins(service, &anna).await;
    assert_eq!(options["publicKey"]["excludeCredentials"][0]["id"], base64(&authenticator.id));
    let again = confirms(service, &anna, "x", &authenticator.makes(&options)).await;
    assert_eq!(refused(&again), (403, "wrong_second_factor"), "it is there already");
    assert_eq!(own(service, &anna).await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_passkey_is_of_its_sites_host_and_lets_in_nowhere_else() {
    let service = Service::with_super_admin("2026-02-01T00:00:00Z").await;
    let (north, south) = (service.site("north").await, service.site("south").await);
    let mut people = Vec::new();
    for site in [&north, &south] {
        let body = json!({"name": "Anna", "email": "anna@example.org"});
        let person = site.create(&site.owner, "RegisterPerson", body).await;
        let link = post(site, &site.owner, &format!("/v1/people/{person}/invitation"), json!({})).await;
        let secret = text(&link.json["link"]).split_once('#').expect("a secret").1.to_owned();
        let accepted = crate::accounts::accepts(site, &secret, PASSWORD).await;
        people.push(text(&accepted.json["token"]));
    }
    let options = begins(&north, &people[0]).await;
    assert_eq!(options["publicKey"]["rp"]["id"], "north.example.org");
    let mut authenticator = Authenticator::new("https://north.example.org", "north.example.org");
    adds(&north, &people[0], "Telephone", &authenticator).await;
    adds(&south, &people[1], "Telephone", &Authenticator::new("https://south.example.org", "south.example.org")).await;
    let (half, options) = challenged(&south, "anna@example.org").await;
    assert_eq!(options["publicKey"]["rpId"], "south.example.org");
    assert_eq!(shows(&south, &half, &authenticator.shows(&options)).await.status, 401);
    let (half, options) = challenged(&north, "anna@example.org").await;
    let shown = authenticator.shows(&options);
    assert_eq!(refused(&shows(&south, &half, &shown).await), (401, "half_sign_in_gone"), "of another site");
    assert_eq!(shows(&north, &half, &shown).await.status, 200);
}

#[tokio::test]
async fn whoever_has_no_passkey_is_asked_for_none() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let half = super::half(service, &who.email).await;
    let asked = post(service, "", "/v1/second-factor/challenge", json!({"half": half})).await;
    assert_eq!(refused(&asked), (409, "no_second_factor"));
    let mut authenticator = Authenticator::new(ORIGIN, "localhost");
    let made_up = authenticator.shows(&json!({"publicKey": {"challenge": "AAAA"}}));
    assert_eq!(refused(&shows(service, &half, &made_up).await), (401, "second_factor_refused"));
    for body in [json!({}), json!({"half": "made up"})] {
        let asked = post(service, "", "/v1/second-factor/challenge", body).await;
        assert_eq!(refused(&asked), (401, "half_sign_in_gone"));
    }
}

/// What a page says in an attribute.
fn attribute(page: &str, name: &str) -> Value {
    let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
    let text = rest.split_once('"').expect("an end").0.replace("&quot;", "\"").replace("&amp;", "&");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn the_pages_have_what_their_script_needs_and_take_what_it_gives() {
    let school = School::open().await;
    let service = &school.service.without_redirects();
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let form = [("email", email.as_str()), ("password", PASSWORD)];
    let signed_in = sends(service, "/sign-in", &form, OWN).await;
    let cookies = format!("__Host-rollbook={}", cookie(&signed_in, "__Host-rollbook").expect("a session"));
    let headers = [OWN, &[("cookie", cookies.as_str())]].concat();
    let page = sends(service, "/second-factors/passkey", &[("password", PASSWORD)], &headers).await;
    assert!(page.status == 200 && page.text.contains("src=\"/passkey.js\""), "{}", page.text);
    let mut authenticator = Authenticator::new(ORIGIN, "localhost");
    let made = authenticator.makes(&attribute(&page.text, "data-create")).to_string();
    let form = [("name", "Telephone"), ("passkey", made.as_str())];
    let done = sends(service, "/second-factors/passkey/confirm", &form, &headers).await;
    assert_eq!((done.status, done.text.matches("<li>").count()), (200, 10), "{}", done.text);

    let form = [("email", email.as_str()), ("password", PASSWORD)];
    let asked = sends(service, "/sign-in", &form, OWN).await;
    let half = format!("__Host-rollbook-half={}", cookie(&asked, "__Host-rollbook-half").expect("a half"));
    let page = answer(service.request(Method::GET, "", "/second-factor").header("cookie", &half)).await;
    let shown = authenticator.shows(&attribute(&page.text, "data-get")).to_string();
    let headers = [OWN, &[("cookie", half.as_str())]].concat();
    let shown = sends(service, "/second-factor", &[("passkey", shown.as_str()), ("next", "/docs")], &headers).await;
    assert_eq!((shown.status, shown.headers["location"].to_str().ok()), (303, Some("/docs")), "{}", shown.text);
    let script = service.ask("", "/passkey.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript");
}
