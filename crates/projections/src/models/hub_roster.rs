//! Who meets in a hub now, over all cohorts.

use rollbook_domain::{CohortId, HubId, SiteId};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};

use super::roster::{self, RosterItem};
use crate::{Page, Paged, QueryError};

/// A student as a hub's roster shows them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HubRosterItem {
    /// In which cohort.
    pub cohort_id: CohortId,
    /// What the cohort is called.
    pub cohort: String,
    /// The roster's row.
    #[serde(flatten)]
    pub student: RosterItem,
}

/// A hub's active students, by name.
pub async fn list(pool: &PgPool, site: SiteId, hub: HubId, page: &Page) -> Result<Paged<HubRosterItem>, QueryError> {
    let (name, id) = page.sorted_id(pool, site, roster::NAME_OF).await?;
    let sql = format!(
        "select q.*, coalesce(c.name, '') as cohort
        from (
            {item}
                and r.hub_id = $2
                and r.status = 'active'
                and ($3::text is null or (coalesce(p.name, ''), r.enrolment_id) > ($3, $4))
            order by coalesce(p.name, ''), r.enrolment_id limit $5
        ) q left join cohorts c on c.site_id = $1 and c.cohort_id = q.cohort_id
        order by q.name, q.enrolment_id",
        item = roster::ITEM
    );
    let query = sqlx::query_as(&sql).bind(site.0).bind(hub.0).bind(name).bind(id).bind(page.rows());
    Ok(page.cut(query.fetch_all(pool).await?, |item: &HubRosterItem| item.student.enrolment_id.to_string()))
}

impl FromRow<'_, PgRow> for HubRosterItem {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            cohort_id: CohortId(row.try_get("cohort_id")?),
            cohort: row.try_get("cohort")?,
            student: RosterItem::from_row(row)?,
        })
    }
}
