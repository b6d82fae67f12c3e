//! The read models: one file each, with its row, its fold and its queries.
//!
//! Names are never copied into rows; queries join them. The lists that are made of several models have files of their
//! own: [`advancement`], [`register`], [`hub_roster`], [`record`] and [`reader`].

pub mod absence_flags;
pub mod account_notices;
pub mod advancement;
pub mod audit_trail;
pub mod cohorts;
pub mod emails;
pub mod hub_roster;
pub mod hubs;
pub mod marking_queue;
pub mod modules;
pub mod names;
pub mod people;
pub mod reader;
pub mod record;
pub mod reflections;
pub mod register;
pub mod report;
pub mod roster;
pub mod site_settings;
pub mod sites;
pub mod syllabus;

use rollbook_domain::policy::RosterScope;
use rollbook_domain::{PersonId, Personal};
use rollbook_store::StoreError;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgPool;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use sqlx::types::Json;
use uuid::Uuid;

use crate::QueryError;

/// A person as lists show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonRef {
    /// Who.
    pub id: PersonId,
    /// As they write it.
    pub name: Personal<String>,
}

/// A query whose rows are one JSON object each: the item's fields by name.
pub(crate) type Items<'q, T> = QueryScalar<'q, sqlx::Postgres, Json<T>, PgArguments>;

/// Begins a query whose rows are one JSON object each.
pub(crate) fn items<T>(sql: &str) -> Items<'_, T>
where
    T: DeserializeOwned + Send + Unpin + 'static,
{
    sqlx::query_scalar(sql)
}

/// Fetches a query's items.
pub(crate) async fn fetch<T>(query: Items<'_, T>, pool: &PgPool) -> Result<Vec<T>, QueryError>
where
    T: DeserializeOwned + Send + Unpin + 'static,
{
    Ok(query.fetch_all(pool).await?.into_iter().map(|Json(item)| item).collect())
}

/// Fetches a query's items, each with how many bytes it has as JSON.
pub(crate) async fn fetch_weighed<T>(
    query: Items<'_, Box<RawValue>>,
    pool: &PgPool,
) -> Result<Vec<(T, usize)>, QueryError>
where
    T: DeserializeOwned,
{
    let rows = query.fetch_all(pool).await?;
    let weighed =
        rows.into_iter().map(|Json(json)| serde_json::from_str(json.get()).map(|item| (item, json.get().len())));
    Ok(weighed.collect::<Result<_, _>>().map_err(StoreError::from)?)
}

/// Fetches a query's only item.
pub(crate) async fn fetch_one<T>(query: Items<'_, T>, pool: &PgPool) -> Result<Option<T>, QueryError>
where
    T: DeserializeOwned + Send + Unpin + 'static,
{
    Ok(query.fetch_optional(pool).await?.map(|Json(item)| item))
}

/// The hubs that a scope is limited to; none is no limit.
pub(crate) fn hubs_of(scope: &RosterScope) -> Option<Vec<Uuid>> {
    match scope {
        RosterScope::Whole => None,
        RosterScope::Hubs(hubs) => Some(hubs.iter().map(|hub| hub.0).collect()),
    }
}
