//! The request headers of the contract: idempotency key, expected version, correlation id; a bad one is refused, never ignored.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use rollbook_store::CommandKey;
use uuid::Uuid;

use crate::problem::ApiError;

/// What a command's headers say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// `Idempotency-Key`; without one the store makes the command's id.
    pub command_id: Option<CommandKey>,
    /// `If-Match`: the version that the command's own stream must have.
    pub if_match: Option<i64>,
    /// `X-Correlation-Id`: what ties this command to others.
    pub correlation_id: Option<Uuid>,
}

impl<S: Sync> FromRequestParts<S> for Metadata {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(&parts.headers)
    }
}

impl Metadata {
    fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            command_id: uuid(headers, "Idempotency-Key")?.map(CommandKey::of_client),
            if_match: single(headers, "If-Match")?.map(version).transpose()?,
            correlation_id: uuid(headers, "X-Correlation-Id")?,
        })
    }
}

/// A header's text; none where it is absent, refused where it is there twice or is not text.
pub fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::BadHeader(format!("{name} is there twice")));
    }
    value.to_str().map(Some).map_err(|_| ApiError::BadHeader(format!("{name} is not text")))
}

fn uuid(headers: &HeaderMap, name: &str) -> Result<Option<Uuid>, ApiError> {
    single(headers, name)?
        .map(|text| Uuid::parse_str(text.trim()).map_err(|_| ApiError::BadHeader(format!("{name} must be a UUID"))))
        .transpose()
}

/// `"12"`, with its quotes, as receipts and answers give it.
fn version(text: &str) -> Result<i64, ApiError> {
    text.trim()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| ApiError::BadHeader("If-Match must be a stream's version in quotes, such as \"12\"".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn takes_a_version_only_in_quotes() {
        assert_eq!(Metadata::read(&headers("if-match", &["\"12\""])).unwrap().if_match, Some(12));
        for bad in ["12", "*", "W/\"12\"", "\"-1\"", "\"\"", "\"12", "\"99999999999999999999\""] {
            assert!(matches!(Metadata::read(&headers("if-match", &[bad])), Err(ApiError::BadHeader(_))), "{bad}");
        }
    }

    #[test]
    fn refuses_an_idempotency_key_that_is_no_uuid_or_is_there_twice() {
        let key = "0198b5a0-0000-7000-8000-000000000001";
        assert!(Metadata::read(&headers("idempotency-key", &[key])).unwrap().command_id.is_some());
        assert!(matches!(Metadata::read(&headers("idempotency-key", &["once"])), Err(ApiError::BadHeader(_))));
        assert!(matches!(Metadata::read(&headers("idempotency-key", &[key, key])), Err(ApiError::BadHeader(_))));
        assert_eq!(Metadata::read(&HeaderMap::new()).unwrap().command_id, None);
    }
}
