//! Signing in by another system's word: in a browser, from programs, and when the word does not hold.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::redirect::Policy;
use rollbook_http::AccountSettings;
use rollbook_oidc::{Kind, Provider, ProviderSettings};
use rollbook_store::Clock;
use serde_json::{Value, json};

use super::fake_provider::{CLIENT, FakeProvider, Key, SECRET};
use super::{audit, cookie, refused};
use crate::harness::{Answer, Database, Hosting, Service, answer, at, client};

/// When everything happens.
const NOW: &str = "2026-02-01T00:00:00Z";
const ANNA: &str = "anna@example.org";

/// A service that people sign in to by a fake system; who Anna is.
pub struct Scene {
    /// The service.
    pub service: Service,
    /// The other system.
    pub fake: FakeProvider,
    anna: String,
    browser: reqwest::Client,
}

impl Scene {
    async fn open(kind: Kind, key: Key) -> Self {
        let fake = FakeProvider::start(key).await;
        let settings = ProviderSettings {
            name: "ako".to_owned(),
            title: "Ako".to_owned(),
            kind,
            issuer: fake.url.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.into(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            audience: None,
        };
        // The client of the tests has chosen how to do TLS for all of this process.
        drop(client());
        let providers = vec![Arc::new(Provider::try_new(settings).expect("a provider"))];
        let accounts = AccountSettings { public_url: None, providers };
        let hosting = Hosting { accounts, ..Hosting::default() };
        let service = Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting).await;
        let anna = json!({"name": "Anna", "email": ANNA});
        let anna = service.create(&service.owner, "RegisterPerson", anna).await;
        let browser = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        let scene = Self { service, fake, anna, browser };
        scene.says(json!({}));
        scene
    }

    /// With a system that speaks OpenID Connect.
    pub async fn oidc() -> Self {
        Self::open(Kind::Oidc, Key::elliptic("key 1")).await
    }

    /// What the system says of Anna, with something else in it.
    fn says(&self, other: Value) {
        let mut says = json!({"iat": self.now(), "email": ANNA, "email_verified": true});
        let Value::Object(other) = other else { panic!("not an object") };
        for (name, value) in other {
            says[name] = value;
        }
        self.fake.says(says);
    }

    /// Now, as tokens say it.
    pub fn now(&self) -> i64 {
        self.service.clock.now().timestamp()
    }

    /// Goes to the system: where it sends the browser back to, and the browser's cookie.
    async fn goes(&self, next: &str) -> (String, String) {
        let answer = self.get(&format!("{}/v1/sign-in/ako?next={next}", self.service.url), None).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let flow = cookie(&answer, "__Host-rollbook-flow").expect("a cookie");
        let there = self.get(&location(&answer), None).await;
        (location(&there), flow)
    }

    /// Goes there and comes back.
    async fn signs_in(&self) -> Answer {
        let (back, flow) = self.goes("/docs").await;
        self.get(&back, Some(&flow)).await
    }

    async fn get(&self, url: &str, flow: Option<&str>) -> Answer {
        let request = self.browser.get(url);
        answer(match flow {
            Some(flow) => request.header("cookie", format!("__Host-rollbook-flow={flow}")),
            None => request,
        })
        .await
    }

    /// What a program is answered that asks who it is, with a token of the system's.
    async fn program(&self, token: &str) -> Answer {
        self.service.ask(token, "/v1/me").await
    }
}

fn location(answer: &Answer) -> String {
    answer.headers["location"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn somebody_who_is_known_signs_in_by_another_system() {
    for key in [Key::elliptic("key 1"), Key::rsa("key 1")] {
        let scene = Scene::open(Kind::Oidc, key).await;
        let answer = scene.signs_in().await;
        assert_eq!((answer.status, location(&answer).as_str()), (303, "/docs"), "{}", answer.text);
        let session = cookie(&answer, "__Host-rollbook").expect("a session");
        let me = scene.service.ask(&session, "/v1/me").await;
        assert_eq!(me.json["name"], "Anna", "{}", me.text);
        // Linked by its subject: another address there is the same person here.
        scene.says(json!({"email": "anna@elsewhere.example", "email_verified": false}));
        assert_eq!(scene.signs_in().await.status, 303);
        let said = audit(&scene.service, &scene.anna).await;
        let linked = ("identity_linked".to_owned(), scene.fake.url.clone());
        let signed_in = ("signed_in".to_owned(), "by another system".to_owned());
        assert_eq!(said, [linked, signed_in.clone(), signed_in]);
        let page = scene.service.ask("", "/sign-in?next=/docs").await;
        assert!(page.text.contains("href=\"/v1/sign-in/ako?next=%2Fdocs\"") && page.text.contains("Sign in with Ako"));
    }
}

#[tokio::test]
async fn nobody_is_registered_by_signing_in() {
    let scene = Scene::oidc().await;
    for says in [
        json!({"email": "nobody@example.org"}),
        json!({"email_verified": false}),
        json!({"email_verified": null}),
        json!({"email": null}),
    ] {
        scene.says(says.clone());
        let answer = scene.signs_in().await;
        assert_eq!(refused(&answer), (403, "unknown_person"), "{says}");
        assert!(cookie(&answer, "__Host-rollbook").is_none());
    }
    scene.says(json!({}));
    let leaves = json!({"person_id": scene.anna, "reason": "has left"});
    scene.service.command(&scene.service.owner, "DeactivatePerson", leaves).await;
    assert_eq!(refused(&scene.signs_in().await), (403, "not_vouched_for"));
    assert!(audit(&scene.service, &scene.anna).await.iter().all(|(action, _)| action == "deactivated"));
}

#[tokio::test]
async fn a_word_that_does_not_hold_lets_nobody_in() {
    let scene = Scene::oidc().await;
    let now = scene.now();
    for says in [
        json!({"iss": "https://id.evil.example"}),
        json!({"aud": "somebody else"}),
        json!({"aud": [CLIENT, "somebody else"]}),
        json!({"azp": "somebody else"}),
        json!({"exp": now - 61}),
        json!({"nbf": now + 61}),
        json!({"nonce": "another"}),
        json!({"nonce": null}),
    ] {
        scene.says(says.clone());
        assert_eq!(refused(&scene.signs_in().await), (403, "not_vouched_for"), "{says}");
    }
    scene.says(json!({}));
    assert_eq!(scene.signs_in().await.status, 303);
}

#[tokio::test]
async fn a_way_is_gone_once_by_the_browser_that_began_it_and_in_time() {
    let scene = Scene::oidc().await;
    let (back, flow) = scene.goes("//evil.example").await;
    assert_eq!(refused(&scene.get(&back, None).await), (403, "not_vouched_for"), "without its cookie");
    assert_eq!(refused(&scene.get(&back, Some("another browser's")).await), (403, "not_vouched_for"));
    let forged = back.replace("state=", "state=x");
    assert_eq!(refused(&scene.get(&forged, Some(&flow)).await), (403, "not_vouched_for"));
    let done = scene.get(&back, Some(&flow)).await;
    assert_eq!((done.status, location(&done).as_str()), (303, "/sign-in"), "and nowhere else");
    assert_eq!(refused(&scene.get(&back, Some(&flow)).await), (403, "not_vouched_for"), "once");
    let (back, flow) = scene.goes("/docs").await;
    scene.service.now("2026-02-01T00:10:00Z");
    assert_eq!(refused(&scene.get(&back, Some(&flow)).await), (403, "not_vouched_for"), "too late");
    let (back, flow) = scene.goes("/docs").await;
    let denied = back.replace("code=", "error=access_denied&x=");
    assert_eq!(refused(&scene.get(&denied, Some(&flow)).await), (403, "not_vouched_for"));
    let unknown = scene.get(&format!("{}/v1/sign-in/nobody", scene.service.url), None).await;
    assert_eq!(refused(&unknown), (404, "not_found"));
    // A browser reads it as a page.
    let page = scene.browser.get(&back).header("accept", "text/html,*/*");
    let page = answer(page).await;
    assert_eq!((page.status, page.text.starts_with("<!DOCTYPE html>")), (403, true), "{}", page.text);
}

#[tokio::test]
async fn a_system_that_is_out_of_order_is_no_defect_and_passwords_go_on() {
    let scene = Scene::oidc().await;
    scene.fake.is_down(true);
    let begin = scene.get(&format!("{}/v1/sign-in/ako", scene.service.url), None).await;
    assert_eq!(refused(&begin), (503, "provider_unavailable"));
    assert!(begin.headers.contains_key("retry-after"));
    let program = scene.program(&scene.fake.token(scene.now(), &json!({}))).await;
    assert_eq!(refused(&program), (503, "provider_unavailable"));
    scene.fake.is_down(false);
    let (back, flow) = scene.goes("/docs").await;
    scene.fake.is_down(true);
    assert_eq!(refused(&scene.get(&back, Some(&flow)).await), (503, "provider_unavailable"));
    super::lets_in(&scene.service, &scene.anna).await;
    scene.fake.is_down(false);
    assert_eq!(scene.signs_in().await.status, 303);
}

#[tokio::test]
async fn a_program_comes_with_a_token_of_the_system() {
    let scene = Scene::oidc().await;
    let verified = json!({"email": ANNA, "email_verified": "true"});
    let token = scene.fake.token(scene.now(), &verified);
    let me = scene.program(&token).await;
    assert_eq!((me.status, &me.json["name"]), (200, &json!("Anna")), "{}", me.text);
    let now = scene.now();
    let with = |other: Value| scene.fake.token(now, &other);
    assert_eq!(scene.program(&with(json!({}))).await.status, 200, "by its subject from now on");
    let stranger = with(json!({"sub": "subject 2"}));
    assert_eq!(refused(&scene.program(&stranger).await), (403, "unknown_person"));
    for other in [
        json!({"iss": "https://id.evil.example"}),
        json!({"aud": "somebody else"}),
        json!({"exp": now - 61}),
        json!({"nbf": now + 61}),
        json!({"exp": null}),
    ] {
        assert_eq!(refused(&scene.program(&with(other.clone())).await), (401, "unauthenticated"), "{other}");
    }
    // What is changed afterwards is not signed.
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, _) = signed.split_once('.').expect("three parts");
    let forged =
        URL_SAFE_NO_PAD.encode(scene.fake.claims(now, &json!({"sub": "subject 7", "email": ANNA})).to_string());
    let forged = format!("{header}.{forged}.{signature}");
    assert_eq!(refused(&scene.program(&forged).await), (401, "unauthenticated"));
    // It is nobody's account.
    let key = json!({"name": "Table", "scope": "read", "expires_at": "2026-03-01T00:00:00Z"});
    assert_eq!(refused(&super::post(&scene.service, &token, "/v1/me/api-keys", key).await), (403, "out_of_scope"));
    scene.service.now("2026-02-01T00:06:00Z");
    assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"), "it runs out");
}

#[tokio::test]
async fn a_token_that_proves_nothing_is_nobodys() {
    let key = Key::elliptic("key 1");
    let scene = Scene::open(Kind::Oidc, key.clone()).await;
    let claims = scene.fake.claims(scene.now(), &json!({"email": ANNA, "email_verified": true}));
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for none in ["none", "None", "NONE"] {
        let token = format!("{}.{}.", part(&json!({"alg": none, "typ": "JWT", "kid": "key 1"})), part(&claims));
        assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"), "{none}");
    }
    // With what everybody knows for a secret.
    let public = serde_json::to_value(&key.public).expect("a key");
    let coordinates = URL_SAFE_NO_PAD.decode(public["x"].as_str().expect("a number")).expect("a number");
    for secret in [public.to_string().into_bytes(), coordinates, Vec::new()] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("key 1".to_owned());
        let token = encode(&header, &claims, &EncodingKey::from_secret(&secret)).expect("a token");
        assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"));
    }
    // Signed by somebody else under the same name.
    let token = Key::elliptic("key 1").signs(&claims);
    assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"));
    assert_eq!(scene.program(&key.signs(&claims)).await.status, 200);
}

#[tokio::test]
async fn another_key_is_asked_for_once_a_minute() {
    let scene = Scene::oidc().await;
    let verified = json!({"email": ANNA, "email_verified": true});
    let old = scene.fake.token(scene.now(), &verified);
    assert_eq!(scene.program(&old).await.status, 200);
    assert_eq!(scene.fake.keys_asked(), 1);
    scene.fake.rotates(Key::rsa("key 2"));
    let new = scene.fake.token(scene.now(), &verified);
    for _ in 0..5 {
        assert_eq!(refused(&scene.program(&new).await), (401, "unauthenticated"), "it was asked a moment ago");
    }
    assert_eq!(scene.fake.keys_asked(), 1);
    scene.service.now("2026-02-01T00:01:00Z");
    assert_eq!(scene.program(&new).await.status, 200);
    assert_eq!(refused(&scene.program(&old).await), (401, "unauthenticated"), "the old key is gone");
    assert_eq!(scene.fake.keys_asked(), 2);
}

#[tokio::test]
async fn discord_says_who_somebody_is_when_it_has_verified_their_address() {
    let scene = Scene::open(Kind::Discord, Key::elliptic("key 1")).await;
    scene.says(json!({"id": "7", "verified": false}));
    assert_eq!(refused(&scene.signs_in().await), (403, "unknown_person"));
    scene.says(json!({"id": "7", "verified": true}));
    assert_eq!(scene.signs_in().await.status, 303);
    assert_eq!(
        audit(&scene.service, &scene.anna).await.last().map(|(_, why)| why.clone()),
        Some("by Discord".to_owned())
    );
    let token = scene.fake.token(scene.now(), &json!({"email": ANNA, "email_verified": true}));
    assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"), "it gives programs no tokens");
}
