//! A signed token: believed when it is signed by its issuer's key, with a method that the key is for and that takes a private key to
//! sign, and is for us, now.

use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::OidcError;

/// How far the issuer's clock may be from ours.
const LEEWAY_SECONDS: i64 = 60;

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
    exp: i64,
    nbf: Option<i64>,
    email: Option<String>,
    email_verified: Option<Value>,
    nonce: Option<String>,
}

/// Who should have signed a token, and for whom.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    /// Of a token that somebody has come back with: what it must repeat.
    pub nonce: Option<&'a str>,
}

/// The key that a token names, if it is one that can be looked at.
pub fn kid(token: &str) -> Result<Option<String>, OidcError> {
    let header = decode_header(token).map_err(|_| OidcError::NotVouched("it is no signed token"))?;
    if ASYMMETRIC.contains(&header.alg) {
        Ok(header.kid)
    } else {
        Err(OidcError::NotVouched("it is signed by a method that proves nothing"))
    }
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
    // By the service's clock, below.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let claims: Claims = decode(token, &verifying, &validation)
        .map_err(not("its signature, its issuer or its audience is another"))?
        .claims;
    let seconds = now.timestamp();
    if claims.exp <= seconds - LEEWAY_SECONDS {
        return Err(OidcError::NotVouched("it has expired"));
    }
    if claims.nbf.is_some_and(|nbf| nbf > seconds + LEEWAY_SECONDS) {
        return Err(OidcError::NotVouched("it is not valid yet"));
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
    }
    Ok(claims)
}

impl Claims {
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
