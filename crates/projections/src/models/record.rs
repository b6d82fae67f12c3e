//! The record of one enrolment: its roster row, its names and its flags.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::EnrolmentStatus;
use rollbook_domain::{CohortId, EnrolmentId, HubId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::absence_flags::FlagItem;
use super::roster::{AttendanceRecord, ReflectionState};
use super::{PersonRef, fetch_one, items};
use crate::{Moment, QueryError};

/// A student's record in a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolmentRecord {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Who.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they get mail.
    pub email: Personal<String>,
    /// In which cohort.
    pub cohort_id: CohortId,
    /// What the cohort is called.
    pub cohort: String,
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
    pub attendance: BTreeMap<u8, AttendanceRecord>,
    /// How many sessions are marked absent.
    pub absences: u8,
    /// Whether the absence flag is open.
    pub flagged: bool,
    /// Every flag there was, the oldest first.
    pub flags: Vec<FlagItem>,
    /// Who takes the reflections.
    pub marker: Option<PersonRef>,
    /// How far each reflection is, by week; their texts are a query of their own.
    pub reflections: BTreeMap<u8, ReflectionState>,
    /// The enrolment that they were moved from.
    pub moved_from: Option<EnrolmentId>,
    /// The enrolment that they were moved to.
    pub moved_to: Option<EnrolmentId>,
    /// When they were enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// What `If-Match` takes.
    pub version: i64,
}

const ITEM: &str = "select row_to_json(q) from (
        select r.enrolment_id, r.person_id, coalesce(p.name, '') as name, coalesce(p.email, '') as email,
            r.cohort_id, coalesce(c.name, '') as cohort, r.hub_id, h.name as hub, r.status, r.week, r.held,
            r.held_reason, r.attendance_records as attendance, r.absences, r.flagged, r.reflections, r.moved_from,
            r.moved_to, r.enrolled_at, r.version,
            case when r.marker_id is not null
                then json_build_object('id', r.marker_id, 'name', coalesce(k.name, '')) end as marker,
            (select coalesce(json_agg(json_build_object('enrolment_id', f.enrolment_id,
                    'name', coalesce(p.name, ''), 'flag', f.flag, 'missed_weeks', f.missed_weeks,
                    'raised_at', f.raised_at, 'cleared_at', f.cleared_at, 'resolved_at', f.resolved_at,
                    'reason', f.reason) order by f.flag), '[]')
                from absence_flags f
                where f.site_id = r.site_id and f.enrolment_id = r.enrolment_id) as flags
        from roster r
        left join people p on p.site_id = r.site_id and p.person_id = r.person_id
        left join people k on k.site_id = r.site_id and k.person_id = r.marker_id
        left join cohorts c on c.site_id = r.site_id and c.cohort_id = r.cohort_id
        left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
        where r.site_id = $1 and r.enrolment_id = $2
    ) q";

/// The record of one enrolment.
pub async fn get(pool: &PgPool, site: SiteId, enrolment: EnrolmentId) -> Result<Option<EnrolmentRecord>, QueryError> {
    fetch_one(items(ITEM).bind(site.0).bind(enrolment.0), pool).await
}

/// The same of a moment of the past.
pub async fn get_as_of(
    pool: &PgPool,
    moment: &Moment,
    enrolment: EnrolmentId,
) -> Result<Option<EnrolmentRecord>, QueryError> {
    let query = &Moment::over(3, ITEM);
    fetch_one(items(query).bind(moment.site().0).bind(enrolment.0).bind(moment.rows()?).persistent(false), pool).await
}
