//! Absence flags: every flag that was ever raised, with the weeks that raised it and how it ended.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{AttendanceEvent, EnrolmentEvent};
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{CohortId, EnrolmentId, Event, Personal, SiteId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{Items, fetch, hubs_of, items};
use crate::page::part;
use crate::{Moment, Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct AbsenceFlags;

/// A flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// The enrolment's first is 1.
    pub flag: u16,
    /// The weeks that were missed when it was raised.
    pub missed_weeks: BTreeSet<u8>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// When a correction took it back.
    pub cleared_at: Option<DateTime<Utc>>,
    /// When somebody talked to the student.
    pub resolved_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub reason: Option<Personal<String>>,
}

impl ReadModel for AbsenceFlags {
    const NAME: &'static str = "absence_flags";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "absence_flags";
    const KEY: &'static [&'static str] = &["enrolment_id", "flag"];
    const COLUMNS: &'static [&'static str] = &["missed_weeks", "raised_at", "cleared_at", "resolved_at", "reason"];
    const STREAMS: &'static [StreamType] = &[StreamType::Enrolment];

    type Key = (EnrolmentId, u16);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        let Event::Enrolment(EnrolmentEvent::Attendance(happened)) = &event.event else { return Vec::new() };
        flag_of(happened).map(|flag| (EnrolmentId(event.stream.id), flag)).into_iter().collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.enrolment_id, row.flag)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Enrolment(EnrolmentEvent::Attendance(happened)) = &event.event else { return };
        let (enrolment_id, at) = (EnrolmentId(event.stream.id), event.recorded_at);
        match happened {
            AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks } => rows.put(Row {
                enrolment_id,
                flag: *flag,
                missed_weeks: missed_weeks.clone(),
                raised_at: at,
                cleared_at: None,
                resolved_at: None,
                reason: None,
            }),
            AttendanceEvent::AbsenceFlagResolved { flag, reason } => rows.update((enrolment_id, *flag), |row| {
                row.resolved_at = Some(at);
                row.reason = Some(reason.clone());
            }),
            AttendanceEvent::AbsenceFlagCleared { flag, missed_weeks: _ } => {
                rows.update((enrolment_id, *flag), |row| row.cleared_at = Some(at));
            }
            AttendanceEvent::AttendanceMarked { .. } => {}
        }
    }
}

/// Which flag an event is about.
fn flag_of(event: &AttendanceEvent) -> Option<u16> {
    match event {
        AttendanceEvent::AbsenceFlagRaised { flag, missed_weeks: _ }
        | AttendanceEvent::AbsenceFlagCleared { flag, missed_weeks: _ }
        | AttendanceEvent::AbsenceFlagResolved { flag, reason: _ } => Some(*flag),
        AttendanceEvent::AttendanceMarked { .. } => None,
    }
}

/// A flag as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagItem {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// The student, as they write it.
    pub name: Personal<String>,
    /// The enrolment's first is 1.
    pub flag: u16,
    /// The weeks that were missed when it was raised.
    pub missed_weeks: BTreeSet<u8>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// When a correction took it back.
    pub cleared_at: Option<DateTime<Utc>>,
    /// When somebody talked to the student.
    pub resolved_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub reason: Option<Personal<String>>,
}

const ITEM: &str = "select f.enrolment_id, coalesce(p.name, '') as name, f.flag, f.missed_weeks, f.raised_at,
        f.cleared_at, f.resolved_at, f.reason
    from absence_flags f
    join roster r on r.site_id = f.site_id and r.enrolment_id = f.enrolment_id
    left join people p on p.site_id = r.site_id and p.person_id = r.person_id
    where f.site_id = $1";

/// A cohort's flags, open and past, the oldest first.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    scope: &RosterScope,
    page: &Page,
) -> Result<Paged<FlagItem>, QueryError> {
    let query = &sql();
    let query = bound(items(query), site, cohort, scope, page)?;
    Ok(page.cut(fetch(query, pool).await?, cursor))
}

/// The same of a moment of the past, which holds only whom the reader sees today, wherever they met then.
pub async fn list_as_of(
    pool: &PgPool,
    moment: &Moment,
    cohort: CohortId,
    page: &Page,
) -> Result<Paged<FlagItem>, QueryError> {
    let query = &Moment::over(PARAMETERS + 1, &sql());
    let query =
        bound(items(query), moment.site(), cohort, &RosterScope::Whole, page)?.bind(moment.rows()?).persistent(false);
    Ok(page.cut(fetch(query, pool).await?, cursor))
}

/// How many parameters the statement has.
const PARAMETERS: usize = 7;

fn sql() -> String {
    format!(
        "select row_to_json(q) from (
            {ITEM}
                and r.cohort_id = $2
                and ($3::uuid[] is null or r.hub_id = any($3))
                and ($4::timestamptz is null or (f.raised_at, f.enrolment_id, f.flag) > ($4, $5, $6))
            order by f.raised_at, f.enrolment_id, f.flag limit $7
        ) q"
    )
}

fn bound<'q>(
    query: Items<'q, FlagItem>,
    site: SiteId,
    cohort: CohortId,
    scope: &RosterScope,
    page: &Page,
) -> Result<Items<'q, FlagItem>, QueryError> {
    let (micros, id, flag) = match page.cursor()? {
        Some([micros, id, flag]) => {
            (Some(part::<i64>(micros)?), Some(part::<EnrolmentId>(id)?.0), Some(part::<i32>(flag)?))
        }
        None => (None, None, None),
    };
    let raised_at = micros.map(|m| DateTime::from_timestamp_micros(m).ok_or(QueryError::BadCursor)).transpose()?;
    Ok(query.bind(site.0).bind(cohort.0).bind(hubs_of(scope)).bind(raised_at).bind(id).bind(flag).bind(page.rows()))
}

fn cursor(item: &FlagItem) -> String {
    format!("{}.{}.{}", item.raised_at.timestamp_micros(), item.enrolment_id, item.flag)
}

/// One enrolment's flags, the oldest first.
pub async fn of_enrolment(pool: &PgPool, site: SiteId, enrolment: EnrolmentId) -> Result<Vec<FlagItem>, QueryError> {
    let sql = format!("select row_to_json(q) from ({ITEM} and f.enrolment_id = $2 order by f.flag) q");
    fetch(items(&sql).bind(site.0).bind(enrolment.0), pool).await
}
