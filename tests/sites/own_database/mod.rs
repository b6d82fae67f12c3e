//! Schools with databases of their own: nothing of theirs is in the installation's, and nobody sees where they are.

mod ambient;
mod binary;
mod fake;
mod giving;
mod hostile;
mod mail;
mod reach;
mod rows;
mod secrets;
mod tls;

use std::time::Duration;

use rollbook_store::Clock;
use rollbook_store::keys::Keys;
use rollbook_store::site_databases::{Patience, Reach};
use sqlx::PgPool;

use super::{NOW, Student, is_problem};
use crate::harness::{Database, Hosting, Service, at, eventually};

const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const B: &str = "b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";

/// Long enough for whatever is waited for, however busy the machine is.
const A_MOMENT: Duration = Duration::from_mins(1);

fn keys(text: &str) -> Keys {
    Keys::try_new(&text.into()).expect("keys")
}

/// An installation that may give databases to its sites, with one super admin.
pub(super) async fn installation() -> Service {
    on(Database::create().await, keys(A), Duration::from_mins(10)).await
}

/// The same, which waits for servers for a short time only: with those that never answer.
async fn impatient() -> Service {
    let patience = Patience { within: Duration::from_secs(3), silence: Duration::from_secs(3) };
    let reach = Reach::try_new(None, None, patience).expect("a way");
    with(Database::create().await, Hosting { keys: keys(A), reach, ..Hosting::default() }).await
}

/// A URL with something else in it.
fn altered(url: &str, change: impl FnOnce(&mut reqwest::Url)) -> String {
    let mut url: reqwest::Url = url.parse().expect("a URL");
    change(&mut url);
    url.to_string()
}

/// The same database behind another port.
fn behind(port: u16, url: &str) -> String {
    altered(url, |url| url.set_port(Some(port)).expect("a port"))
}

/// One on a database that may have a history.
async fn on(database: Database, keys: Keys, idle: Duration) -> Service {
    with(database, Hosting { keys, idle, ..Hosting::default() }).await
}

/// One that is set up otherwise.
async fn with(database: Database, hosting: Hosting) -> Service {
    let hosting = Hosting { super_admins: vec!["owner@example.org"], ..hosting };
    Service::hosting(database, Clock::frozen(at(NOW)), hosting).await
}

/// Waits until something is so.
async fn until(what: &str, is: impl AsyncFn() -> bool) {
    eventually(A_MOMENT, what, async || is().await.then_some(())).await;
}

/// How many connections services have to a database.
async fn connections(from: &PgPool, to: &Database) -> i64 {
    let sql = "select count(*) from pg_stat_activity where datname = $1
        and (application_name = 'rollbook' or query = 'listen rollbook_events')";
    sqlx::query_scalar(sql).bind(name(to)).fetch_one(from).await.expect("a count")
}

/// A database's name.
fn name(database: &Database) -> String {
    database.pool.connect_options().get_database().expect("a name").to_owned()
}

/// In how many rows of each table a database has something of a site, of those that have any.
async fn rows_of(database: &Database, site: &str) -> Vec<(String, i64)> {
    let tables = "select c.relname::text from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'site_id' and not a.attisdropped
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&database.pool).await.expect("tables");
    assert!(tables.len() > 20, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("select count(*) from {table} where site_id = $1::uuid");
        let rows: i64 = sqlx::query_scalar(&sql).bind(site).fetch_one(&database.pool).await.expect("a count");
        if rows > 0 {
            found.push((table, rows));
        }
    }
    found
}
