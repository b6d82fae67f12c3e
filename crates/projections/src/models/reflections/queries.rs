//! Reflections as a reader may read them.

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{Outcome, Visibility};
use rollbook_domain::policy::Reader;
use rollbook_domain::{CohortId, EnrolmentId, HubId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::Marking;
use crate::models::{fetch, fetch_weighed, items};
use crate::page::{instant, part};
use crate::{Page, Paged, QueryError};

/// A reflection as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReflectionItem {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// In which cohort.
    pub cohort_id: CohortId,
    /// The student.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where the student meets now; null is the flagship.
    pub hub_id: Option<HubId>,
    /// Of which week.
    pub week: u8,
    /// What they wrote last.
    pub text: Personal<String>,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was handed in first.
    pub submitted_at: DateTime<Utc>,
    /// When it was handed in again, last.
    pub revised_at: Option<DateTime<Utc>>,
    /// How it was marked; null while it waits, and for cohort-mates.
    pub outcome: Option<Outcome>,
    /// The marker's comment; null while it waits, and for cohort-mates.
    pub feedback: Option<Personal<String>>,
    /// Who marked it.
    pub marked_by: Option<PersonId>,
    /// When.
    pub marked_at: Option<DateTime<Utc>>,
    /// When the mark was changed, last.
    pub amended_at: Option<DateTime<Utc>>,
    /// How it was marked before it was handed in again, the oldest first; empty for cohort-mates.
    pub earlier: Vec<Marking>,
}

const ITEM: &str = "select t.enrolment_id, r.cohort_id, r.person_id, coalesce(p.name, '') as name, r.hub_id, t.week,
        t.text, t.visibility, t.submitted_at, t.revised_at, t.outcome, t.feedback, t.marked_by, t.marked_at,
        t.amended_at, t.earlier
    from reflections t
    join roster r on r.site_id = t.site_id and r.enrolment_id = t.enrolment_id
    left join people p on p.site_id = r.site_id and p.person_id = r.person_id
    where t.site_id = $1";

/// A cohort's reflections that a reader may read, by week and then as they came; of one week, where it is said which.
///
/// The policy decides on every reflection; the statement leaves out beforehand only what the policy refuses anyway.
pub async fn of_cohort(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    week: Option<u8>,
    reader: &Reader,
    page: &Page,
) -> Result<Paged<ReflectionItem>, QueryError> {
    let sql = format!(
        "select row_to_json(q) from (
            {ITEM}
                and r.cohort_id = $2
                and ($3::smallint is null or t.week = $3)
                and ($4::uuid is null or t.visibility = 'cohort' or r.person_id = $4)
                and ($5::smallint is null or (t.week, t.submitted_at, t.enrolment_id) > ($5, $6, $7))
            order by t.week, t.submitted_at, t.enrolment_id limit $8
        ) q"
    );
    let mut filling = page.filling();
    while let Some(part) = filling.part() {
        let (last_week, submitted_at, id) = after(&part)?;
        let query = items(&sql)
            .bind(site.0)
            .bind(cohort.0)
            .bind(week.map(i16::from))
            .bind((!reader.marking(cohort)).then_some(reader.person.0))
            .bind(last_week)
            .bind(submitted_at)
            .bind(id)
            .bind(part.rows());
        filling.take(&part, fetch_weighed(query, pool).await?, cursor, |item| readable(reader, item));
    }
    Ok(filling.page())
}

/// One enrolment's reflections that a reader may read, by week.
pub async fn of_enrolment(
    pool: &PgPool,
    site: SiteId,
    enrolment: EnrolmentId,
    reader: &Reader,
) -> Result<Vec<ReflectionItem>, QueryError> {
    let sql = format!("select row_to_json(q) from ({ITEM} and t.enrolment_id = $2 order by t.week) q");
    let rows = fetch(items::<ReflectionItem>(&sql).bind(site.0).bind(enrolment.0), pool).await?;
    Ok(rows.into_iter().filter_map(|item| readable(reader, item)).collect())
}

/// The reflection as the reader may read it, if at all. The mark is for whoever sees the student's record; cohort-mates
/// read the text alone.
fn readable(reader: &Reader, item: ReflectionItem) -> Option<ReflectionItem> {
    let (student, cohort, hub) = (item.person_id, item.cohort_id, item.hub_id);
    if !reader.reflection(student, cohort, hub, item.week, item.visibility) {
        None
    } else if reader.record(student, cohort, hub) {
        Some(item)
    } else {
        Some(ReflectionItem {
            outcome: None,
            feedback: None,
            marked_by: None,
            marked_at: None,
            amended_at: None,
            earlier: Vec::new(),
            ..item
        })
    }
}

fn cursor(item: &ReflectionItem) -> String {
    format!("{}.{}.{}", item.week, item.submitted_at.timestamp_micros(), item.enrolment_id)
}

type After = (Option<i16>, Option<DateTime<Utc>>, Option<uuid::Uuid>);

fn after(page: &Page) -> Result<After, QueryError> {
    let Some([week, micros, id]) = page.cursor()? else { return Ok((None, None, None)) };
    let submitted_at = instant(micros)?;
    Ok((Some(part(week)?), Some(submitted_at), Some(part::<EnrolmentId>(id)?.0)))
}
