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
use jsonwebtoken::{Algorithm, Header};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
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
    pub public: Jwk,
    sign: Sign,
}

/// What signs a message with the private half of a key.
type Sign = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

impl Key {
    pub fn elliptic(kid: &str) -> Self {
        Self::of(kid, Algorithm::ES256)
    }

    pub fn rsa(kid: &str) -> Self {
        Self::of(kid, Algorithm::RS256)
    }

    /// A key for this method.
    pub fn of(kid: &str, algorithm: Algorithm) -> Self {
        let curve = |method: &'static EcdsaSigningAlgorithm, name: &str| {
            let made = EcdsaKeyPair::generate_pkcs8(method, &SystemRandom::new()).expect("a key");
            let pair = EcdsaKeyPair::from_pkcs8(method, made.as_ref(), &SystemRandom::new()).expect("a key");
            let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            let public = json!({"kty": "EC", "crv": name, "x": encoded_part(x), "y": encoded_part(y)});
            let sign =
                move |message: &[u8]| pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().into();
            (public, Arc::new(sign) as Sign)
        };
        let rsa = |padding: &'static dyn RsaEncoding| {
            let made = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
            let pair = RsaKeyPair::from_der(made.to_pkcs1_der().expect("its form").as_bytes()).expect("a key");
            let components = PublicKeyComponents::<Vec<u8>>::from(pair.public());
            let public = json!({"kty": "RSA", "n": encoded_part(&components.n), "e": encoded_part(&components.e)});
            let sign = move |message: &[u8]| {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature).expect("a signature");
                signature
            };
            (public, Arc::new(sign) as Sign)
        };
        let (public, sign) = match algorithm {
            Algorithm::ES256 => curve(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Algorithm::ES384 => curve(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
            Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&RSA_PSS_SHA512),
            Algorithm::EdDSA => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
                let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("a key");
                let public = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded_part(pair.public_key().as_ref())});
                (public, Arc::new(move |message: &[u8]| pair.sign(message).as_ref().into()) as Sign)
            }
            _ => panic!("{algorithm:?} has no public key"),
        };
        let mut public: Jwk = serde_json::from_value(public).expect("a key");
        public.common.key_id = Some(kid.to_owned());
        public.common.key_algorithm = Some(algorithm.into());
        Self { algorithm, kid: kid.to_owned(), public, sign }
    }

    /// The header of its tokens.
    pub fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.clone());
        header
    }

    /// A token that says this.
    pub fn signs(&self, claims: &Value) -> String {
        self.signs_under(&self.header(), claims)
    }

    /// A token that says this under another header.
    pub fn signs_under(&self, header: &Header, claims: &Value) -> String {
        token_of(header, claims, &*self.sign)
    }
}

/// A token, signed.
pub fn token_of(header: &Header, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let header = serde_json::to_vec(header).expect("JSON");
    let message = format!("{}.{}", encoded_part(&header), encoded_part(claims.to_string().as_bytes()));
    let signature = encoded_part(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn encoded_part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
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
