//! A database of before the baseline of the migrations: refused as it is, and carried over whole into a new one.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use rollbook_store::connect::options;
use rollbook_store::migrate::migrate;
use rollbook_store::transfer::{TABLES, TransferError, copy};
use rollbook_store::{Clock, StoreError};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgPool};

use crate::binary::program::Home;
use crate::harness::{Database, Service, answer, at};

/// While the sessions in it are good.
const THEN: &str = "2026-11-20T10:00:00Z";
const COHORT: &str = "01a22f88-f664-70ca-8ce7-9c30dbb8a18e";

/// Every row that cannot be made again, to the letter.
async fn rows(pool: &PgPool) -> BTreeMap<&'static str, Vec<String>> {
    let mut rows = BTreeMap::new();
    for table in TABLES {
        let sql = format!("select row_to_json(t)::text from {table} t order by 1");
        rows.insert(table, sqlx::query_scalar(&sql).fetch_all(pool).await.expect("rows"));
    }
    rows
}

async fn events(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_and_told_the_way_on_and_left_as_it_is() {
    let database = Database::before_baseline().await;
    let held = rows(&database.pool).await;
    for _ in 0..2 {
        let refused = migrate(&database.pool).await;
        assert!(matches!(refused, Err(StoreError::BeforeBaseline)), "{refused:?}");
    }
    let home = Home::new();
    for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["events"]] {
        let refused = home.start(home.command(command).env("DATABASE_URL", &database.url)).finish().failed();
        assert!(refused.contains("made before") && refused.contains("`rollbook load`"), "{refused}");
    }
    assert_eq!(rows(&database.pool).await, held);
    let tables = "select count(*) from _sqlx_migrations";
    let applied: i64 = sqlx::query_scalar(tables).fetch_one(&database.pool).await.expect("a count");
    assert_eq!(applied, 34);
}

#[tokio::test]
async fn positions_receipts_and_what_lets_people_in_are_carried_over() {
    let (old, new) = (Database::before_baseline().await, Database::empty().await);
    let held = rows(&old.pool).await;
    let copied = copy(&old.pool, &new.pool).await.expect("everything is copied");
    for (table, rows) in copied {
        assert_eq!(usize::try_from(rows).expect("a count"), held[table].len(), "{table}");
    }
    assert!(["events", "claims", "commands", "credentials", "tokens"].iter().all(|table| !held[table].is_empty()));
    assert_eq!(rows(&new.pool).await, held);
    assert_eq!(rows(&old.pool).await, held, "it is left as it was");

    let count = events(&new.pool).await;
    let service = Service::on(new, Clock::frozen(at(THEN))).await;
    let roster = service.items(&service.owner, &format!("/v1/cohorts/{COHORT}/roster")).await;
    assert_eq!(roster[0]["name"], "Zoë Example", "the read models are made of the log");
    let again = service.request(Method::POST, &service.owner, "/v1/commands/FoundHub");
    let again = again.header("Idempotency-Key", "00000000-0000-4000-8000-000000000003");
    let again = again.json(&json!({"name": "Northland", "place": "Kaitāia"}));
    // A receipt is its sender's, who is the owner of then.
    let receipt = answer(again).await;
    assert_eq!((receipt.status, &receipt.json["position"]), (200, &json!(5)), "{}", receipt.text);
    assert_eq!(events(&service.database.pool).await, count, "nothing is done twice");
    let zoe = json!({"email": "zoe@example.org", "password": "kererū under the pōhutukawa"});
    let signed_in = answer(service.request(Method::POST, "", "/v1/sign-in").json(&zoe)).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    service.create(&service.owner, "FoundHub", json!({"name": "Westland"})).await;
    assert_eq!(events(&service.database.pool).await, count + 2, "the log goes on");
}

#[tokio::test]
async fn all_is_loaded_or_nothing() {
    let (old, new) = (Database::before_baseline().await, Database::empty().await);
    // Of a time that this version does not know.
    let later = "alter table email_batches add column later text; insert into email_batches
        values (gen_random_uuid(), 'resend', '{}', 1, now(), now(), 'x')";
    sqlx::raw_sql(later).execute(&old.pool).await.expect("a column");
    let refused = copy(&old.pool, &new.pool).await;
    assert!(matches!(&refused, Err(TransferError::Store(error)) if error.to_string().contains("later")), "{refused:?}");
    assert!(rows(&new.pool).await.values().all(|rows| rows.len() <= 1), "of what comes before it, nothing is there");
    assert_eq!(events(&new.pool).await, 0);

    sqlx::query("alter table email_batches drop column later").execute(&old.pool).await.expect("no column");
    sqlx::query("delete from _sqlx_migrations where version = 411").execute(&old.pool).await.expect("one is missing");
    assert!(matches!(copy(&old.pool, &new.pool).await, Err(TransferError::Schema)));
    let foreign = Database::empty().await;
    assert!(matches!(copy(&foreign.pool, &new.pool).await, Err(TransferError::NotOurs)));
}

#[tokio::test]
async fn nothing_is_loaded_into_a_database_that_something_is_in() {
    let old = Database::before_baseline().await;
    let used = Service::start(THEN).await;
    let held = rows(&used.database.pool).await;
    let refused = copy(&old.pool, &used.database.pool).await;
    assert!(matches!(refused, Err(TransferError::NotEmpty("events"))), "{refused:?}");
    assert_eq!(rows(&used.database.pool).await, held);
}

#[tokio::test]
async fn nothing_is_loaded_from_a_database_that_a_service_is_at_work_on() {
    let (old, new) = (Database::before_baseline().await, Database::create().await);
    let service = options(&old.url.as_str().into()).expect("a URL");
    let service = PgConnection::connect_with(&service).await.expect("a connection");
    assert!(matches!(copy(&old.pool, &new.pool).await, Err(TransferError::InUse)));
    service.close().await.expect("it ends");
    copy(&old.pool, &new.pool).await.expect("now it is");
    // And on from there: what is of this version is read, too.
    let third = Database::empty().await;
    copy(&new.pool, &third.pool).await.expect("a copy of the copy");
    assert_eq!(rows(&third.pool).await, rows(&old.pool).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_loads_a_database_by_its_url() {
    let (old, new) = (Database::before_baseline().await, Database::empty().await);
    let home = Home::new();
    let run = |arguments: &[&str]| home.start(home.command(arguments).env("DATABASE_URL", &new.url)).finish();
    let nowhere = run(&["load", "nowhere"]).failed();
    assert!(nowhere.contains("nowhere is neither"), "{nowhere}");
    let loaded = run(&["load", &old.url]).done().out;
    let line = |name: &str| loaded.lines().any(|line| line.split_whitespace().eq(name.split(' ')));
    assert!(line("events 14") && line("commands 15"), "{loaded}");
    let again = run(&["load", &old.url]).failed();
    assert!(again.contains("not empty"), "{again}");
    let log = run(&["events"]).done().out;
    assert!(log.contains("HubFounded") && log.contains("Kaitāia"), "{log}");
}

/// Whoever makes a table says what becomes of it.
#[tokio::test]
async fn every_table_is_carried_over_or_made_again() {
    let service = Service::start(THEN).await;
    service.get(&service.owner, "/v1/people").await;
    let pool = &service.database.pool;
    let models: Vec<String> = sqlx::query_scalar("select name from projections").fetch_all(pool).await.expect("models");
    let engine = ["projections", "parked_streams", "_sqlx_migrations"].map(str::to_owned);
    let known: BTreeSet<String> = TABLES.map(str::to_owned).into_iter().chain(models).chain(engine).collect();
    let sql =
        "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.expect("tables");
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), known);
}
