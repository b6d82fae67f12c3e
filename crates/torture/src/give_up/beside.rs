//! What is acknowledged and stands beside the log: sessions, keys, invitations, uploads, calendar addresses. It is looked for over
//! a connection of its own as soon as it is acknowledged, and again at the end.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rollbook_store::isolation::every_site;
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, Row as _};
use uuid::Uuid;

use crate::Error;
use crate::check::Violation;

/// How long the server may take to end what clients of the service have given up.
const SOON: Duration = Duration::from_secs(30);

/// The advisory locks of sessions, as the service uses them, that nobody holds without being at work: a rebuild's, a schema's
/// of the past, the set-up's of a site's database.
const LOCKS: [i64; 3] = [5_570_193_308_531_903_604, 5_570_193_308_531_903_605, 5_570_193_308_531_903_606];

/// A row that must be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// A session or a key, by its secret's hash, that was not ended.
    Token(Vec<u8>),
    /// A link that was not used, by its secret's hash.
    Invitation(Vec<u8>),
    /// An upload that can be used.
    Upload(Uuid),
    /// A calendar's address, by its secret's hash.
    CalendarLink(Vec<u8>),
}

impl Row {
    /// A session or a key.
    pub fn token(secret: &str) -> Self {
        Self::Token(Sha256::digest(secret).to_vec())
    }

    /// A link, by what comes after its `#`.
    pub fn invitation(secret: &str) -> Self {
        Self::Invitation(Sha256::digest(secret).to_vec())
    }

    /// A calendar's address.
    pub fn calendar_link(secret: &str) -> Self {
        Self::CalendarLink(Sha256::digest(secret).to_vec())
    }

    async fn is_there(&self, database: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let hashed = |sql, hash| sqlx::query(sql).bind::<&[u8]>(hash);
        let query = match self {
            Self::Token(hash) => hashed("select from tokens where token_hash = $1 and revoked_at is null", hash),
            Self::Invitation(hash) => {
                hashed("select from invitations where secret_hash = $1 and used_at is null", hash)
            }
            Self::CalendarLink(hash) => hashed("select from calendar_links where link_hash = $1", hash),
            Self::Upload(id) => sqlx::query("select from uploads where upload_id = $1 and stored").bind(id),
        };
        Ok(query.fetch_optional(database).await?.is_some())
    }
}

/// What must be there.
#[derive(Debug)]
pub struct Beside {
    database: tokio::sync::Mutex<PgConnection>,
    rows: Mutex<BTreeSet<Row>>,
}

impl Beside {
    /// Nothing yet, in this database.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let database = PgConnection::connect_with(&every_site(url.parse()?)).await?;
        Ok(Self { database: tokio::sync::Mutex::new(database), rows: Mutex::default() })
    }

    /// A row was acknowledged: it is there, for everybody to see, and stays.
    pub async fn acknowledged(&self, row: Row) -> Result<(), Error> {
        self.must(&row, true).await?;
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(row);
        Ok(())
    }

    /// A row is about to be taken away, or to be replaced: from now on it may be there or not.
    pub fn leave(&self, row: &Row) {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).remove(row);
    }

    /// It was acknowledged that a row is gone.
    pub async fn gone(&self, row: &Row) -> Result<(), Error> {
        self.must(row, false).await
    }

    async fn must(&self, row: &Row, be_there: bool) -> Result<(), Error> {
        if row.is_there(&mut *self.database.lock().await).await? == be_there {
            return Ok(());
        }
        let not = if be_there { "and is not there" } else { "to be gone, and is there" };
        Err(Error::Broken(format!("{row:?} was acknowledged {not}")))
    }

    /// Looks for everything once more, and for what was left open; how many rows there were.
    pub async fn check(&self) -> Result<(u64, Vec<Violation>), Error> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut database = self.database.lock().await;
        let (mut count, mut violations) = (0, Vec::new());
        for row in rows {
            count += 1;
            if !row.is_there(&mut database).await? {
                violations.push(Violation::LostRow { row: format!("{row:?}") });
            }
        }
        violations.extend(left_open(&mut database).await?);
        Ok((count, violations))
    }
}

/// What is still open of what clients have asked for, who are all gone: transactions from before this, and locks.
async fn left_open(database: &mut PgConnection) -> Result<Vec<Violation>, Error> {
    let sql = "select coalesce(string_agg(a.what, '; '), '') as what
        from (
            select format('a transaction since %s, last statement: %s', now() - xact_start, left(query, 100)) as what
            from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and xact_start < $1
            union all
            select format('advisory lock %s of process %s', (l.classid::bigint << 32) | l.objid::bigint, l.pid)
            from pg_locks l join pg_database d on d.oid = l.database
            where d.datname = current_database() and l.locktype = 'advisory' and l.granted
                and ((l.classid::bigint << 32) | l.objid::bigint) = any($2)
        ) a";
    let now: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select now()").fetch_one(&mut *database).await?;
    let began = Instant::now();
    loop {
        let row = sqlx::query(sql).bind(now).bind(LOCKS).fetch_one(&mut *database).await?;
        let what: String = row.try_get("what")?;
        if what.is_empty() {
            return Ok(Vec::new());
        }
        if began.elapsed() > SOON {
            return Ok(vec![Violation::LeftOpen { what }]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
