//! The queries over cohorts.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime};
use rollbook_domain::cohort::{CohortStatus, Zone};
use rollbook_domain::{CohortId, HubId, ModuleId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::Session;
use crate::models::{PersonRef, fetch, fetch_one, items};
use crate::page::{day, part};
use crate::{Page, Paged, QueryError};

/// A cohort as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CohortItem {
    /// Which.
    pub cohort_id: CohortId,
    /// Of which module.
    pub module_id: ModuleId,
    /// What the module is called.
    pub module: String,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub status: CohortStatus,
    /// The local date of the first session.
    pub starts_on: NaiveDate,
    /// The local time at which sessions begin.
    pub session_start: NaiveTime,
    /// How long sessions are, in minutes.
    pub session_minutes: u16,
    /// Where its dates are computed.
    pub timezone: Zone,
    /// The most active students; null means unlimited.
    pub capacity: Option<u32>,
    /// How many students it has.
    pub active_students: u32,
    /// How many absences raise the flag.
    pub absence_threshold: u8,
    /// How many days after the last session a reflection may still be handed in.
    pub reflection_grace_days: u16,
    /// Its sessions, in the order of weeks.
    pub sessions: Vec<SessionItem>,
    /// Who may mark, by name.
    pub markers: Vec<PersonRef>,
    /// Who teaches, leads first.
    pub instructors: Vec<InstructorItem>,
    /// What `If-Match` takes.
    pub version: i64,
}

/// A weekly session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionItem {
    /// 1 is the first.
    pub week: u8,
    /// When and how long, whether as planned, and what it was before.
    #[serde(flatten)]
    pub session: Session,
}

/// Somebody who teaches a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstructorItem {
    /// Who.
    pub id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Whether as the lead.
    pub lead: bool,
}

/// Which cohorts are asked for.
#[derive(Clone, Debug, Default)]
pub struct CohortFilter {
    /// Runs of this module.
    pub module_id: Option<ModuleId>,
    /// Those that stand there.
    pub status: Option<CohortStatus>,
    /// These only, such as those that a reader sees.
    pub only: Option<BTreeSet<CohortId>>,
}

const ITEM: &str = "select c.cohort_id, c.module_id, coalesce(m.title, '') as module, c.name, c.status, c.starts_on,
        c.session_start, c.session_minutes, c.timezone, c.capacity, c.absence_threshold, c.reflection_grace_days,
        c.version,
        (select coalesce(json_agg(jsonb_build_object('week', s.key::int) || s.value order by s.key::int), '[]')
            from jsonb_each(c.sessions) s) as sessions,
        (select coalesce(json_agg(json_build_object('id', k.id, 'name', coalesce(p.name, '')) order by p.name, k.id),
                '[]')
            from unnest(c.markers) k (id) left join people p on p.site_id = c.site_id and p.person_id = k.id) as markers,
        (select coalesce(json_agg(json_build_object('id', i.key, 'name', coalesce(p.name, ''), 'lead', i.value)
                order by i.value::bool desc, p.name, i.key), '[]')
            from jsonb_each(c.instructors) i
            left join people p on p.site_id = c.site_id and p.person_id = i.key::uuid) as instructors,
        (select count(*) from roster r
            where r.site_id = c.site_id and r.cohort_id = c.cohort_id and r.status = 'active') as active_students
    from cohorts c left join modules m on m.site_id = c.site_id and m.module_id = c.module_id
    where c.site_id = $1";

/// A site's cohorts, the newest start first.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    filter: &CohortFilter,
    page: &Page,
) -> Result<Paged<CohortItem>, QueryError> {
    let (starts_on, id) = match page.cursor()? {
        Some([starts_on, id]) => (Some(day(starts_on)?), Some(part::<CohortId>(id)?.0)),
        None => (None, None),
    };
    let sql = format!(
        "select row_to_json(q) from (
            {ITEM}
                and ($2::uuid is null or c.module_id = $2)
                and ($3::text is null or c.status = $3)
                and ($4::uuid[] is null or c.cohort_id = any($4))
                and ($5::date is null or (c.starts_on, c.cohort_id) < ($5, $6))
            order by c.starts_on desc, c.cohort_id desc limit $7
        ) q"
    );
    let only: Option<Vec<_>> = filter.only.as_ref().map(|cohorts| cohorts.iter().map(|cohort| cohort.0).collect());
    let status: Option<&'static str> = filter.status.map(Into::into);
    let query = items::<CohortItem>(&sql)
        .bind(site.0)
        .bind(filter.module_id.map(|module| module.0))
        .bind(status)
        .bind(only)
        .bind(starts_on)
        .bind(id)
        .bind(page.rows());
    Ok(page.cut(fetch(query, pool).await?, |c| format!("{}.{}", c.starts_on, c.cohort_id)))
}

/// One cohort.
pub async fn get(pool: &PgPool, site: SiteId, cohort: CohortId) -> Result<Option<CohortItem>, QueryError> {
    let sql = format!("select row_to_json(q) from ({ITEM} and c.cohort_id = $2) q");
    fetch_one(items(&sql).bind(site.0).bind(cohort.0), pool).await
}

/// The cohorts whose active students meet in these hubs now.
pub async fn meeting_in(pool: &PgPool, site: SiteId, hubs: &BTreeSet<HubId>) -> Result<BTreeSet<CohortId>, QueryError> {
    let sql = "select distinct cohort_id from roster where site_id = $1 and hub_id = any($2) and status = 'active'";
    let hubs: Vec<_> = hubs.iter().map(|hub| hub.0).collect();
    let cohorts: Vec<Uuid> = sqlx::query_scalar(sql).bind(site.0).bind(hubs).fetch_all(pool).await?;
    Ok(cohorts.into_iter().map(CohortId).collect())
}
