//! The marking queue as a worklist: what waits, what was marked, and how much each marker has of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rollbook_domain::{CohortId, EnrolmentId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use crate::models::reflections::Marking;
use crate::models::roster::ReflectionState;
use crate::models::{PersonRef, fetch, fetch_weighed, items};
use crate::page::{instant, part};
use crate::{Page, Paged, QueryError};

/// A reflection for those who mark.
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
    /// Whether it waits, and how it was marked otherwise.
    pub state: ReflectionState,
    /// What they wrote.
    pub text: Personal<String>,
    /// Since when it waits; of one that was marked, when it was handed in first.
    pub submitted_at: DateTime<Utc>,
    /// When it was handed in again, last.
    pub revised_at: Option<DateTime<Utc>>,
    /// Whose turn it is; null is nobody's yet.
    pub marker_id: Option<PersonId>,
    /// How it was marked before it was handed in again, the oldest first.
    pub earlier: Vec<Marking>,
}

/// Which part of the queue is asked for.
#[derive(Clone, Debug, Default)]
pub struct QueueFilter {
    /// Reflections allocated to this marker.
    pub marker_id: Option<PersonId>,
    /// Reflections of these cohorts; none is all of them.
    pub cohorts: Option<BTreeSet<CohortId>>,
    /// Those that were marked so; none is those that wait.
    pub state: Option<ReflectionState>,
}

impl QueueFilter {
    fn cohorts(&self) -> Option<Vec<Uuid>> {
        self.cohorts.as_ref().map(|cohorts| cohorts.iter().map(|cohort| cohort.0).collect())
    }

    /// The reflections `t` of students `r` that are meant, each in the queue `k` with the instant that it counts from.
    fn meant(&self) -> String {
        let queue = match self.state {
            None | Some(ReflectionState::Submitted) => "marking_queue",
            Some(ReflectionState::Pass) => "(select * from reflections where outcome = 'pass')",
            Some(ReflectionState::Fail) => "(select * from reflections where outcome = 'fail')",
        };
        format!(
            "from {queue} k
            join reflections t on t.site_id = k.site_id and t.enrolment_id = k.enrolment_id and t.week = k.week
            join roster r on r.site_id = k.site_id and r.enrolment_id = k.enrolment_id
            left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            where k.site_id = $1
                and ($2::uuid is null or r.marker_id = $2)
                and ($3::uuid[] is null or r.cohort_id = any($3))"
        )
    }
}

/// The reflections that are meant, the oldest first.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    filter: &QueueFilter,
    page: &Page,
) -> Result<Paged<QueueItem>, QueryError> {
    let sql = format!(
        "select row_to_json(q) from (
            select t.enrolment_id, coalesce(p.name, '') as name, r.cohort_id, t.week,
                coalesce(t.outcome, 'submitted') as state, t.text, k.submitted_at, t.revised_at, r.marker_id,
                t.earlier
            {}
                and ($4::timestamptz is null or (k.submitted_at, k.enrolment_id, k.week) > ($4, $5, $6))
            order by k.submitted_at, k.enrolment_id, k.week limit $7
        ) q",
        filter.meant()
    );
    let mut filling = page.filling();
    while let Some(part) = filling.part() {
        let (after, id, week) = after(&part)?;
        let query = items(&sql)
            .bind(site.0)
            .bind(filter.marker_id.map(|marker| marker.0))
            .bind(filter.cohorts())
            .bind(after)
            .bind(id)
            .bind(week)
            .bind(part.rows());
        filling.take(&part, fetch_weighed(query, pool).await?, cursor, Some);
    }
    Ok(filling.page())
}

fn cursor(item: &QueueItem) -> String {
    format!("{}.{}.{}", item.submitted_at.timestamp_micros(), item.enrolment_id, item.week)
}

type After = (Option<DateTime<Utc>>, Option<Uuid>, Option<i16>);

fn after(page: &Page) -> Result<After, QueryError> {
    let Some([micros, id, week]) = page.cursor()? else { return Ok((None, None, None)) };
    let submitted_at = instant(micros)?;
    Ok((Some(submitted_at), Some(part::<EnrolmentId>(id)?.0), Some(part(week)?)))
}

/// How many reflections are meant.
pub async fn count(pool: &PgPool, site: SiteId, filter: &QueueFilter) -> Result<u64, QueryError> {
    let sql = format!("select count(*) {}", filter.meant());
    let query = sqlx::query_scalar(&sql).bind(site.0).bind(filter.marker_id.map(|marker| marker.0));
    let count: i64 = query.bind(filter.cohorts()).fetch_one(pool).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// How much a marker has to do, and has done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarkerCount {
    /// Who; null counts the students whom nobody has yet.
    pub marker: Option<PersonRef>,
    /// Whether they are appointed to one of the cohorts now.
    pub appointed: bool,
    /// How many active students they have.
    pub students: u32,
    /// How many of those students' reflections wait, and of others that they had.
    pub waiting: u32,
    /// How many passed, by whomever.
    pub passed: u32,
    /// How many failed, by whomever, and were not handed in again.
    pub failed: u32,
    /// Since when the oldest of them waits.
    pub oldest_waiting_at: Option<DateTime<Utc>>,
}

/// What each marker has, by name; of these cohorts, or of all of them. Appointed markers without a student are there too.
pub async fn counts(
    pool: &PgPool,
    site: SiteId,
    cohorts: Option<&BTreeSet<CohortId>>,
) -> Result<Vec<MarkerCount>, QueryError> {
    let sql = "with students as (
            select r.marker_id,
                count(*) filter (where r.status = 'active') as students,
                sum((select count(*) from jsonb_each_text(r.reflections) s where s.value = 'submitted')) as waiting,
                sum((select count(*) from jsonb_each_text(r.reflections) s where s.value = 'pass')) as passed,
                sum((select count(*) from jsonb_each_text(r.reflections) s where s.value = 'fail')) as failed,
                min((select min(k.submitted_at) from marking_queue k
                    where k.site_id = r.site_id and k.enrolment_id = r.enrolment_id)) as oldest_waiting_at
            from roster r
            where r.site_id = $1 and ($2::uuid[] is null or r.cohort_id = any($2))
            group by r.marker_id
        ), appointed as (
            select distinct unnest(c.markers) as marker_id from cohorts c
            where c.site_id = $1 and ($2::uuid[] is null or c.cohort_id = any($2))
        )
        select json_build_object(
            'marker', case when m.marker_id is not null
                then json_build_object('id', m.marker_id, 'name', coalesce(p.name, '')) end,
            'appointed', a.marker_id is not null,
            'students', coalesce(s.students, 0), 'waiting', coalesce(s.waiting, 0),
            'passed', coalesce(s.passed, 0), 'failed', coalesce(s.failed, 0),
            'oldest_waiting_at', s.oldest_waiting_at)
        from (select marker_id from students union select marker_id from appointed) m
        left join students s on s.marker_id is not distinct from m.marker_id
        left join appointed a on a.marker_id = m.marker_id
        left join people p on p.site_id = $1 and p.person_id = m.marker_id
        order by p.name nulls first, m.marker_id";
    let cohorts: Option<Vec<_>> = cohorts.map(|cohorts| cohorts.iter().map(|cohort| cohort.0).collect());
    fetch(items(sql).bind(site.0).bind(cohorts), pool).await
}
