//! What a query asks: its filter, page, format and minimal position, read strictly from the address; unknown parameters
//! are refused, so that a misspelt filter never shows more than was meant.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use rollbook_domain::number::Bounded;
use rollbook_store::Position;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Track;

use crate::as_of::AsOfAsked;
use crate::json_body::explain;
use crate::problem::{ApiError, FieldError};
use crate::response_format::{Form, Formatted, StreamFormatted, accepted, preferred};

/// A query without parameters of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// How many items a page has.
pub type Limit = Bounded<1, 1000>;

/// What every query takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// Wait until the read model has come to this position of the log, at most 5 seconds: read your own writes.
    #[schemars(range(min = 0))]
    pub min_position: Option<Position>,
}

/// What lists take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// How many items at most.
    #[serde(default = "hundred")]
    pub limit: Limit,
    /// The `next` of the page before.
    #[schemars(length(min = 1, max = 512))]
    pub after: Option<String>,
}

fn hundred() -> Limit {
    const { Limit::try_new(100).expect("100 is in range") }
}

/// The parameters of one request, not yet taken apart.
#[derive(Debug)]
pub struct QueryParams {
    pairs: Vec<(String, String)>,
    accepts: Vec<Form>,
}

impl<S: Sync> FromRequestParts<S> for QueryParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(parts.uri.query().unwrap_or_default(), &parts.headers)
    }
}

impl QueryParams {
    fn read(query: &str, headers: &HeaderMap) -> Result<Self, ApiError> {
        let pairs = serde_urlencoded::from_str(query).map_err(|error| invalid("", error.to_string()))?;
        Ok(Self { pairs, accepts: accepted(headers) })
    }

    /// The position to wait for.
    pub fn at_least(&mut self) -> Result<Option<Position>, ApiError> {
        let AtLeast { min_position } = self.take(&["min_position"])?;
        if min_position.is_some_and(|position| position < 0) {
            return Err(invalid("min_position", "must be 0 or more"));
        }
        Ok(min_position)
    }

    /// The moment of the past.
    pub fn as_of(&mut self) -> Result<AsOfAsked, ApiError> {
        self.take(&["as_of"])
    }

    /// The page.
    pub fn page(&mut self) -> Result<PageParams, ApiError> {
        let page: PageParams = self.take(&["limit", "after"])?;
        match page.after.as_deref().map(str::len) {
            Some(0 | 513..) => Err(invalid("after", "must be the `next` of the page before")),
            _ => Ok(page),
        }
    }

    /// Whether it says how many items it wants.
    pub fn is_limited(&self) -> bool {
        self.pairs.iter().any(|(name, _)| name == "limit")
    }

    /// The form of a page, of a list that comes as CSV too.
    pub fn page_form(&mut self) -> Result<Form, ApiError> {
        let Formatted { format } = self.take(&["format"])?;
        Ok(format.map_or_else(|| preferred(&self.accepts, &[Form::Json, Form::Csv]), Form::from))
    }

    /// The form of a list that comes in all of them.
    pub fn form(&mut self) -> Result<Form, ApiError> {
        let StreamFormatted { format } = self.take(&["format"])?;
        Ok(format.unwrap_or_else(|| preferred(&self.accepts, &[Form::Json, Form::Csv, Form::Ndjson])))
    }

    /// Everything else, which must be the filter's.
    pub fn filter<Q: DeserializeOwned>(self) -> Result<Q, ApiError> {
        decode(&self.pairs)
    }

    fn take<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<T, ApiError> {
        let (mine, others) =
            std::mem::take(&mut self.pairs).into_iter().partition(|(name, _)| names.contains(&name.as_str()));
        self.pairs = others;
        decode::<T>(&mine)
    }
}

fn decode<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, ApiError> {
    let encoded = serde_urlencoded::to_string(pairs).map_err(|error| ApiError::internal(&error))?;
    let mut track = Track::new();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(encoded.as_bytes()));
    T::deserialize(serde_path_to_error::Deserializer::new(pairs, &mut track)).map_err(|error| {
        let (pointer, detail) = explain(&error.to_string(), &track.path());
        invalid(pointer.trim_start_matches('/'), detail)
    })
}

/// A parameter that cannot be taken.
pub fn invalid(parameter: &str, detail: impl Into<String>) -> ApiError {
    ApiError::Invalid(vec![FieldError::parameter(parameter, detail)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollbook_domain::HubId;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        hub_id: Option<HubId>,
        flagged: Option<bool>,
    }

    fn asked(query: &str) -> QueryParams {
        QueryParams::read(query, &HeaderMap::new()).unwrap()
    }

    fn parameter(result: Result<impl std::fmt::Debug, ApiError>) -> String {
        match result {
            Err(ApiError::Invalid(errors)) => errors[0].parameter.clone().unwrap(),
            other => panic!("expected an invalid parameter, got {other:?}"),
        }
    }

    #[test]
    fn takes_a_filter_and_a_page_apart() {
        let mut asked = asked("flagged=true&limit=7&after=abc&min_position=3");
        assert_eq!(asked.at_least().unwrap(), Some(3));
        let page = asked.page().unwrap();
        assert_eq!((page.limit.get(), page.after.as_deref()), (7, Some("abc")));
        let filter: Filter = asked.filter().unwrap();
        assert_eq!((filter.flagged, filter.hub_id), (Some(true), None));
    }

    #[test]
    fn names_the_parameter_that_cannot_be_taken() {
        for limit in ["0", "1001", "-1", "ten", ""] {
            assert_eq!(parameter(asked(&format!("limit={limit}")).page()), "limit", "{limit}");
        }
        assert_eq!(parameter(asked("limit=1&limit=2").page()), "limit");
        assert_eq!(parameter(asked("min_position=-1").at_least()), "min_position");
        assert_eq!(parameter(asked("flaged=true").filter::<Filter>()), "flaged");
        assert_eq!(parameter(asked("hub_id=1").filter::<Filter>()), "hub_id");
        assert_eq!(parameter(asked("as_of=7").filter::<NoFilter>()), "as_of");
    }

    #[test]
    fn takes_the_form_that_is_said() {
        assert_eq!(asked("format=csv").page_form().unwrap(), Form::Csv);
        assert_eq!(parameter(asked("format=xlsx").page_form()), "format");
        assert_eq!(parameter(asked("format=ndjson").page_form()), "format");
        assert_eq!(asked("format=ndjson").form().unwrap(), Form::Ndjson);
        assert_eq!(asked("").form().unwrap(), Form::Json);
    }
}
