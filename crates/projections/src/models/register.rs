//! The register of one session: every active student, with their mark or without one.

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{AttendanceStatus, Venue};
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{Authority, CohortId, EnrolmentId, HubId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{PersonRef, fetch, hubs_of, items, roster};
use crate::{Page, Paged, QueryError};

/// A student in a register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterItem {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Who.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they meet now; null is the flagship.
    pub hub_id: Option<HubId>,
    /// What that hub is called.
    pub hub: Option<String>,
    /// Whether they were there; null while nobody said.
    pub status: Option<AttendanceStatus>,
    /// Where they took part.
    pub place: Option<Venue>,
    /// A remark.
    pub note: Option<Personal<String>>,
    /// Who said so; null is the system, or nobody yet.
    pub by: Option<PersonRef>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// When.
    pub marked_at: Option<DateTime<Utc>>,
}

/// The register of a cohort's session, by name.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    week: u8,
    scope: &RosterScope,
    page: &Page,
) -> Result<Paged<RegisterItem>, QueryError> {
    let (name, id) = page.sorted_id(pool, site, roster::NAME_OF).await?;
    let sql = "select row_to_json(q) from (
            select r.enrolment_id, r.person_id, coalesce(p.name, '') as name, r.hub_id, h.name as hub,
                d.mark ->> 'status' as status, d.mark ->> 'place' as place, d.mark ->> 'note' as note,
                d.mark ->> 'authority' as authority, d.mark ->> 'marked_at' as marked_at,
                case when d.mark ->> 'by' is not null
                    then json_build_object('id', d.mark ->> 'by', 'name', coalesce(w.name,
                        case when d.mark ->> 'authority' = 'super_admin' then 'Super admin' else '' end)) end as by
            from roster r
            cross join lateral (select r.attendance_records -> $3::int::text as mark) d
            left join people p on p.site_id = r.site_id and p.person_id = r.person_id
            left join people w on w.site_id = r.site_id and w.person_id = (d.mark ->> 'by')::uuid
                and d.mark ->> 'authority' is distinct from 'super_admin'
            left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
            where r.site_id = $1 and r.cohort_id = $2 and r.status = 'active'
                and ($4::uuid[] is null or r.hub_id = any($4))
                and ($5::text is null or (coalesce(p.name, ''), r.enrolment_id) > ($5, $6))
            order by coalesce(p.name, ''), r.enrolment_id limit $7
        ) q";
    let query = items::<RegisterItem>(sql)
        .bind(site.0)
        .bind(cohort.0)
        .bind(i32::from(week))
        .bind(hubs_of(scope))
        .bind(name)
        .bind(id)
        .bind(page.rows());
    Ok(page.cut(fetch(query, pool).await?, |r| r.enrolment_id.to_string()))
}
