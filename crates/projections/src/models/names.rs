//! The names behind ids, many at once, for lists that are made of events rather than of rows.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::{Authority, HubId, PersonId, Personal, SiteId};
use rollbook_store::Recorded;
use sqlx::PgPool;
use uuid::Uuid;

use super::PersonRef;
use crate::QueryError;

/// What a super admin is called in a site that does not know them: they are a person of the default site.
const SUPER_ADMIN: &str = "Super admin";

/// Who did something, by the names of the site's people. A guest has none of them, whoever is registered under the same id.
pub fn actor(event: &Recorded, names: &BTreeMap<PersonId, Personal<String>>) -> Option<PersonRef> {
    let super_admin = event.authority == Some(Authority::SuperAdmin);
    let unknown = if super_admin { SUPER_ADMIN } else { "" };
    let known = |id| names.get(&id).filter(|_| !super_admin || event.site == SiteId::DEFAULT).cloned();
    event.actor.map(|id| PersonRef { id, name: known(id).unwrap_or_else(|| unknown.into()) })
}

/// The names of people; whoever the read model does not know is not there.
pub async fn person_names(
    pool: &PgPool,
    site: SiteId,
    people: &BTreeSet<PersonId>,
) -> Result<BTreeMap<PersonId, Personal<String>>, QueryError> {
    let ids: Vec<Uuid> = people.iter().map(|person| person.0).collect();
    let sql = "select person_id, name from people where site_id = $1 and person_id = any($2)";
    let named: Vec<(Uuid, String)> = sqlx::query_as(sql).bind(site.0).bind(ids).fetch_all(pool).await?;
    Ok(named.into_iter().map(|(id, name)| (id.into(), name.into())).collect())
}

/// The names of hubs; those that the read model does not know are not there.
pub async fn hub_names(
    pool: &PgPool,
    site: SiteId,
    hubs: &BTreeSet<HubId>,
) -> Result<BTreeMap<HubId, String>, QueryError> {
    let ids: Vec<Uuid> = hubs.iter().map(|hub| hub.0).collect();
    let sql = "select hub_id, name from hubs where site_id = $1 and hub_id = any($2)";
    let named: Vec<(Uuid, String)> = sqlx::query_as(sql).bind(site.0).bind(ids).fetch_all(pool).await?;
    Ok(named.into_iter().map(|(id, name)| (id.into(), name)).collect())
}
