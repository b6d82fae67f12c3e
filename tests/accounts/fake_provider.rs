//! A system that vouches for people, on loopback, with real keys: it does what OpenID Connect and Discord say, and, when it is told to,
//! something else.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub const CLIENT: &str = "rollbook";
pub const SECRET: &str = "s3cret with spaces & signs";

/// The system. Cheap to clone.
#[derive(Clone)]
pub struct FakeProvider {
    /// Where it is.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    url: String,
    key: Key,
    /// Whom it knows; also what else its tokens say.
    says: Value,
    /// What was asked for with each code: nonce and challenge.
    codes: HashMap<String, (String, String)>,
    /// What it answers instead, if it is out of order.
    down: bool,
    keys_asked: usize,
}

/// A key with its name.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub kid: String,
    pub private: EncodingKey,
    pub public: Jwk,
}

impl Key {
    pub fn elliptic(kid: &str) -> Self {
        use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let random = ring::rand::SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self::of(kid, Algorithm::ES256, EncodingKey::from_ec_der(made.as_ref()))
    }

    pub fn rsa(kid: &str) -> Self {
        let made = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
        let der = made.to_pkcs1_der().expect("its form");
        Self::of(kid, Algorithm::RS256, EncodingKey::from_rsa_der(der.as_bytes()))
    }

    fn of(kid: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let mut public = Jwk::from_encoding_key(&private, algorithm).expect("its public part");
        public.common.key_id = Some(kid.to_owned());
        Self { algorithm, kid: kid.to_owned(), private, public }
    }

    /// A token that says this.
    pub fn signs(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.private).expect("a token")
    }
}

/// One thing with others put over it.
fn over(mut below: Value, above: &Value) -> Value {
    for (name, value) in above.as_object().expect("an object") {
        below[name] = value.clone();
    }
    below
}

impl FakeProvider {
    pub async fn start(key: Key) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (says, codes) = (json!({}), HashMap::new());
        let shared = Shared { url: url.clone(), key, says, codes, down: false, keys_asked: 0 };
        let shared = Arc::new(Mutex::new(shared));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/oauth2/authorize", get(authorize))
            .route("/api/oauth2/token", post(token))
            .route("/api/users/@me", get(me))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { url, shared }
    }

    /// What it says of whoever signs in from now on.
    pub fn says(&self, says: Value) {
        self.shared.lock().expect("nobody panicked").says = says;
    }

    /// Signs with another key from now on.
    pub fn rotates(&self, key: Key) {
        self.shared.lock().expect("nobody panicked").key = key;
    }

    /// Is out of order, or works again.
    pub fn is_down(&self, down: bool) {
        self.shared.lock().expect("nobody panicked").down = down;
    }

    /// How often its keys were asked for.
    pub fn keys_asked(&self) -> usize {
        self.shared.lock().expect("nobody panicked").keys_asked
    }

    /// What a token for a program says, with something else in it.
    pub fn claims(&self, now: i64, other: &Value) -> Value {
        let usual = json!({"iss": self.url, "aud": CLIENT, "sub": "subject 1", "exp": now + 300, "iat": now});
        over(usual, other)
    }

    /// A token for a program.
    pub fn token(&self, now: i64, other: &Value) -> String {
        let claims = self.claims(now, other);
        self.shared.lock().expect("nobody panicked").key.signs(&claims)
    }
}

type TheShared = State<Arc<Mutex<Shared>>>;

async fn discovery(State(shared): TheShared) -> Response {
    let shared = shared.lock().expect("nobody panicked");
    if shared.down {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let at = |path: &str| format!("{}{path}", shared.url);
    Json(json!({"issuer": shared.url, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks")}))
    .into_response()
}

async fn keys(State(shared): TheShared) -> Response {
    let mut shared = shared.lock().expect("nobody panicked");
    shared.keys_asked += 1;
    Json(json!({"keys": [shared.key.public]})).into_response()
}

async fn authorize(State(shared): TheShared, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    let mut shared = shared.lock().expect("nobody panicked");
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
    assert_eq!(asked["code_challenge_method"], "S256");
    let code = format!("code {}", shared.codes.len());
    let nonce = asked.get("nonce").cloned().unwrap_or_default();
    shared.codes.insert(code.clone(), (nonce, asked["code_challenge"].clone()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("code", &code).append_pair("state", &asked["state"]);
    (StatusCode::FOUND, [("location", format!("{}?{}", asked["redirect_uri"], query.finish()))]).into_response()
}

async fn token(State(shared): TheShared, headers: HeaderMap, body: String) -> Response {
    let mut shared = shared.lock().expect("nobody panicked");
    if shared.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let client = STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)));
    assert_eq!(headers["authorization"], format!("Basic {client}"));
    let asked: BTreeMap<_, _> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    // A code is good once.
    let Some((nonce, challenge)) = shared.codes.remove(&asked["code"]) else {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    };
    assert_eq!(challenge, URL_SAFE_NO_PAD.encode(Sha256::digest(&asked["code_verifier"])));
    let now = shared.says["iat"].as_i64().expect("an instant");
    let usual = json!({"iss": shared.url, "aud": CLIENT, "sub": "subject 1", "exp": now + 300, "nonce": nonce});
    let id_token = shared.key.signs(&over(usual, &shared.says));
    Json(json!({"access_token": "an access token", "token_type": "Bearer", "id_token": id_token})).into_response()
}

async fn me(State(shared): TheShared, headers: HeaderMap) -> Response {
    assert_eq!(headers["authorization"], "Bearer an access token");
    Json(shared.lock().expect("nobody panicked").says.clone()).into_response()
}
