//! Who meets in a hub now, over all cohorts.

use rollbook_domain::{CohortId, HubId, SiteId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::roster::{self, RosterItem};
use super::{fetch, items};
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
        "select json_build_object('student', row_to_json(q), 'cohort_id', q.cohort_id, 'cohort', coalesce(c.name, ''))
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
    let query = items::<Fetched>(&sql).bind(site.0).bind(hub.0).bind(name).bind(id).bind(page.rows());
    let students = fetch(query, pool).await?.into_iter().map(HubRosterItem::from).collect();
    Ok(page.cut(students, |item: &HubRosterItem| item.student.enrolment_id.to_string()))
}

/// The item as it comes from the database: serde cannot read maps by number through a flattened field.
#[derive(Deserialize)]
struct Fetched {
    cohort_id: CohortId,
    cohort: String,
    student: RosterItem,
}

impl From<Fetched> for HubRosterItem {
    fn from(Fetched { cohort_id, cohort, student }: Fetched) -> Self {
        Self { cohort_id, cohort, student }
    }
}
