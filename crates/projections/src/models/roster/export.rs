//! Every row of the roster with its names, of a site or of a cohort, in one reading that holds none of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use rollbook_domain::enrolment::{AttendanceStatus, EnrolmentStatus};
use rollbook_domain::{CohortId, EnrolmentId, HubId, PersonId, Personal, SiteId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::types::Json;

use super::ReflectionState;
use crate::QueryError;
use crate::models::items;

/// A student in a cohort, for analysts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RosterLine {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// In which cohort.
    pub cohort_id: CohortId,
    /// What the cohort is called.
    pub cohort: String,
    /// Who.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they get mail.
    pub email: Personal<String>,
    /// Where they meet now; null is the flagship.
    pub hub_id: Option<HubId>,
    /// What that hub is called.
    pub hub: Option<String>,
    /// Where the enrolment stands.
    pub status: EnrolmentStatus,
    /// The week the student sees.
    pub week: u8,
    /// Whether they stay in that week.
    pub held: bool,
    /// Why.
    pub held_reason: Option<Personal<String>>,
    /// The record of each session, by week; a week without one is not there.
    pub attendance: BTreeMap<u8, AttendanceStatus>,
    /// How many sessions are marked absent.
    pub absences: u8,
    /// Whether the absence flag is open.
    pub flagged: bool,
    /// Who takes the reflections.
    pub marker_id: Option<PersonId>,
    /// What they are called.
    pub marker: Option<Personal<String>>,
    /// How far each reflection is, by week; a week without one is not there.
    pub reflections: BTreeMap<u8, ReflectionState>,
    /// The enrolment that they were moved from.
    pub moved_from: Option<EnrolmentId>,
    /// The enrolment that they were moved to.
    pub moved_to: Option<EnrolmentId>,
    /// When they were enrolled.
    pub enrolled_at: DateTime<Utc>,
}

/// The rows of a site, or of one cohort, by cohort and name. One statement, so that all rows are of the same moment; it
/// takes a connection until the last row, or until the stream is dropped.
pub fn lines(pool: &PgPool, site: SiteId, cohort: Option<CohortId>) -> BoxStream<'_, Result<RosterLine, QueryError>> {
    let sql = "select row_to_json(q) from (
            select r.enrolment_id, r.cohort_id, coalesce(c.name, '') as cohort, r.person_id,
                coalesce(p.name, '') as name, coalesce(p.email, '') as email, r.hub_id, h.name as hub, r.status, r.week,
                r.held, r.held_reason, r.attendance, r.absences, r.flagged, r.marker_id, k.name as marker,
                r.reflections, r.moved_from, r.moved_to, r.enrolled_at
            from roster r
            left join cohorts c on c.site_id = r.site_id and c.cohort_id = r.cohort_id
            left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            left join people k on k.site_id = r.site_id and k.person_id = r.marker_id
            left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
            where r.site_id = $1 and ($2::uuid is null or r.cohort_id = $2)
            order by c.starts_on, r.cohort_id, coalesce(p.name, ''), r.enrolment_id
        ) q";
    let rows = items::<RosterLine>(sql).bind(site.0).bind(cohort.map(|cohort| cohort.0)).fetch(pool);
    Box::pin(rows.map_ok(|Json(line)| line).map_err(QueryError::from))
}

/// The enrolments that there ever were in a site, or in one cohort.
pub async fn enrolments(pool: &PgPool, site: SiteId, cohort: Option<CohortId>) -> Result<Vec<EnrolmentId>, QueryError> {
    let sql = "select enrolment_id from roster where site_id = $1 and ($2::uuid is null or cohort_id = $2)";
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar(sql).bind(site.0).bind(cohort.map(|cohort| cohort.0)).fetch_all(pool).await?;
    Ok(ids.into_iter().map(EnrolmentId::from).collect())
}
