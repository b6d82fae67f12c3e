//! Sites: which schools the installation has, and where each answers. Its rows are in the registry, which is the default
//! site; only super admins ask for them.

use chrono::{DateTime, Utc};
use rollbook_domain::site::{HostAdmits, SiteDatabase, SiteEvent, SiteHost, Slug};
use rollbook_domain::{Event, Personal, SiteId, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{fetch, fetch_one, items};
use crate::{Page, Paged, QueryError, ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct Sites;

/// A site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which.
    pub id: SiteId,
    /// Its short name.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Where it answers.
    pub hosts: Vec<SiteHost>,
    /// Whether it answers nobody any more.
    pub closed: bool,
    /// Why.
    pub closed_reason: Option<Personal<String>>,
    /// Who was to be its first owner; none of the default site.
    pub owner_email: Option<Personal<String>>,
    /// The owner's name, if it was said.
    pub owner_name: Option<Personal<String>>,
    /// When it was opened; none of the default site.
    pub opened_at: Option<DateTime<Utc>>,
    /// Where what belongs to it is.
    pub database: SiteDatabase,
    /// The stream's version.
    pub version: i64,
}

/// What the default site is called until somebody renames it.
const DEFAULT_NAME: &str = "Rollbook";

impl Row {
    fn new(id: SiteId, slug: &str, name: &str) -> Self {
        Self {
            id,
            slug: slug.to_owned(),
            name: name.to_owned(),
            hosts: Vec::new(),
            closed: false,
            closed_reason: None,
            owner_email: None,
            owner_name: None,
            opened_at: None,
            database: SiteDatabase::Shared,
            version: 0,
        }
    }
}

impl ReadModel for Sites {
    const NAME: &'static str = "sites";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "sites";
    const KEY: &'static [&'static str] = &["id"];
    const COLUMNS: &'static [&'static str] = &[
        "slug",
        "name",
        "hosts",
        "closed",
        "closed_reason",
        "owner_email",
        "owner_name",
        "opened_at",
        "database",
        "version",
    ];
    const STREAMS: &'static [StreamType] = &[StreamType::Site];

    type Key = SiteId;
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<SiteId> {
        let Event::Site(_) = &event.event else { return Vec::new() };
        vec![SiteId(event.stream.id)]
    }

    fn key(row: &Row) -> SiteId {
        row.id
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Site(happened) = &event.event else { return };
        let id = SiteId(event.stream.id);
        if let SiteEvent::SiteOpened { slug, name, owner_email, owner_name, owner_id: _ } = happened {
            rows.put(Row {
                owner_email: Some(owner_email.clone()),
                owner_name: owner_name.clone(),
                opened_at: Some(event.recorded_at),
                ..Row::new(id, slug, name)
            });
        } else if id == SiteId::DEFAULT && rows.get(&id).is_none() {
            // It was there before its first event.
            rows.put(Row::new(id, Slug::DEFAULT, DEFAULT_NAME));
        }
        rows.update(id, |row| {
            row.version = event.sequence;
            match happened {
                SiteEvent::SiteOpened { .. } => {}
                SiteEvent::SiteHostsSet { hosts } => row.hosts.clone_from(hosts),
                SiteEvent::SiteRenamed { name } => row.name.clone_from(name),
                SiteEvent::SiteClosed { reason } => {
                    row.closed = true;
                    row.closed_reason = Some(reason.clone());
                }
                SiteEvent::SiteReopened {} => {
                    row.closed = false;
                    row.closed_reason = None;
                }
                SiteEvent::SiteDatabaseWanted {} => row.database = SiteDatabase::Wanted,
                SiteEvent::SiteDatabaseGiven {} => row.database = SiteDatabase::Given,
                SiteEvent::SiteActivated {} => row.database = SiteDatabase::Active,
            }
        });
    }
}

/// A site as queries answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteItem {
    /// Which.
    pub site_id: SiteId,
    /// Its short name.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Where it answers; the first is where links lead.
    pub hosts: Vec<SiteHost>,
    /// Whether it answers nobody any more.
    pub closed: bool,
    /// Why.
    pub closed_reason: Option<Personal<String>>,
    /// Who was to be its first owner; null of the default site.
    pub owner_email: Option<Personal<String>>,
    /// The owner's name, if it was said.
    pub owner_name: Option<Personal<String>>,
    /// When it was opened; null of the default site.
    pub opened_at: Option<DateTime<Utc>>,
    /// Whose database holds what belongs to it.
    pub database: Holding,
    /// How far its own database is; null where it has none.
    pub database_state: Option<SiteDatabase>,
    /// What `If-Match` takes.
    pub version: i64,
}

impl SiteItem {
    /// The host that links lead to: the first by which not only staff come in.
    pub fn host_of_links(&self) -> Option<&str> {
        self.hosts.iter().find(|host| host.admits != HostAdmits::Staff).map(|host| host.host.as_str())
    }
}

/// Whose database holds what belongs to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// The installation's.
    Shared,
    /// One of its own.
    Own,
}

impl SiteItem {
    /// Where what belongs to it is, and whether it is there yet.
    pub fn holding(&self) -> SiteDatabase {
        self.database_state.unwrap_or_default()
    }

    /// Whether there is a database to answer from.
    pub fn is_ready(&self) -> bool {
        matches!(self.holding(), SiteDatabase::Shared | SiteDatabase::Active)
    }
}

/// The registry's rows, with the default site, which has none before its first event. `$1` is the default site.
fn all() -> String {
    format!(
        "with known as (
            select id as site_id, slug, name, hosts, closed, closed_reason, owner_email, owner_name, opened_at,
                case database when 'shared' then 'shared' else 'own' end as database,
                nullif(database, 'shared') as database_state, version
            from sites where site_id = $1
            union all
            select $1, '{}', '{DEFAULT_NAME}', '[]', false, null, null, null, null, 'shared', null, 0
            where not exists (select from sites where site_id = $1 and id = $1)
        )",
        Slug::DEFAULT
    )
}

/// The sites of the installation, by slug.
pub async fn list(pool: &PgPool, page: &Page) -> Result<Paged<SiteItem>, QueryError> {
    let key = format!("{} select slug from known where site_id = $2", all());
    let (slug, id) = page.sorted_id(pool, SiteId::DEFAULT, &key).await?;
    let sql = format!(
        "{} select row_to_json(k) from known k
        where $2::text is null or (slug, site_id) > ($2, $3) order by slug, site_id limit $4",
        all()
    );
    let query = items::<SiteItem>(&sql).bind(SiteId::DEFAULT.0).bind(slug).bind(id).bind(page.rows());
    Ok(page.cut(fetch(query, pool).await?, |site| site.site_id.to_string()))
}

/// Every site of the installation: what requests are told apart by.
pub async fn every(pool: &PgPool) -> Result<Vec<SiteItem>, QueryError> {
    let sql = format!("{} select row_to_json(k) from known k order by slug", all());
    fetch(items(&sql).bind(SiteId::DEFAULT.0), pool).await
}

/// One site.
pub async fn get(pool: &PgPool, site: SiteId) -> Result<Option<SiteItem>, QueryError> {
    let sql = format!("{} select row_to_json(k) from known k where site_id = $2", all());
    fetch_one(items(&sql).bind(SiteId::DEFAULT.0).bind(site.0), pool).await
}
