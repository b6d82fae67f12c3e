//! The marking queue: the reflections that wait for their marking, and no others.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::EnrolmentEvent;
use rollbook_domain::{CohortId, EnrolmentId, Event, PersonId, Personal, SiteId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{fetch, items};
use crate::page::part;
use crate::{Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct MarkingQueue;

/// A reflection that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: u8,
    /// Since when it waits; a revision while it waits keeps its place.
    pub submitted_at: DateTime<Utc>,
}

impl ReadModel for MarkingQueue {
    const NAME: &'static str = "marking_queue";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "marking_queue";
    const KEY: &'static [&'static str] = &["enrolment_id", "week"];
    const COLUMNS: &'static [&'static str] = &["submitted_at"];
    const STREAMS: &'static [StreamType] = &[StreamType::Enrolment];

    type Key = (EnrolmentId, u8);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        step(event).map(|(week, _)| (EnrolmentId(event.stream.id), week)).into_iter().collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.enrolment_id, row.week)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let enrolment_id = EnrolmentId(event.stream.id);
        match step(event) {
            Some((week, Step::In)) if rows.get(&(enrolment_id, week)).is_none() => {
                rows.put(Row { enrolment_id, week, submitted_at: event.recorded_at });
            }
            Some((week, Step::Out)) => rows.remove((enrolment_id, week)),
            Some((_, Step::In)) | None => {}
        }
    }
}

enum Step {
    In,
    Out,
}

/// What an event does to the queue, and for which week.
fn step(event: &Recorded) -> Option<(u8, Step)> {
    let Event::Enrolment(happened) = &event.event else { return None };
    match happened {
        EnrolmentEvent::ReflectionSubmitted { week, text: _, visibility: _ }
        | EnrolmentEvent::ReflectionRevised { week, text: _, visibility: _ } => Some((*week, Step::In)),
        EnrolmentEvent::ReflectionMarked { week, .. } | EnrolmentEvent::MarkAmended { week, .. } => {
            Some((*week, Step::Out))
        }
        EnrolmentEvent::StudentEnrolled { .. }
        | EnrolmentEvent::HubJoined { .. }
        | EnrolmentEvent::HubLeft { .. }
        | EnrolmentEvent::AttendanceMarked { .. }
        | EnrolmentEvent::AbsenceFlagRaised { .. }
        | EnrolmentEvent::AbsenceFlagCleared { .. }
        | EnrolmentEvent::AbsenceFlagResolved { .. }
        | EnrolmentEvent::StudentAdvanced { .. }
        | EnrolmentEvent::StudentHeld { .. }
        | EnrolmentEvent::StudentReleased { .. }
        | EnrolmentEvent::WeekSet { .. }
        | EnrolmentEvent::StudentWithdrawn { .. }
        | EnrolmentEvent::StudentReinstated { .. }
        | EnrolmentEvent::EnrolmentCompleted {}
        | EnrolmentEvent::ReflectionVisibilitySet { .. }
        | EnrolmentEvent::MarkerAssigned { .. } => None,
    }
}

/// A reflection that waits, as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueItem {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// The student, as they write it.
    pub name: Personal<String>,
    /// In which cohort.
    pub cohort_id: CohortId,
    /// Of which week.
    pub week: u8,
    /// What they wrote.
    pub text: Personal<String>,
    /// Since when it waits.
    pub submitted_at: DateTime<Utc>,
    /// Whose turn it is; null is nobody's yet.
    pub marker_id: Option<PersonId>,
}

/// Which part of the queue is asked for.
#[derive(Clone, Debug, Default)]
pub struct QueueFilter {
    /// Reflections allocated to this marker.
    pub marker_id: Option<PersonId>,
    /// Reflections of these cohorts; none is all of them.
    pub cohorts: Option<BTreeSet<CohortId>>,
}

/// The queue, the oldest first.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    filter: &QueueFilter,
    page: &Page,
) -> Result<Paged<QueueItem>, QueryError> {
    let (micros, id, week) = match page.cursor()? {
        Some([micros, id, week]) => {
            (Some(part::<i64>(micros)?), Some(part::<EnrolmentId>(id)?.0), Some(part::<i16>(week)?))
        }
        None => (None, None, None),
    };
    let submitted_at = micros.map(|m| DateTime::from_timestamp_micros(m).ok_or(QueryError::BadCursor)).transpose()?;
    let cohorts: Option<Vec<_>> =
        filter.cohorts.as_ref().map(|cohorts| cohorts.iter().map(|cohort| cohort.0).collect());
    let sql = "select row_to_json(q) from (
            select k.enrolment_id, coalesce(p.name, '') as name, r.cohort_id, k.week, coalesce(t.text, '') as text,
                k.submitted_at, r.marker_id
            from marking_queue k
            join roster r on r.site_id = k.site_id and r.enrolment_id = k.enrolment_id
            left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            left join reflections t
                on t.site_id = k.site_id and t.enrolment_id = k.enrolment_id and t.week = k.week
            where k.site_id = $1
                and ($2::uuid is null or r.marker_id = $2)
                and ($3::uuid[] is null or r.cohort_id = any($3))
                and ($4::timestamptz is null or (k.submitted_at, k.enrolment_id, k.week) > ($4, $5, $6))
            order by k.submitted_at, k.enrolment_id, k.week limit $7
        ) q";
    let query = items::<QueueItem>(sql)
        .bind(site.0)
        .bind(filter.marker_id.map(|marker| marker.0))
        .bind(cohorts)
        .bind(submitted_at)
        .bind(id)
        .bind(week)
        .bind(page.rows());
    let waiting = fetch(query, pool).await?;
    Ok(page.cut(waiting, |q| format!("{}.{}.{}", q.submitted_at.timestamp_micros(), q.enrolment_id, q.week)))
}
