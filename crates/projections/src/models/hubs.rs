//! Hubs: where students meet, and who looks after them.

use std::collections::BTreeSet;

use rollbook_domain::hub::HubEvent;
use rollbook_domain::{Event, HubId, PersonId, SiteId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{PersonRef, fetch, fetch_one, items};
use crate::{Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct Hubs;

/// A hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which.
    pub hub_id: HubId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: Option<String>,
    /// Who looks after it.
    pub coordinator_id: Option<PersonId>,
    /// Whether nobody meets there any more.
    pub closed: bool,
    /// The stream's version.
    pub version: i64,
}

impl ReadModel for Hubs {
    const NAME: &'static str = "hubs";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "hubs";
    const KEY: &'static [&'static str] = &["hub_id"];
    const COLUMNS: &'static [&'static str] = &["name", "place", "coordinator_id", "closed", "version"];
    const STREAMS: &'static [StreamType] = &[StreamType::Hub];

    type Key = HubId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<HubId> {
        let Event::Hub(_) = &event.event else { return Vec::new() };
        vec![HubId(event.stream.id)]
    }

    fn key(row: &Row) -> HubId {
        row.hub_id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Hub(happened) = &event.event else { return };
        let hub_id = HubId(event.stream.id);
        if let HubEvent::HubFounded { name, place } = happened {
            let (name, place) = (name.clone(), place.clone());
            rows.put(Row { hub_id, name, place, coordinator_id: None, closed: false, version: event.sequence });
        }
        rows.update(hub_id, |row| {
            row.version = event.sequence;
            match happened {
                HubEvent::HubFounded { name: _, place: _ } => {}
                HubEvent::HubRenamed { name, place } => {
                    row.name.clone_from(name);
                    row.place.clone_from(place);
                }
                HubEvent::CoordinatorAppointed { person_id } => row.coordinator_id = Some(*person_id),
                HubEvent::CoordinatorDismissed { person_id: _ } => row.coordinator_id = None,
                HubEvent::HubClosed {} => {
                    row.closed = true;
                    row.coordinator_id = None;
                }
            }
        });
    }
}

/// A hub as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HubItem {
    /// Which.
    pub hub_id: HubId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: Option<String>,
    /// Who looks after it.
    pub coordinator: Option<PersonRef>,
    /// How many active students meet there now.
    pub students: u32,
    /// Whether nobody meets there any more.
    pub closed: bool,
    /// What `If-Match` takes.
    pub version: i64,
}

const ITEM: &str = "select h.hub_id, h.name, h.place, h.closed, h.version,
        case when h.coordinator_id is not null
            then json_build_object('id', h.coordinator_id, 'name', coalesce(p.name, '')) end as coordinator,
        (select count(*) from roster r
            where r.site_id = h.site_id and r.hub_id = h.hub_id and r.status = 'active') as students
    from hubs h left join people p on p.site_id = h.site_id and p.person_id = h.coordinator_id
    where h.site_id = $1";

/// A site's hubs, by name; only these, where it is said which.
pub async fn list(
    pool: &PgPool,
    site: SiteId,
    only: Option<&BTreeSet<HubId>>,
    page: &Page,
) -> Result<Paged<HubItem>, QueryError> {
    let key = "select name from hubs where site_id = $1 and hub_id = $2";
    let (name, id) = page.sorted_id(pool, site, key).await?;
    let only: Option<Vec<_>> = only.map(|hubs| hubs.iter().map(|hub| hub.0).collect());
    let sql = format!(
        "select row_to_json(q) from (
            {ITEM} and ($2::uuid[] is null or h.hub_id = any($2)) and ($3::text is null or (h.name, h.hub_id) > ($3, $4))
            order by h.name, h.hub_id limit $5
        ) q"
    );
    let query = items::<HubItem>(&sql).bind(site.0).bind(only).bind(name).bind(id).bind(page.rows());
    Ok(page.cut(fetch(query, pool).await?, |h| h.hub_id.to_string()))
}

/// One hub.
pub async fn get(pool: &PgPool, site: SiteId, hub: HubId) -> Result<Option<HubItem>, QueryError> {
    let sql = format!("select row_to_json(q) from ({ITEM} and h.hub_id = $2) q");
    fetch_one(items(&sql).bind(site.0).bind(hub.0), pool).await
}
