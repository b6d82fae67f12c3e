//! One student in one cohort: the record, and its history in words. For those who see the roster row, and the student.

use chrono::{DateTime, Utc};
use rollbook_domain::{EnrolmentId, Event};
use rollbook_projections::explain::{self, ExplainItem};
use rollbook_projections::models::PersonRef;
use rollbook_projections::models::names::{actor, hub_names, person_names};
use rollbook_projections::models::record::{self, EnrolmentRecord};
use rollbook_projections::wording::{Names, hub_in, people_in, words};
use rollbook_projections::{Moment, Page, Paged};
use rollbook_store::{Position, Recorded, Stretch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::When;
use crate::auth::Caller;
use crate::operation::{Item, Operation, list, one_as_of};
use crate::problem::{ApiError, FieldError};
use crate::query_params::NoFilter;

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        one_as_of("get_enrolment", "/v1/enrolments/{enrolment_id}", "A student's record in a cohort", get),
        list(
            "enrolment_history",
            "/v1/enrolments/{enrolment_id}/history",
            "What happened to a student in a cohort, in words, the newest last",
            history,
        ),
        list(
            "explain_enrolment",
            "/v1/enrolments/{enrolment_id}/explain",
            "The events that made a student's row of the roster, or a flag's, with the fields before and after",
            explained,
        ),
    ]
}

/// One thing that happened.
#[derive(Debug, Serialize, JsonSchema)]
struct HistoryItem {
    /// When.
    at: DateTime<Utc>,
    /// By whom; null is the system.
    actor: Option<PersonRef>,
    /// What, in words. What was written in reflections, feedback and notes is not in it.
    action: String,
    /// Its event's place in the log.
    position: Position,
}

impl Item for HistoryItem {}

/// Which row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExplainAsked {
    /// This absence flag's instead of the roster's: the enrolment's first is 1.
    #[schemars(range(min = 1))]
    flag: Option<u16>,
}

impl Item for ExplainItem {}

async fn get(caller: Caller, enrolment: EnrolmentId, _: NoFilter, when: When) -> Result<EnrolmentRecord, ApiError> {
    let missing = || ApiError::not_found("enrolment");
    // Whoever sees the student today sees their past, and nobody else: the rights of then are over.
    let now = record::get(caller.pool(), caller.site, enrolment).await?;
    let seen = now.filter(|now| caller.reader.record(now.person_id, now.cohort_id, now.hub_id)).ok_or_else(missing)?;
    let When::Then(position) = when else { return Ok(seen) };
    let moment = Moment::of_enrolment(caller.state.store(), caller.site, enrolment, position).await?;
    let then = record::get_as_of(caller.pool(), &moment.ok_or_else(missing)?, enrolment).await?;
    then.ok_or_else(missing)
}

async fn explained(
    caller: Caller,
    enrolment: EnrolmentId,
    asked: ExplainAsked,
    page: Page,
) -> Result<Paged<ExplainItem>, ApiError> {
    let (state, site) = (caller.state.clone(), caller.site);
    let record = get(caller, enrolment, NoFilter {}, When::Now).await?;
    let Some(flag) = asked.flag else { return Ok(explain::roster(state.store(), site, enrolment, &page).await?) };
    if !record.flags.iter().any(|found| found.flag == flag) {
        return Err(ApiError::not_found("flag"));
    }
    Ok(explain::flag(state.store(), site, enrolment, flag, &page).await?)
}

async fn history(
    caller: Caller,
    enrolment: EnrolmentId,
    filter: NoFilter,
    page: Page,
) -> Result<Paged<HistoryItem>, ApiError> {
    let (state, site) = (caller.state.clone(), caller.site);
    get(caller, enrolment, filter, When::Now).await?;
    let after = cursor(page.after.as_deref())?;
    let Stretch { events, more, .. } =
        state.store().read_stream(site, enrolment.into(), after, page.limit.into()).await?;
    let names = Names {
        people: person_names(state.pool(), site, &events.iter().flat_map(people_in).collect()).await?,
        hubs: hub_names(state.pool(), site, &events.iter().filter_map(hub_in).collect()).await?,
    };
    let next = events.last().filter(|_| more).map(|event| event.position.to_string());
    Ok(Paged { items: events.iter().filter_map(|event| item(event, &names)).collect(), next })
}

fn item(recorded: &Recorded, names: &Names) -> Option<HistoryItem> {
    let Event::Enrolment(event) = &recorded.event else { return None };
    let actor = actor(recorded, &names.people);
    Some(HistoryItem { at: recorded.recorded_at, actor, action: words(event, names), position: recorded.position })
}

/// A cursor that is a position of the log; none is before the first.
pub fn cursor(after: Option<&str>) -> Result<Position, ApiError> {
    let position = after.map_or(Some(0), |text| text.parse().ok().filter(|position| *position >= 0));
    position.ok_or_else(|| ApiError::Invalid(vec![FieldError::parameter("after", "must be a position of the log")]))
}
