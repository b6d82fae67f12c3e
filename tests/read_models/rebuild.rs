//! Rebuilds: what takes a table's place is the same table, whatever goes on meanwhile.

use rollbook_projections::{ProjectionError, Projections};
use rollbook_store::EventStore;
use sqlx::PgPool;

use super::engine::{assert_as_the_log_says, assert_full, histories, write_all};
use super::{SOON, caught_up, write};
use crate::harness::Database;

/// Everything about the tables of the read models that a rebuild must not lose.
async fn definitions(pool: &PgPool) -> Vec<String> {
    let sql = "select format('%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
            (a.attnotnull, a.attcollation::regcollation))
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
    for history in histories(3) {
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
    let mut held = database.pool.begin().await.expect("a transaction");
    sqlx::query("lock table hubs in access exclusive mode").execute(&mut *held).await.expect("a lock");
    let first = projections.clone();
    let first = tokio::spawn(async move { first.rebuild(Some("hubs"), &mut |_| {}).await });
    let waits = "select exists(select from pg_locks where relation = 'public.hubs'::regclass and not granted)";
    let waiting = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&database.pool).await.expect("the locks") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("the first waits");
    let second = Projections::new(EventStore::new(database.pool.clone())).rebuild(Some("roster"), &mut |_| {}).await;
    assert!(matches!(second, Err(ProjectionError::UnderWay)), "{second:?}");
    held.rollback().await.expect("the lock is given back");
    first.await.expect("no panic").expect("the first is not disturbed");
    projections.rebuild(Some("roster"), &mut |_| {}).await.expect("the first has given its lock back");
    projections.stop().await;
}
