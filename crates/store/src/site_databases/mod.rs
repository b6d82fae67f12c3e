//! Databases of single sites: where each is, sealed; whether one is fit for its site; its set-up. What a URL says is in no error
//! and in no log line.

mod address;
mod hosts;
mod reach;
mod relay;
mod target;

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

pub use hosts::HostsError;
pub use reach::{Attempt, Patience, Reach, ReachError};
pub use relay::Relay;
pub use target::{Opened, Target, Unfit};

use crate::keys::{Keys, SealError, Sealed};
use crate::transaction::begin;
use crate::{EventStore, StoreError};

/// Where a site's database is.
#[derive(Clone, Debug)]
pub struct SiteDatabase {
    /// Whose.
    pub site: SiteId,
    /// Another each time that one is given.
    pub given_id: Uuid,
    /// Its URL.
    pub sealed: Sealed,
    /// Whether it was set up: from then on it stays.
    pub settled: bool,
}

/// Why something was not sealed anew: a database's URL, or what somebody's codes are made from.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// One cannot be opened.
    #[error("the database of site {site} cannot be reached: {error}. Nothing was sealed anew")]
    Sealed {
        /// Whose.
        site: SiteId,
        /// Why.
        error: SealError,
    },
    /// What codes are made from cannot be opened.
    #[error("the codes of a person of site {site} cannot be opened: {error}. None was sealed anew; take no key away")]
    SecondFactor {
        /// Whose school's.
        site: SiteId,
        /// Why.
        error: SealError,
    },
    /// There is no key to seal them under.
    #[error(transparent)]
    NoKeys(SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const COLUMNS: &str = "id, given_id, key_id, sealed, settled_at is not null as settled";

fn read(row: &PgRow) -> Result<SiteDatabase, StoreError> {
    Ok(SiteDatabase {
        site: SiteId(row.try_get("id")?),
        given_id: row.try_get("given_id")?,
        sealed: Sealed { key_id: row.try_get("key_id")?, bytes: row.try_get("sealed")? },
        settled: row.try_get("settled")?,
    })
}

/// The registry's part, which is the default site's.
impl EventStore {
    /// Keeps where a site's database is, in place of what was kept before; not where that one is settled.
    pub async fn put_site_database(
        &self,
        site: SiteId,
        given_id: Uuid,
        sealed: &Sealed,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "insert into site_databases as d (site_id, id, given_id, key_id, sealed, given_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (site_id, id) do update set given_id = excluded.given_id, key_id = excluded.key_id,
                sealed = excluded.sealed, given_at = excluded.given_at
            where d.settled_at is null";
        let query = sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(site.0).bind(given_id);
        let done = query.bind(&sealed.key_id).bind(&sealed.bytes).bind(at).execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps a site's database from being given anew, if it is still the one that was given under this id.
    pub async fn settle_site_database(
        &self,
        site: SiteId,
        given_id: Uuid,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "update site_databases set settled_at = coalesce(settled_at, $4)
            where site_id = $1 and id = $2 and given_id = $3";
        let query = sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(site.0).bind(given_id).bind(at);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Where a site's database is, if one was given.
    pub async fn site_database(&self, site: SiteId) -> Result<Option<SiteDatabase>, StoreError> {
        let sql = format!("select {COLUMNS} from site_databases where site_id = $1 and id = $2");
        let row = sqlx::query(&sql).bind(SiteId::DEFAULT.0).bind(site.0).fetch_optional(&self.pool).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// Where the databases of all sites are that have one.
    pub async fn site_databases(&self) -> Result<Vec<SiteDatabase>, StoreError> {
        let sql = format!("select {COLUMNS} from site_databases where site_id = $1 order by id");
        let rows = sqlx::query(&sql).bind(SiteId::DEFAULT.0).fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// Seals every URL anew under the first key, one by one; how many there are. Where one cannot be opened, none is.
    pub async fn rotate_keys(&self, keys: &Keys) -> Result<usize, RotateError> {
        keys.first().map_err(RotateError::NoKeys)?;
        let all = self.site_databases().await?;
        for one in &all {
            keys.open(one.site, &one.sealed).map_err(|error| RotateError::Sealed { site: one.site, error })?;
        }
        for one in &all {
            let mut transaction = begin(&self.pool).await.map_err(StoreError::from)?;
            let sql = format!("select {COLUMNS} from site_databases where site_id = $1 and id = $2 for update");
            let query = sqlx::query(&sql).bind(SiteId::DEFAULT.0).bind(one.site.0);
            let now = read(&query.fetch_one(&mut *transaction).await.map_err(StoreError::from)?)?;
            let sealed = keys.open(now.site, &now.sealed).and_then(|url| keys.seal(now.site, &url));
            let sealed = sealed.map_err(|error| RotateError::Sealed { site: now.site, error })?;
            let sql = "update site_databases set key_id = $3, sealed = $4 where site_id = $1 and id = $2";
            let query = sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(one.site.0);
            let query = query.bind(sealed.key_id).bind(sealed.bytes);
            query.execute(&mut *transaction).await.map_err(StoreError::from)?;
            transaction.commit().await.map_err(StoreError::from)?;
        }
        Ok(all.len())
    }
}

/// Says that a database is a site's, unless it is another's: whoever says so first has it.
pub(crate) async fn claim(pool: &PgPool, site: SiteId) -> Result<bool, StoreError> {
    let sql = "insert into database_of (site_id) values ($1) on conflict do nothing";
    sqlx::query(sql).bind(site.0).execute(pool).await?;
    let owner: Uuid = sqlx::query_scalar("select site_id from database_of").fetch_one(pool).await?;
    Ok(owner == site.0)
}
