//! What a database holds that cannot be made again, copied into one that nothing is in: row by row as it is, all or
//! nothing. Read models are never copied.

use std::time::Duration;

use futures::TryStreamExt;
use sqlx::{PgConnection, PgPool};

use crate::StoreError;
use crate::migrate::{BASELINE, MIGRATIONS, apply};
use crate::transaction::begin;

/// The tables that are copied: the log and what appends decide by; what lets people in; what is known of the outside.
pub const TABLES: [&str; 22] = [
    "events",
    "claims",
    "commands",
    "tokens",
    "credentials",
    "invitations",
    "identities",
    "devices",
    "password_reset_requests",
    "account_letters",
    "letter_files",
    "calendar_links",
    "second_factors",
    "recovery_codes",
    "half_sign_ins",
    "passkey_registrations",
    "site_databases",
    "database_of",
    "uploads",
    "email_installation",
    "email_deliveries",
    "email_batches",
];

/// Those of which a database has a row that nothing has been done in.
const SETTINGS: [&str; 2] = ["database_of", "email_installation"];

/// The last migration of before the baseline. What it and those before it made is what the baseline makes.
const LAST_BEFORE: i64 = 411;

/// How many rows are written with one statement at most.
const BATCH_ROWS: usize = 1_000;

/// About how many bytes of rows are written with one statement at most.
const BATCH_BYTES: usize = 4 << 20;

/// How long the connections of a service that has just ended may stay.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no schema of ours in the source.
    #[error("there is nothing of Rollbook's in it")]
    NotOurs,
    /// The source lacks migrations of its own time, or has some that this version does not know.
    #[error(
        "its schema is none that this version can read: bring it up to date with the last program that worked on it \
         (`rollbook migrate`)"
    )]
    Schema,
    /// What is appended meanwhile would be lost.
    #[error("a service is still at work on it: stop that first")]
    InUse,
    /// Something has been done in the target.
    #[error("the database to load into is not empty: it has rows in {0}")]
    NotEmpty(&'static str),
    /// The target has fewer rows than were read.
    #[error("{read} rows of {table} were read, and {written} are there")]
    Missing {
        /// Of which table.
        table: &'static str,
        /// How many rows were read.
        read: i64,
        /// How many rows the target has.
        written: i64,
    },
    /// One of the databases failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TransferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Copies what cannot be made again, and says how many rows each of [`TABLES`] had. The source may be of before the
/// baseline, and is left as it is; the target is brought to this version, and nothing may have been done in it.
pub async fn copy(source: &PgPool, target: &PgPool) -> Result<Vec<(&'static str, i64)>, TransferError> {
    apply(target).await?;
    check_unused(&mut *source.acquire().await?).await?;
    // One moment of the source, whatever somebody does to it meanwhile.
    let mut from = begin(source).await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *from).await?;
    check_schema(&mut from).await?;
    let mut to = begin(target).await?;
    sqlx::query("select lock_events()").execute(&mut *to).await?;
    check_empty(&mut to).await?;
    let mut copied = Vec::new();
    for table in TABLES {
        copied.push((table, copy_table(&mut from, &mut to, table).await?));
    }
    to.commit().await?;
    from.rollback().await?;
    Ok(copied)
}

/// Whether the source has the schema of the baseline, or of this version.
async fn check_schema(from: &mut PgConnection) -> Result<(), TransferError> {
    let ours = "select to_regclass('public._sqlx_migrations') is not null";
    if !sqlx::query_scalar(ours).fetch_one(&mut *from).await? {
        return Err(TransferError::NotOurs);
    }
    let applied = "select version from public._sqlx_migrations where success order by version";
    let applied: Vec<i64> = sqlx::query_scalar(applied).fetch_all(from).await?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    match applied.last() {
        Some(&last) if last == LAST_BEFORE || last >= BASELINE && Some(last) == newest => Ok(()),
        _ => Err(TransferError::Schema),
    }
}

/// Whether no service is connected. One that has just ended is waited for.
async fn check_unused(from: &mut PgConnection) -> Result<(), TransferError> {
    let used =
        "select exists (select from pg_stat_activity where datname = current_database() and application_name = $1
        and pid <> pg_backend_pid())";
    let ended = async {
        while sqlx::query_scalar(used).bind(crate::connect::APPLICATION).fetch_one(&mut *from).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    tokio::time::timeout(FAREWELL, ended).await.unwrap_or(Err(TransferError::InUse))
}

/// Whether nothing has been done in the target. What is there of itself goes.
async fn check_empty(to: &mut PgConnection) -> Result<(), TransferError> {
    for table in TABLES.into_iter().filter(|table| !SETTINGS.contains(table)) {
        let used = format!("select exists (select from public.{table})");
        if sqlx::query_scalar(&used).fetch_one(&mut *to).await? {
            return Err(TransferError::NotEmpty(table));
        }
    }
    for table in SETTINGS {
        sqlx::query(&format!("delete from public.{table}")).execute(&mut *to).await?;
    }
    Ok(())
}

/// Copies a table: rows travel as JSON, in which PostgreSQL keeps instants to the microsecond and documents to the letter.
async fn copy_table(from: &mut PgConnection, to: &mut PgConnection, table: &'static str) -> Result<i64, TransferError> {
    let columns = "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = to_regclass('public.' || $1) and attnum > 0 and not attisdropped";
    // A column that the source has not got has its default; one that the target does not know is refused by it.
    let columns: String = sqlx::query_scalar(columns).bind(table).fetch_one(&mut *from).await?;
    let insert = format!(
        "insert into public.{table} ({columns})
         select {columns} from json_populate_recordset(null::public.{table}, $1::text::json)"
    );
    let order = if table == "events" { "order by position" } else { "" };
    let select = format!("select row_to_json(t)::text from public.{table} t {order}");
    let (mut read, mut batch) = (0, Batch::default());
    let mut rows = sqlx::query_scalar::<_, String>(&select).fetch(&mut *from);
    while let Some(row) = rows.try_next().await? {
        read += 1;
        batch.push(&row);
        if batch.is_full() {
            sqlx::query(&insert).bind(batch.take()).execute(&mut *to).await?;
        }
    }
    drop(rows);
    sqlx::query(&insert).bind(batch.take()).execute(&mut *to).await?;
    let count = format!("select count(*) from public.{table}");
    let written = sqlx::query_scalar(&count).fetch_one(&mut *to).await?;
    if read == written { Ok(read) } else { Err(TransferError::Missing { table, read, written }) }
}

/// Rows that are written with one statement, as the elements of an array.
#[derive(Default)]
struct Batch {
    rows: usize,
    elements: String,
}

impl Batch {
    fn push(&mut self, row: &str) {
        if self.rows > 0 {
            self.elements.push(',');
        }
        self.rows += 1;
        self.elements.push_str(row);
    }

    fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.elements.len() >= BATCH_BYTES
    }

    fn take(&mut self) -> String {
        self.rows = 0;
        format!("[{}]", std::mem::take(&mut self.elements))
    }
}
