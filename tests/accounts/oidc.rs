//! Signing in by another system's word: in a browser, from programs, and when the word does not hold.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, Header};
use reqwest::Method;
use reqwest::redirect::Policy;
use ring::hmac;
use rollbook_http::AccountSettings;
use rollbook_oidc::{Kind, Provider, ProviderSettings, Sites};
use rollbook_store::Clock;
use rollbook_store::transaction::begin;
use serde_json::{Value, json};

use super::fake_provider::{CLIENT, FakeProvider, Key, SECRET, token_of};
use super::{audit, cookie, refused};
use crate::given_up::requests::{WAITING, counts};
use crate::harness::{Answer, Database, Hosting, Service, answer, at, client};

/// When everything happens.
const NOW: &str = "2026-02-01T00:00:00Z";
pub const ANNA: &str = "anna@example.org";

/// A service that people sign in to by a fake system; who Anna is.
pub struct Scene {
    /// The service.
    pub service: Service,
    /// The other system.
    pub fake: FakeProvider,
    /// Somebody with no role.
    pub anna: String,
    browser: reqwest::Client,
    settings: ProviderSettings,
}

impl Scene {
    async fn open(kind: Kind, key: Key) -> Self {
        Self::trusting(kind, key, Sites::Named(["default".to_owned()].into()), false).await
    }

    /// With a system that vouches in these sites, and for owners and admins if it is privileged. The owner is a super admin.
    pub async fn trusting(kind: Kind, key: Key, sites: Sites, privileged: bool) -> Self {
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
            sites,
            privileged,
            multi_factor: false,
        };
        // The client of the tests has chosen how to do TLS for all of this process.
        drop(client());
        let service = Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting(&settings)).await;
        let anna = json!({"name": "Anna", "email": ANNA});
        let anna = service.create(&service.owner, "RegisterPerson", anna).await;
        let browser = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        let scene = Self { service, fake, anna, browser, settings };
        scene.says(json!({}));
        scene
    }

    /// With a system that speaks OpenID Connect.
    pub async fn oidc() -> Self {
        Self::open(Kind::Oidc, Key::elliptic("key 1")).await
    }

    /// The same service in another process, with the same settings.
    async fn another_process(&self) -> Service {
        let Service { database, clock, .. } = &self.service;
        Service::hosting(database.clone(), clock.clone(), hosting(&self.settings)).await
    }

    /// What the system says of Anna, with something else in it.
    pub fn says(&self, other: Value) {
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

    /// So many minutes pass: what was said before them was said before what has happened until now, whatever clock the system has.
    pub fn later(&self, minutes: i64) {
        self.service.clock.set(self.service.clock.now() + TimeDelta::minutes(minutes));
    }

    /// Goes to the system: where it sends the browser back to, and the browser's cookie.
    pub async fn goes(&self, next: &str) -> (String, String) {
        let answer = self.get(&format!("{}/v1/sign-in/ako?next={next}", self.service.url), None).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let flow = cookie(&answer, "__Host-rollbook-flow").expect("a cookie");
        let there = self.get(&location(&answer), None).await;
        (location(&there), flow)
    }

    /// Goes there and comes back.
    pub async fn signs_in(&self) -> Answer {
        let (back, flow) = self.goes("/docs").await;
        self.get(&back, Some(&flow)).await
    }

    /// A browser, which goes nowhere by itself.
    pub fn browser(&self) -> &reqwest::Client {
        &self.browser
    }

    pub async fn get(&self, url: &str, flow: Option<&str>) -> Answer {
        let request = self.browser.get(url);
        answer(match flow {
            Some(flow) => request.header("cookie", format!("__Host-rollbook-flow={flow}")),
            None => request,
        })
        .await
    }

    /// What a program is answered that asks who it is, with a token of the system's.
    pub async fn program(&self, token: &str) -> Answer {
        self.service.ask(token, "/v1/me").await
    }
}

fn hosting(settings: &ProviderSettings) -> Hosting {
    let providers = vec![Arc::new(Provider::try_new(settings.clone()).expect("a provider"))];
    let accounts = AccountSettings { public_url: None, providers };
    Hosting { accounts, super_admins: vec!["owner@example.org"], ..Hosting::default() }
}

pub fn location(answer: &Answer) -> String {
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
async fn whoever_goes_away_while_they_come_back_is_let_in_nevertheless() {
    let scene = Scene::oidc().await;
    let pool = &scene.service.database.pool;
    let (back, flow) = scene.goes("/docs").await;
    // Nothing is appended as long as somebody else has the log's lock.
    let mut lock = begin(pool).await.expect("a transaction");
    sqlx::query("select lock_events()").execute(&mut *lock).await.expect("the lock");
    tokio::select! {
        answer = scene.get(&back, Some(&flow)) => panic!("it did not wait: {answer:?}"),
        () = counts(pool, WAITING, 1) => {}
    }
    lock.rollback().await.expect("the lock is released");
    // The log is told, and has told the truth.
    counts(pool, "select count(*) from events where event_type = 'SignedIn'", 1).await;
    counts(pool, "select count(*) from tokens where method = 'oidc'", 1).await;
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
        json!({"iat": now + 61}),
        json!({"exp": now + 86_401}),
        json!({"exp": i64::MAX}),
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
        json!({"iat": null}),
        json!({"iat": now + 61}),
        json!({"exp": now + 86_401}),
        json!({"exp": i64::MAX}),
        json!({"iat": i64::MIN}),
        // Said to somebody who signed in, and not given to a program.
        json!({"nonce": "x"}),
        json!({"at_hash": "x"}),
        // Given to another program.
        json!({"azp": "somebody else"}),
        json!({"client_id": "somebody else"}),
    ] {
        assert_eq!(refused(&scene.program(&with(other.clone())).await), (401, "unauthenticated"), "{other}");
    }
    assert_eq!(scene.program(&with(json!({"azp": CLIENT, "client_id": CLIENT}))).await.status, 200);
    // What is changed afterwards is not signed.
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, _) = signed.split_once('.').expect("three parts");
    let forged =
        URL_SAFE_NO_PAD.encode(scene.fake.claims(now, &json!({"sub": "subject 7", "email": ANNA})).to_string());
    let forged = format!("{header}.{forged}.{signature}");
    assert_eq!(refused(&scene.program(&forged).await), (401, "unauthenticated"));
    // It is nobody's account, and nothing that outlives it is made with it.
    let calendar = answer(scene.service.request(Method::POST, &token, "/v1/me/calendar-link")).await;
    assert_eq!(refused(&calendar), (403, "out_of_scope"));
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
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let token = token_of(&header, &claims, |message| hmac::sign(&secret, message).as_ref().into());
        assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"));
    }
    // Signed by somebody else under the same name.
    let token = Key::elliptic("key 1").signs(&claims);
    assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"));
    assert_eq!(scene.program(&key.signs(&claims)).await.status, 200);
}

#[tokio::test]
async fn a_token_is_believed_by_every_method_that_takes_a_private_key_and_by_no_other_key() {
    let scene = Scene::oidc().await;
    let methods = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA".split(' ');
    for (nth, method) in methods.enumerate() {
        // Another key each time, and asked for a minute later.
        let (kid, method) = (format!("key {}", nth + 2), method.parse().expect("a method"));
        let key = Key::of(&kid, method);
        scene.fake.rotates(key.clone());
        scene.service.now(&format!("2026-02-01T00:{:02}:00Z", nth + 2));
        let claims = scene.fake.claims(scene.now(), &json!({"email": ANNA, "email_verified": true}));
        let said = scene.program(&key.signs(&claims)).await;
        assert_eq!(said.status, 200, "{method:?}: {}", said.text);
        let forged = scene.program(&Key::of(&kid, method).signs(&claims)).await;
        assert_eq!(refused(&forged), (401, "unauthenticated"), "{method:?}");
    }
}

#[tokio::test]
async fn a_key_is_used_for_what_the_issuer_says_it_is_for() {
    let scene = Scene::open(Kind::Oidc, Key::rsa("key 1")).await;
    let fit: [fn(&mut Jwk); 3] = [
        |key| key.common.key_algorithm = None,
        |key| key.common.public_key_use = Some(PublicKeyUse::Signature),
        |key| key.common.key_operations = Some(vec![KeyOperations::Verify]),
    ];
    let unfit: [fn(&mut Jwk); 6] = [
        |key| key.common.key_algorithm = Some(KeyAlgorithm::RS512),
        |key| key.common.key_algorithm = Some(KeyAlgorithm::PS256),
        |key| key.common.key_algorithm = Some(KeyAlgorithm::RSA_OAEP),
        |key| key.common.public_key_use = Some(PublicKeyUse::Encryption),
        |key| key.common.public_key_use = Some(PublicKeyUse::Other("SIG".to_owned())),
        |key| key.common.key_operations = Some(vec![KeyOperations::Encrypt]),
    ];
    let changes = fit.iter().map(|change| (true, change)).chain(unfit.iter().map(|change| (false, change)));
    for (nth, (fits, change)) in changes.enumerate() {
        // Another key each time, and asked for a minute later.
        let kid = format!("key {}", nth + 2);
        let mut key = Key::rsa(&kid);
        change(&mut key.public);
        scene.fake.rotates(key);
        scene.service.now(&format!("2026-02-01T00:{:02}:00Z", nth + 2));
        let token = scene.fake.token(scene.now(), &json!({"email": ANNA, "email_verified": true}));
        let expected = if fits { 200 } else { 401 };
        let said = scene.program(&token).await;
        assert_eq!(said.status, expected, "{nth}: {}", said.text);
    }
}

#[tokio::test]
async fn a_header_that_is_of_something_else_is_refused() {
    let key = Key::elliptic("key 1");
    let scene = Scene::open(Kind::Oidc, key.clone()).await;
    let claims = scene.fake.claims(scene.now(), &json!({"email": ANNA, "email_verified": true}));
    let signed = |change: &dyn Fn(&mut Header)| {
        let mut header = key.header();
        change(&mut header);
        key.signs_under(&header, &claims)
    };
    let of_type = |typ: Option<&str>| signed(&|header| header.typ = typ.map(str::to_owned));
    for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+jwt")] {
        assert_eq!(scene.program(&of_type(typ)).await.status, 200, "{typ:?}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", "", "JOSE"] {
        assert_eq!(refused(&scene.program(&of_type(Some(typ))).await), (401, "unauthenticated"), "{typ}");
    }
    for critical in [Vec::new(), vec!["exp".to_owned()], vec!["b64".to_owned()]] {
        let token = signed(&|header| header.crit = Some(critical.clone()));
        assert_eq!(refused(&scene.program(&token).await), (401, "unauthenticated"), "{critical:?}");
    }
}

#[tokio::test]
async fn an_address_is_somebodys_when_it_is_the_same_in_ascii() {
    let scene = Scene::oidc().await;
    let registered = json!({"name": "Mark", "email": "Mark@example.org"});
    scene.service.create(&scene.service.owner, "RegisterPerson", registered).await;
    let registered = json!({"name": "Ki\u{212a}i", "email": "\u{212a}iki@example.org"});
    scene.service.create(&scene.service.owner, "RegisterPerson", registered).await;
    let says = |email: &str| scene.fake.token(scene.now(), &json!({"email": email, "email_verified": true}));
    let others = [
        "mar\u{212a}@example.org",
        " mark@example.org",
        "mark@example.org\n",
        "\u{a0}mark@example.org",
        "\u{212a}iki@example.org",
    ];
    for other in others {
        assert_eq!(refused(&scene.program(&says(other)).await), (403, "unknown_person"), "{other:?}");
    }
    // The one that was registered with a sign for kelvins is kept as it looks.
    for same in ["mARK@Example.org", "kiki@example.org"] {
        assert_eq!(scene.program(&says(same)).await.status, 200, "{same}");
    }
}

/// How many rows each table has.
async fn rows(service: &Service) -> Vec<(String, i64)> {
    let tables = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&service.database.pool).await.expect("the tables");
    let mut rows = Vec::new();
    for table in tables {
        let sql = format!("select count(*) from {table}");
        let count = sqlx::query_scalar(&sql).fetch_one(&service.database.pool).await.expect("a count");
        rows.push((table, count));
    }
    rows
}

#[tokio::test]
async fn setting_out_is_remembered_by_the_browser_alone_and_any_process_knows_it_again() {
    let scene = Scene::oidc().await;
    scene.service.get(&scene.service.owner, "/v1/me").await;
    let before = rows(&scene.service).await;
    let (back, flow) = scene.goes("/docs").await;
    assert_eq!(rows(&scene.service).await, before, "a stranger writes nothing");
    let other = scene.another_process().await;
    let there = back.replace(&scene.service.url, &other.url);
    // Whoever changes it, or takes it to another system or school, has nothing.
    let mut changed = flow.clone();
    let last = changed.pop().expect("a character");
    changed.push(if last == 'A' { 'B' } else { 'A' });
    assert_eq!(refused(&scene.get(&there, Some(&changed)).await), (403, "not_vouched_for"));
    let state = back.split("state=").nth(1).expect("a state");
    assert!(!flow.contains(state) && flow.len() < 4_000, "sealed, and no longer than a browser takes");
    let done = scene.get(&there, Some(&flow)).await;
    assert_eq!((done.status, location(&done).as_str()), (303, "/docs"), "{}", done.text);
    assert_eq!(refused(&scene.get(&there, Some(&flow)).await), (403, "not_vouched_for"), "its code is good once");
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
