//! Which moment a query is asked of: now, or one of the past, said by its position in the log or by its instant. What was
//! then is folded by the read models, never here.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rollbook_store::Position;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::problem::ApiError;
use crate::state::AppState;

/// What queries take that can be asked of the past.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsOfAsked {
    /// Answer as it was then: a position of the log, or an instant. `Rollbook-Position` says which position that is.
    /// You see the past of whom you see today, wherever they met then, and of nobody else.
    pub as_of: Option<AsOf>,
}

/// An instant as RFC 3339 writes it, with a year of four digits: others the database does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Instant(DateTime<Utc>);

impl TryFrom<String> for Instant {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let instant = DateTime::parse_from_rfc3339(&text).map(|instant| Self(instant.to_utc()));
        instant.map_err(|_| "must be an RFC 3339 instant such as 2026-03-01T18:00:00Z (a + is written %2B)")
    }
}

impl From<Instant> for DateTime<Utc> {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A moment as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AsOf {
    /// After this event and before the next.
    Position(Position),
    /// When the last event until then had happened; one that is yet to come is now.
    Instant(DateTime<Utc>),
}

impl TryFrom<String> for AsOf {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let position = digits.then(|| text.parse().ok()).flatten().map(Self::Position);
        let instant = || Instant::try_from(text.clone()).ok().map(|instant| Self::Instant(instant.into()));
        position.or_else(instant).ok_or(
            "must be a position of the log, or an RFC 3339 instant such as 2026-03-01T18:00:00Z (a + is written %2B)",
        )
    }
}

impl JsonSchema for AsOf {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AsOf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "format": "int64", "minimum": 0 },
            { "type": "string", "format": "date-time" },
        ] })
    }
}

/// The moment that a query is answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As the read models stand.
    Now,
    /// After the event at this position.
    Then(Position),
}

impl AppState {
    /// The position of a moment. The read models have come to it when this returns.
    pub async fn moment(&self, as_of: AsOf) -> Result<Position, ApiError> {
        let position = match as_of {
            AsOf::Instant(instant) => self.store().position_at(instant).await?,
            AsOf::Position(position) => self.in_the_log("as_of", position).await?,
        };
        self.reached(position).await?;
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<AsOf> {
        text.to_owned().try_into().ok()
    }

    #[test]
    fn a_moment_is_a_position_or_an_instant() {
        assert_eq!(read("0"), Some(AsOf::Position(0)));
        assert_eq!(read("4211"), Some(AsOf::Position(4211)));
        let instant = "2026-03-01T08:00:00Z".parse().unwrap();
        assert_eq!(read("2026-03-01T08:00:00Z"), Some(AsOf::Instant(instant)));
        assert_eq!(read("2026-03-01T19:00:00+11:00"), Some(AsOf::Instant(instant)));
        for wrong in ["", "-1", "+1", "99999999999999999999", "2026-03-01", "yesterday", "2026-03-01T19:00:00 11:00"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
