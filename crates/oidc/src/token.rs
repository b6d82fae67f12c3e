//! A signed token: believed when it is signed by its issuer's key, with a method that the key is for and that takes a private key to
//! sign, and is for us, now.

use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::Wanted;
use crate::{OidcError, signatures};

/// How far the issuer's clock may be from ours.
const LEEWAY_SECONDS: i64 = 60;

/// How long a token may be good for after it was issued: one that is good for longer has outlived whoever it was of.
const LONGEST_SECONDS: i64 = 24 * 60 * 60;

/// What tokens say they are: the first of whoever has come back, any of a program's (RFC 9068).
const TYPES: &[&str] = &["jwt", "at+jwt"];

/// What takes a private key to sign: with the others, whoever can verify can sign.
const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What a token says.
#[derive(Deserialize)]
pub struct Claims {
    pub sub: String,
    aud: Value,
    azp: Option<String>,
    client_id: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    email: Option<String>,
    email_verified: Option<Value>,
    nonce: Option<String>,
    at_hash: Option<Value>,
    c_hash: Option<Value>,
    amr: Option<Value>,
}

/// Who should have signed a token, and for whom.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    /// How the issuer knows this service, which alone may have been given the token.
    pub client: &'a str,
    /// Of a token that somebody has come back with: what it must repeat.
    pub nonce: Option<&'a str>,
}

/// The key that a token names, if it is one that can be looked at, and says to be what is expected.
pub fn key_of(token: &str, expected: &Expected<'_>) -> Result<Wanted, OidcError> {
    let header = decode_header(token).map_err(|_| OidcError::NotVouched("it is no signed token"))?;
    if !ASYMMETRIC.contains(&header.alg) {
        return Err(OidcError::NotVouched("it is signed by a method that proves nothing"));
    }
    // What must be understood is not: RFC 7515, section 4.1.11.
    if header.crit.is_some() {
        return Err(OidcError::NotVouched("it must not be believed by whoever does not know all of its header"));
    }
    let types = if expected.nonce.is_some() { &TYPES[..1] } else { TYPES };
    let typ = header.typ.map(|typ| typ.to_ascii_lowercase());
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    if typ.is_some_and(|typ| !types.contains(&typ)) {
        return Err(OidcError::NotVouched("it is a token of another type"));
    }
    Ok(Wanted { kid: header.kid, algorithm: header.alg })
}

/// What a token says, if it is to be believed.
pub fn claims(token: &str, key: &Jwk, expected: &Expected<'_>, now: DateTime<Utc>) -> Result<Claims, OidcError> {
    let not = |why| move |_| OidcError::NotVouched(why);
    let header = decode_header(token).map_err(not("it is no signed token"))?;
    let verifying = DecodingKey::from_jwk(key).map_err(not("the issuer's key cannot be used"))?;
    let mut validation = Validation::new(header.alg);
    validation.algorithms = ASYMMETRIC.into_iter().filter(|algorithm| *algorithm == header.alg).collect();
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    signatures::install();
    // By the service's clock, below.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let claims: Claims = decode(token, &verifying, &validation)
        .map_err(not("its signature, its issuer or its audience is another, or it says too little"))?
        .claims;
    let seconds = now.timestamp();
    if claims.exp <= seconds - LEEWAY_SECONDS {
        return Err(OidcError::NotVouched("it has expired"));
    }
    if claims.nbf.is_some_and(|nbf| nbf > seconds + LEEWAY_SECONDS) {
        return Err(OidcError::NotVouched("it is not valid yet"));
    }
    if claims.iat > seconds + LEEWAY_SECONDS {
        return Err(OidcError::NotVouched("it was issued in the future"));
    }
    if claims.exp.saturating_sub(claims.iat) > LONGEST_SECONDS {
        return Err(OidcError::NotVouched("it is good for more than a day after it was issued"));
    }
    if let Some(nonce) = expected.nonce {
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(OidcError::NotVouched("it is not the answer to what was asked here"));
        }
        // Given to several, it must have been made for us.
        let several = claims.aud.as_array().is_some_and(|audiences| audiences.len() > 1);
        if (several || claims.azp.is_some()) && claims.azp.as_deref() != Some(expected.audience) {
            return Err(OidcError::NotVouched("it was made for somebody else"));
        }
    } else {
        if claims.nonce.is_some() || claims.at_hash.is_some() || claims.c_hash.is_some() {
            return Err(OidcError::NotVouched("it says who has signed in, and is for no program to show"));
        }
        let given_to = [&claims.azp, &claims.client_id];
        if given_to.into_iter().flatten().any(|client| client != expected.client) {
            return Err(OidcError::NotVouched("it was given to another program"));
        }
    }
    Ok(claims)
}

impl Claims {
    /// Whether the issuer says that it has asked for more than one thing (RFC 8176).
    pub fn is_multi_factor(&self) -> bool {
        let methods = self.amr.as_ref().and_then(Value::as_array);
        methods.is_some_and(|methods| methods.iter().any(|method| method == "mfa"))
    }

    /// When it was issued at the earliest: the issuer's clock may be ahead of ours.
    pub fn issued_at(&self) -> DateTime<Utc> {
        let earliest = self.iat.saturating_sub(LEEWAY_SECONDS);
        DateTime::from_timestamp(earliest, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The address, if the issuer has verified it.
    pub fn verified_email(&self) -> Option<String> {
        // Some issuers write it as a text.
        let verified = matches!(&self.email_verified, Some(Value::Bool(true)))
            || matches!(&self.email_verified, Some(Value::String(text)) if text == "true");
        self.email.clone().filter(|_| verified)
    }
}

/// Who says to have issued a token: not believed yet, only looked up.
pub fn alleged_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Alleged {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode::<Alleged>(token).ok().map(|token| token.claims.iss)
}
