//! The marking queue: what waits to be marked, for those who mark.

use rollbook_domain::{CohortId, PersonId};
use rollbook_projections::models::marking_queue::{self, QueueFilter, QueueItem};
use rollbook_projections::{Page, Paged};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::auth::Caller;
use crate::operation::{Item, Operation, list};
use crate::problem::ApiError;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![list("marking_queue", "/v1/marking-queue", "The reflections that wait to be marked, the oldest first", queue)]
}

/// Which part of the queue.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QueueAsked {
    /// Whose turn it is: `me`, a person's id, or `all`.
    #[serde(default)]
    marker: Marker,
    /// Of this cohort.
    cohort_id: Option<CohortId>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
enum Marker {
    /// The caller's.
    #[default]
    Me,
    /// Anybody's, or nobody's yet.
    All,
    /// This person's.
    Person(PersonId),
}

impl TryFrom<String> for Marker {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "me" => Ok(Self::Me),
            "all" => Ok(Self::All),
            id => id.parse().map(Self::Person).map_err(|_| "must be `me`, `all` or a person's id"),
        }
    }
}

impl JsonSchema for Marker {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Marker".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["me", "all"], "default": "me" },
            { "type": "string", "format": "uuid" },
        ] })
    }
}

impl Item for QueueItem {
    const COLUMNS: &'static [&'static str] =
        &["enrolment_id", "name", "cohort_id", "week", "text", "submitted_at", "marker_id"];
}

async fn queue(caller: Caller, (): (), asked: QueueAsked, page: Page) -> Result<Paged<QueueItem>, ApiError> {
    let marker_id = match asked.marker {
        Marker::Me => Some(caller.reader.person),
        Marker::All => None,
        Marker::Person(id) => Some(id),
    };
    let cohorts = match asked.cohort_id {
        Some(cohort) if caller.reader.marking(cohort) => Some([cohort].into()),
        Some(cohort) if caller.reader.cohort(cohort) => {
            return Err(ApiError::Forbidden("a cohort's queue is for admins and its markers"));
        }
        Some(_) => return Err(ApiError::not_found("cohort")),
        None => caller.reader.queues().cloned(),
    };
    Ok(marking_queue::list(caller.pool(), caller.site, &QueueFilter { marker_id, cohorts }, &page).await?)
}
