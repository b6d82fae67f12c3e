//! The marking queue as a worklist, for those who mark.

use std::collections::BTreeSet;

use rollbook_domain::{CohortId, PersonId};
use rollbook_projections::models::marking_queue::{self, MarkerCount, QueueFilter, QueueItem};
use rollbook_projections::models::roster::ReflectionState;
use rollbook_projections::{Page, Paged};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::operation::{Item, Operation, list, one};
use crate::problem::ApiError;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        list("marking_queue", "/v1/marking-queue", "The reflections that wait to be marked, the oldest first", queue),
        one(
            "next_to_mark",
            "/v1/marking-queue/next",
            "The reflection that has waited longest, and how many wait",
            next_to_mark,
        ),
        one("marker_counts", "/v1/marking-queue/counts", "How much each marker has to do, and has done", counted),
    ]
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
    /// `submitted` are those that wait; the others were marked so.
    state: Option<ReflectionState>,
}

/// Which one is next.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NextAsked {
    /// Whose turn it is: `me`, a person's id, or `all`.
    #[serde(default)]
    marker: Marker,
    /// Of this cohort.
    cohort_id: Option<CohortId>,
    /// Step over one: the `skip` that came with it.
    #[schemars(length(min = 1, max = 512))]
    after: Option<String>,
}

/// The head of a worklist.
#[derive(Debug, Serialize, JsonSchema)]
struct Next {
    /// What to mark now; null where nothing waits.
    item: Option<QueueItem>,
    /// How many wait, this one among them.
    waiting: u64,
    /// What `after` takes to step over this one; null where it is the last.
    skip: Option<String>,
}

/// Which markers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountsAsked {
    /// Of this cohort.
    cohort_id: Option<CohortId>,
}

/// The markers' loads.
#[derive(Debug, Serialize, JsonSchema)]
struct Counts {
    /// By name; the students whom nobody has yet come first.
    items: Vec<MarkerCount>,
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

impl Marker {
    /// The marker whose turn it is; none is anybody's.
    fn id(self, caller: &Caller) -> Option<PersonId> {
        match self {
            Self::Me => Some(caller.reader.person),
            Self::All => None,
            Self::Person(id) => Some(id),
        }
    }
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
    const COLUMNS: &'static [&'static str] = &[
        "enrolment_id",
        "name",
        "cohort_id",
        "week",
        "state",
        "text",
        "submitted_at",
        "revised_at",
        "marker_id",
        "earlier",
    ];
}

async fn queue(caller: Caller, (): (), asked: QueueAsked, page: Page) -> Result<Paged<QueueItem>, ApiError> {
    let QueueAsked { marker, cohort_id, state } = asked;
    let filter = QueueFilter { marker_id: marker.id(&caller), cohorts: cohorts(&caller, cohort_id)?, state };
    Ok(marking_queue::list(caller.pool(), caller.site, &filter, &page).await?)
}

async fn next_to_mark(caller: Caller, (): (), asked: NextAsked) -> Result<Next, ApiError> {
    let NextAsked { marker, cohort_id, after } = asked;
    let filter = QueueFilter { marker_id: marker.id(&caller), cohorts: cohorts(&caller, cohort_id)?, state: None };
    let page = marking_queue::list(caller.pool(), caller.site, &filter, &Page { limit: 1, after }).await?;
    let waiting = marking_queue::count(caller.pool(), caller.site, &filter).await?;
    Ok(Next { item: page.items.into_iter().next(), waiting, skip: page.next })
}

async fn counted(caller: Caller, (): (), asked: CountsAsked) -> Result<Counts, ApiError> {
    let cohorts = cohorts(&caller, asked.cohort_id)?;
    Ok(Counts { items: marking_queue::counts(caller.pool(), caller.site, cohorts.as_ref()).await? })
}

/// The cohorts that are meant, if the caller sees their queues; none is all of them.
fn cohorts(caller: &Caller, asked: Option<CohortId>) -> Result<Option<BTreeSet<CohortId>>, ApiError> {
    match asked {
        Some(cohort) if caller.reader.marking(cohort) => Ok(Some([cohort].into())),
        Some(cohort) if caller.reader.cohort(cohort) => {
            Err(ApiError::Forbidden("a cohort's queue is for admins and its markers"))
        }
        Some(_) => Err(ApiError::not_found("cohort")),
        None => Ok(caller.reader.queues().cloned()),
    }
}
