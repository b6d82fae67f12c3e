//! Rebuilds: what takes a table's place is the same table, whatever goes on meanwhile.

use std::collections::BTreeMap;

use reqwest::Method;
use rollbook_projections::engine::When;
use rollbook_projections::{Phase, ProjectionError, ProjectionItem, Projections};
use rollbook_store::EventStore;
use rollbook_store::transaction::begin;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::engine::{assert_as_the_log_says, assert_full, histories, write_all};
use super::{SOON, caught_up, write};
use crate::harness::{Database, answer, eventually};
use crate::school::School;

/// Everything about the tables of the read models that a rebuild must not lose.
async fn definitions(pool: &PgPool) -> Vec<String> {
    let sql = "select format('%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
            (a.attnotnull, a.attcollation::regcollation, a.attstattarget))
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not like '\\_%'
        union all
        select indexdef from pg_indexes where schemaname = 'public'
        union all
        select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'public'::regnamespace
        union all
        select format('%s %s', oid::regclass, (select array_agg(a::text order by a::text) from unnest(relacl) a)) from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
        order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.expect("the definitions")
}

#[tokio::test]
async fn a_rebuilt_table_is_defined_as_the_live_one_was_and_nothing_is_left_beside_it() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    for history in histories(5) {
        write_all(&database.pool, &history).await;
    }
    caught_up(&store, &projections).await;
    for sql in ["grant select on roster to public", "create index by_hand on roster (week) where held"] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    let before = definitions(&database.pool).await;
    assert!(before.iter().any(|line| line.contains("by_hand")) && before.len() > 100, "{before:?}");
    projections.rebuild(None, &mut |_| {}).await.expect("all are rebuilt");
    assert_eq!(definitions(&database.pool).await, before);
    let left = "select count(*) from pg_class where relnamespace = 'rollbook_rebuild'::regnamespace";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&database.pool).await.expect("a count");
    assert_eq!(left, 0);
    assert_full(&projections).await;
    assert_as_the_log_says(&projections).await;
    projections.stop().await;
}

#[tokio::test]
async fn a_log_that_is_larger_than_the_memory_is_read_in_shares() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    write_all(&database.pool, &histories(6).concat()).await;
    caught_up(&store, &projections).await;
    let little = projections.clone().with_memory(store.size().await.expect("a size") / 9);
    let mut reached = Vec::new();
    little.rebuild(None, &mut |progress| reached.push(progress)).await.expect("all are rebuilt");
    let passes = reached.iter().filter(|progress| progress.phase == Phase::Writing).count();
    assert_eq!(passes, 5, "half of the size, in ninths of it");
    assert!(reached.is_sorted_by_key(|progress| progress.position), "{reached:?}");
    assert_full(&projections).await;
    assert_as_the_log_says(&projections).await;
    for verification in little.verify(None, &mut |_| {}).await.expect("the models are verified") {
        assert_eq!(verification.differing, 0, "{}", verification.name);
    }
    projections.stop().await;
}

#[tokio::test]
async fn a_rebuild_while_events_are_written_loses_none_and_folds_none_twice() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    write_all(&database.pool, &histories(1)[0]).await;
    caught_up(&store, &projections).await;
    let before = store.head().await.expect("a head");
    let writing = async {
        for history in histories(12) {
            for event in history {
                let position = write(&database.pool, event.site, event.stream, event.actor, &event.event).await;
                store.announce(position);
            }
        }
    };
    let rebuilding = async {
        for _ in 0..6 {
            projections.rebuild(None, &mut |_| {}).await.expect("all are rebuilt");
        }
    };
    futures::join!(writing, rebuilding);
    assert!(store.head().await.expect("a head") > before + 100);
    caught_up(&store, &projections).await;
    assert_full(&projections).await;
    assert_as_the_log_says(&projections).await;
    projections.stop().await;
}

#[tokio::test]
async fn two_rebuilds_of_one_database_do_not_go_on_at_once() {
    let database = Database::create().await;
    let projections = Projections::start(database.store());
    write_all(&database.pool, &histories(1)[0]).await;
    caught_up(&database.store(), &projections).await;
    // The first comes as far as the comparison, and waits there for the live table.
    let mut held = begin(&database.pool).await.expect("a transaction");
    sqlx::query("lock table hubs in access exclusive mode").execute(&mut *held).await.expect("a lock");
    let first = projections.clone();
    let first = tokio::spawn(async move { first.rebuild(Some("hubs"), &mut |_| {}).await });
    let waits = "select exists(select from pg_locks where relation = 'public.hubs'::regclass and not granted)";
    eventually(SOON, "the first waits", async || {
        let waiting: bool = sqlx::query_scalar(waits).fetch_one(&database.pool).await.expect("the locks");
        waiting.then_some(())
    })
    .await;
    let second = Projections::new(EventStore::new(database.pool.clone())).rebuild(Some("roster"), &mut |_| {}).await;
    assert!(matches!(second, Err(ProjectionError::UnderWay)), "{second:?}");
    held.rollback().await.expect("the lock is given back");
    first.await.expect("no panic").expect("the first is not disturbed");
    projections.rebuild(Some("roster"), &mut |_| {}).await.expect("the first has given its lock back");
    projections.stop().await;
}

#[tokio::test]
async fn a_new_version_is_built_while_the_other_models_go_on() {
    let database = Database::create().await;
    let store = database.store();
    write_all(&database.pool, &histories(5).concat()).await;
    let first = Projections::start(store.clone());
    caught_up(&store, &first).await;
    first.stop().await;
    for sql in ["update projections set version = 0 where name = 'people'", "delete from people"] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    // The new version cannot come further than this until the lock is given back.
    let mut lock = begin(&database.pool).await.expect("a transaction");
    sqlx::query("lock table people in access exclusive mode").execute(&mut *lock).await.expect("a lock");
    let second = Projections::start(store.clone());
    write_all(&database.pool, &histories(2)[1]).await;
    let head = store.head().await.expect("a head");
    let until = async |reached: &dyn Fn(&ProjectionItem) -> bool| {
        eventually(SOON, "it comes to that", async || {
            second.list().await.expect("a list").iter().all(reached).then_some(())
        })
        .await;
    };
    until(&|item| if item.name == "people" { item.version == 0 } else { item.position == head }).await;
    lock.rollback().await.expect("the lock is given back");
    until(&|item| item.version > 0 && item.position == head).await;
    second.wait_for(head, SOON).await.expect("readers are told");
    assert_full(&second).await;
    assert_as_the_log_says(&second).await;
    second.stop().await;
}

/// The rows of every read model in a schema.
async fn rows(pool: &PgPool, schema: &str) -> BTreeMap<String, Vec<Value>> {
    let sql = "select table_name::text from information_schema.tables
        where table_schema = $1 and table_name in (select name from projections)";
    let tables: Vec<String> = sqlx::query_scalar(sql).bind(schema).fetch_all(pool).await.expect("the tables");
    let mut rows = BTreeMap::new();
    for table in tables {
        let sql = format!("select to_jsonb(t) from \"{schema}\".{table} t order by 1");
        rows.insert(table, sqlx::query_scalar(&sql).fetch_all(pool).await.expect("the rows"));
    }
    rows
}

#[tokio::test]
async fn the_read_models_of_a_past_moment_are_built_into_a_schema_of_their_own() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let projections = Projections::start(store.clone());
    write_all(pool, &histories(1)[0]).await;
    caught_up(&store, &projections).await;
    let then = store.head().await.expect("a head");
    let were = rows(pool, "public").await;
    assert_eq!(were.len(), 15);
    for history in histories(3) {
        write_all(pool, &history).await;
    }
    caught_up(&store, &projections).await;
    let are = rows(pool, "public").await;
    assert_ne!(were, are);

    let build = async |when, schema: &str| projections.build_schema(when, schema, &mut |_| {}).await;
    assert_eq!(build(When::Position(then), "then").await.expect("it is built"), then);
    assert_eq!(rows(pool, "then").await, were);
    let mark: (i64, bool) = sqlx::query_as("select position, instant is not null from \"then\".rollbook_as_of")
        .fetch_one(pool)
        .await
        .expect("what it is of");
    assert_eq!(mark, (then, true));
    // Again with another moment, in place of the one before.
    let head = store.head().await.expect("a head");
    let later = When::Instant("2100-01-01T00:00:00Z".parse().expect("an instant"));
    assert_eq!(build(later, "then").await.expect("it is replaced"), head);
    assert_eq!(rows(pool, "then").await, are);
    assert_eq!(rows(pool, "public").await, are, "the live ones are as they were");

    sqlx::query("create schema others").execute(pool).await.expect("somebody's schema");
    for (when, schema) in [
        (When::Position(then), "others"),
        (When::Position(then), "public"),
        (When::Position(then), "rollbook_rebuild"),
        (When::Position(head + 1), "later"),
    ] {
        build(when, schema).await.expect_err(schema);
    }
    projections.stop().await;
}

#[tokio::test]
async fn a_rebuild_over_http_is_refused_where_rows_differ_unless_they_may_be_replaced() {
    let school = School::open().await;
    let service = &school.service;
    let students = school.students(2).await;
    caught_up(service.executor.store(), &service.projections).await;
    let rebuild = async |name: &str| {
        answer(service.request(Method::POST, &school.owner, &format!("/v1/projections/{name}"))).await
    };
    assert_eq!(rebuild("roster/rebuild").await.status, 200);
    sqlx::query("update roster set week = 8 where enrolment_id = $1::uuid")
        .bind(&students[0].enrolment)
        .execute(&service.database.pool)
        .await
        .expect("somebody tampers");
    let refused = rebuild("roster/rebuild").await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("projection_differs")), "{}", refused.text);
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.contains("1 row of roster"), "{detail}");
    let verified = rebuild("roster/verify").await;
    assert_eq!(verified.json["differing"], 1, "{}", verified.text);
    assert_eq!(rebuild("roster/rebuild?accept_differences=true").await.status, 200);
    let verified = rebuild("roster/verify").await;
    assert_eq!(verified.json["differing"], 0, "{}", verified.text);
    assert!(verified.json["fingerprint"].as_str().expect("a fingerprint").starts_with("2:"), "{}", verified.text);
}
