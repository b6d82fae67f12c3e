//! The roster of a cohort, by the students' names.

use rollbook_domain::enrolment::{AttendanceStatus, EnrolmentStatus};
use rollbook_domain::policy::RosterScope;
use rollbook_domain::{CohortId, EnrolmentId, HubId, PersonId, Personal, SiteId};
use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::{Deserialize as _, Serialize};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{FromRow, PgPool, Postgres, Row};
use uuid::Uuid;

use super::ReflectionState;
use crate::models::hubs_of;
use crate::{ByWeek, Moment, Page, Paged, QueryError};

/// A student as rosters show them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RosterItem {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
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
    pub attendance: ByWeek<AttendanceStatus>,
    /// How many sessions are marked absent.
    pub absences: u8,
    /// Whether the absence flag is open.
    pub flagged: bool,
    /// Who takes the reflections.
    pub marker_id: Option<PersonId>,
    /// How far each reflection is, by week; a week without one is not there.
    pub reflections: ByWeek<ReflectionState>,
}

/// Column by column, and not as JSON like other items: a roster may have a thousand of them.
impl FromRow<'_, PgRow> for RosterItem {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let week: i16 = row.try_get("week")?;
        let absences: i16 = row.try_get("absences")?;
        let json = |error: serde_json::Error| sqlx::Error::Decode(error.into());
        let status: &str = row.try_get("status")?;
        Ok(Self {
            enrolment_id: EnrolmentId(row.try_get("enrolment_id")?),
            person_id: PersonId(row.try_get("person_id")?),
            name: Personal::new(row.try_get("name")?),
            email: Personal::new(row.try_get("email")?),
            hub_id: row.try_get::<Option<Uuid>, _>("hub_id")?.map(HubId),
            hub: row.try_get("hub")?,
            status: EnrolmentStatus::deserialize(status.into_deserializer()).map_err(json)?,
            week: u8::try_from(week).unwrap_or(u8::MAX),
            held: row.try_get("held")?,
            held_reason: row.try_get::<Option<String>, _>("held_reason")?.map(Personal::new),
            attendance: row.try_get("attendance")?,
            absences: u8::try_from(absences).unwrap_or(u8::MAX),
            flagged: row.try_get("flagged")?,
            marker_id: row.try_get::<Option<Uuid>, _>("marker_id")?.map(PersonId),
            reflections: row.try_get("reflections")?,
        })
    }
}

/// Which rows of a roster are asked for.
#[derive(Clone, Debug)]
pub struct RosterFilter {
    /// The part of the roster that the reader sees.
    pub scope: RosterScope,
    /// Students of this hub.
    pub hub_id: Option<HubId>,
    /// Only with, or only without an open absence flag.
    pub flagged: Option<bool>,
    /// Only held, or only not held.
    pub held: Option<bool>,
}

impl RosterFilter {
    /// Everybody whom the reader sees.
    pub fn all(scope: RosterScope) -> Self {
        Self { scope, hub_id: None, flagged: None, held: None }
    }
}

/// The columns and joins of a roster's item; the predicate of the site is `$1`.
pub(crate) const ITEM: &str = "select r.enrolment_id, r.cohort_id, r.person_id, coalesce(p.name, '') as name,
        coalesce(p.email, '') as email, r.hub_id, h.name as hub, r.status, r.week, r.held, r.held_reason, r.attendance,
        r.absences, r.flagged, r.marker_id, r.reflections
    from roster r
    left join people p on p.site_id = r.site_id and p.person_id = r.person_id
    left join hubs h on h.site_id = r.site_id and h.hub_id = r.hub_id
    where r.site_id = $1";

/// The name that an enrolment is sorted by.
pub(crate) const NAME_OF: &str = "select coalesce(p.name, '') from roster r
    left join people p on p.site_id = r.site_id and p.person_id = r.person_id
    where r.site_id = $1 and r.enrolment_id = $2";

/// A cohort's roster, by name, of all statuses.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    filter: &RosterFilter,
    page: &Page,
) -> Result<Paged<RosterItem>, QueryError> {
    let after = page.sorted_id(pool, site, NAME_OF).await?;
    let query = &sql();
    let query = bound(sqlx::query_as(query), site, cohort, filter, after, page);
    Ok(page.cut(query.fetch_all(pool).await?, |r| r.enrolment_id.to_string()))
}

/// The enrolments of a cohort, of all statuses, that somebody sees now.
pub async fn seen(
    pool: &PgPool,
    site: SiteId,
    cohort: CohortId,
    scope: &RosterScope,
) -> Result<Vec<EnrolmentId>, QueryError> {
    let sql = "select enrolment_id from roster
        where site_id = $1 and cohort_id = $2 and ($3::uuid[] is null or hub_id = any($3))";
    let query = sqlx::query_scalar::<_, Uuid>(sql).bind(site.0).bind(cohort.0).bind(hubs_of(scope));
    Ok(query.fetch_all(pool).await?.into_iter().map(EnrolmentId).collect())
}

/// The same list of a moment of the past, which holds only whom the reader sees today, wherever they met then.
pub async fn list_as_of(
    pool: &PgPool,
    moment: &Moment,
    cohort: CohortId,
    filter: &RosterFilter,
    page: &Page,
) -> Result<Paged<RosterItem>, QueryError> {
    let filter = &RosterFilter { scope: RosterScope::Whole, ..filter.clone() };
    let id = page.id()?;
    let name = id.map(|id| moment.name_of(id.into()).map(str::to_owned).ok_or(QueryError::BadCursor)).transpose()?;
    let query = &Moment::over(PARAMETERS + 1, &sql());
    let query = bound(sqlx::query_as(query), moment.site(), cohort, filter, (name, id), page)
        .bind(moment.rows()?)
        .persistent(false);
    Ok(page.cut(query.fetch_all(pool).await?, |r| r.enrolment_id.to_string()))
}

/// How many parameters the statement has.
const PARAMETERS: usize = 9;

fn sql() -> String {
    format!(
        "{ITEM}
            and r.cohort_id = $2
            and ($3::uuid[] is null or r.hub_id = any($3))
            and ($4::uuid is null or r.hub_id = $4)
            and ($5::bool is null or r.flagged = $5)
            and ($6::bool is null or r.held = $6)
            and ($7::text is null or (coalesce(p.name, ''), r.enrolment_id) > ($7, $8))
        order by coalesce(p.name, ''), r.enrolment_id limit $9"
    )
}

type PgItems<'q> = QueryAs<'q, Postgres, RosterItem, PgArguments>;

fn bound<'q>(
    query: PgItems<'q>,
    site: SiteId,
    cohort: CohortId,
    filter: &RosterFilter,
    (name, id): (Option<String>, Option<Uuid>),
    page: &Page,
) -> PgItems<'q> {
    query
        .bind(site.0)
        .bind(cohort.0)
        .bind(hubs_of(&filter.scope))
        .bind(filter.hub_id.map(|hub| hub.0))
        .bind(filter.flagged)
        .bind(filter.held)
        .bind(name)
        .bind(id)
        .bind(page.rows())
}
