//! People: who they are, how they are reached, and their standing in the site. Appointments are facts of cohorts and hubs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rollbook_domain::person::{PersonEvent, Role};
use rollbook_domain::text::email_key;
use rollbook_domain::{Event, PersonId, Personal, SiteId, StreamType};
use rollbook_store::{Recorded, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::{fetch, fetch_one, items};
use crate::{Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct People;

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Who.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they get mail.
    pub email: Personal<String>,
    /// The address in the form in which two are compared.
    pub email_key: Personal<String>,
    /// Their id in another system.
    pub external_id: Option<Personal<String>>,
    /// Their roles in the site.
    pub roles: BTreeSet<Role>,
    /// Whether they may act.
    pub active: bool,
    /// When they became known.
    pub registered_at: DateTime<Utc>,
    /// The stream's version.
    pub version: i64,
}

impl ReadModel for People {
    const NAME: &'static str = "people";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "people";
    const KEY: &'static [&'static str] = &["person_id"];
    const COLUMNS: &'static [&'static str] =
        &["name", "email", "email_key", "external_id", "roles", "active", "registered_at", "version"];
    const STREAMS: &'static [StreamType] = &[StreamType::Person];

    type Key = PersonId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<PersonId> {
        let Event::Person(_) = &event.event else { return Vec::new() };
        vec![PersonId(event.stream.id)]
    }

    fn key(row: &Row) -> PersonId {
        row.person_id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Person(happened) = &event.event else { return };
        let person_id = PersonId(event.stream.id);
        if let PersonEvent::PersonRegistered { name, email, external_id, origin: _ } = happened {
            rows.put(Row {
                person_id,
                name: name.clone(),
                email: email.clone(),
                email_key: email_key(email.as_str()).into(),
                external_id: external_id.clone(),
                roles: BTreeSet::new(),
                active: true,
                registered_at: event.recorded_at,
                version: event.sequence,
            });
        }
        rows.update(person_id, |row| {
            row.version = event.sequence;
            match happened {
                PersonEvent::PersonRegistered { .. }
                | PersonEvent::AccessEnded {}
                | PersonEvent::OwnerReleased {}
                | PersonEvent::SecondFactorAdded { .. }
                | PersonEvent::SecondFactorRemoved { .. } => {}
                PersonEvent::PersonCorrected { name, email, .. } => {
                    if let Some(name) = name {
                        row.name = name.clone();
                    }
                    if let Some(email) = email {
                        row.email = email.clone();
                        row.email_key = email_key(email.as_str()).into();
                    }
                }
                PersonEvent::ExternalIdAssigned { external_id } => row.external_id = Some(external_id.clone()),
                PersonEvent::RoleGranted { role, bootstrapped: _ } => {
                    row.roles.insert(*role);
                }
                PersonEvent::RoleRevoked { role } => {
                    row.roles.remove(role);
                }
                PersonEvent::PersonDeactivated { reason: _ } => row.active = false,
                PersonEvent::PersonReactivated {} => row.active = true,
            }
        });
    }
}

/// A person as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonItem {
    /// Who.
    pub person_id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
    /// Where they get mail.
    pub email: Personal<String>,
    /// Their id in another system.
    pub external_id: Option<Personal<String>>,
    /// Their roles in the site.
    pub roles: BTreeSet<Role>,
    /// Whether they may act.
    pub active: bool,
    /// When they became known.
    pub registered_at: DateTime<Utc>,
    /// What `If-Match` takes.
    pub version: i64,
}

/// A site's people, by name.
pub async fn list(pool: &PgPool, site: SiteId, page: &Page) -> Result<Paged<PersonItem>, QueryError> {
    let key = "select name from people where site_id = $1 and person_id = $2";
    let (name, id) = page.sorted_id(pool, site, key).await?;
    let sql = "select row_to_json(p) from people p
        where site_id = $1 and ($2::text is null or (name, person_id) > ($2, $3))
        order by name, person_id limit $4";
    let people = fetch(items::<PersonItem>(sql).bind(site.0).bind(name).bind(id).bind(page.rows()), pool).await?;
    Ok(page.cut(people, |p| p.person_id.to_string()))
}

/// The owners of a site, whether or not they may act.
pub async fn owners(pool: &PgPool, site: SiteId) -> Result<Vec<PersonId>, QueryError> {
    let sql = "select person_id from people where site_id = $1 and roles @> array['owner'] order by person_id";
    let owners: Vec<Uuid> = sqlx::query_scalar(sql).bind(site.0).fetch_all(pool).await.map_err(StoreError::from)?;
    Ok(owners.into_iter().map(PersonId).collect())
}

/// One person.
pub async fn get(pool: &PgPool, site: SiteId, person: PersonId) -> Result<Option<PersonItem>, QueryError> {
    let sql = "select row_to_json(p) from people p where site_id = $1 and person_id = $2";
    fetch_one(items(sql).bind(site.0).bind(person.0), pool).await
}

/// The person who has an address, in any case.
pub async fn by_email(pool: &PgPool, site: SiteId, email: &str) -> Result<Option<PersonItem>, QueryError> {
    let sql = "select row_to_json(p) from people p where site_id = $1 and email_key = $2 limit 1";
    fetch_one(items(sql).bind(site.0).bind(email_key(email)), pool).await
}
