//! Exactly once, whoever folds; live rows equal to rebuilt ones; whatever goes wrong is said and not lived with.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rollbook_domain::{HubId, SiteId};
use rollbook_projections::engine::Status;
use rollbook_projections::replay::histories::history;
use rollbook_projections::{Projections, TooLate, Verification};
use rollbook_store::{EventStore, Recorded};
use sqlx::PgPool;
use uuid::Uuid;

use super::{SOON, caught_up, write};
use crate::harness::Database;

fn histories(number: usize) -> Vec<Vec<Recorded>> {
    let mut runner = TestRunner::deterministic();
    (0..number).map(|_| history().new_tree(&mut runner).expect("a history").current()).collect()
}

async fn write_all(pool: &PgPool, history: &[Recorded]) {
    for event in history {
        write(pool, event.site, event.stream, event.actor, &event.event).await;
    }
}

async fn verify(projections: &Projections) -> Vec<Verification> {
    projections.verify(None, &mut |_| {}).await.expect("the models are verified")
}

async fn assert_as_the_log_says(projections: &Projections) {
    for verification in verify(projections).await {
        assert_eq!(verification.differences, [], "{} at {}", verification.name, verification.position);
        assert!(verification.rows > 0, "{} has rows to compare", verification.name);
    }
}

#[tokio::test]
async fn three_engines_whose_connections_break_fold_every_event_once() {
    let database = Database::create().await;
    let stores: Vec<_> = (0..3).map(|_| EventStore::new(database.pool.clone())).collect();
    let engines: Vec<_> = stores.iter().cloned().map(Projections::start).collect();
    for history in histories(6) {
        write_all(&database.pool, &history).await;
        let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where pid <> pg_backend_pid() and datname = current_database() and usename = current_user";
        let _: i64 = sqlx::query_scalar(sql).fetch_one(&database.pool).await.expect("connections are broken");
    }
    engines[0].stop().await;
    write_all(&database.pool, &histories(7)[6]).await;
    for engine in &engines[1..] {
        caught_up(&stores[0], engine).await;
    }
    assert_as_the_log_says(&engines[1]).await;
    for engine in &engines[1..] {
        engine.stop().await;
    }
}

#[tokio::test]
async fn verification_names_every_row_that_was_tampered_with_and_a_rebuild_mends_them() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    for history in histories(3) {
        write_all(&database.pool, &history).await;
    }
    caught_up(&store, &projections).await;
    assert_as_the_log_says(&projections).await;

    let run = async |sql: &str| {
        let done = sqlx::query(sql).execute(&database.pool).await.expect(sql);
        assert_eq!(done.rows_affected(), 1, "{sql}");
    };
    run("update roster set week = 50 where ctid = (select min(ctid) from roster)").await;
    run("delete from hubs where ctid = (select min(ctid) from hubs)").await;
    run("update people set roles = '{emperor}' where ctid = (select min(ctid) from people)").await;
    run("insert into modules select site_id, gen_random_uuid(), code, title, weeks, retired, version from modules limit 1")
        .await;
    for verification in verify(&projections).await {
        let name = verification.name;
        let found: Vec<_> =
            verification.differences.iter().map(|row| (row.live.is_some(), row.rebuilt.is_some())).collect();
        let expected: &[(bool, bool)] = match name {
            "roster" | "people" => &[(true, true)],
            "hubs" => &[(false, true)],
            "modules" => &[(true, false)],
            _ => &[],
        };
        assert_eq!(found, expected, "{name}");
        if name == "roster" {
            assert_eq!(verification.differences[0].live.as_ref().map(|row| row["week"].clone()), Some(50.into()));
        }
    }

    let mut reached = Vec::new();
    projections.rebuild(None, &mut |progress| reached.push(progress)).await.expect("the models are rebuilt");
    assert!(reached.iter().all(|progress| progress.position <= progress.head));
    assert_as_the_log_says(&projections).await;
    write_all(&database.pool, &histories(4)[3]).await;
    caught_up(&store, &projections).await;
    assert_as_the_log_says(&projections).await;
    assert!(projections.rebuild(Some("nothing"), &mut |_| {}).await.is_err());
    projections.stop().await;
}

#[tokio::test]
async fn rows_of_an_older_version_are_built_anew_and_those_of_a_newer_one_are_left_alone() {
    let database = Database::create().await;
    let store = database.store();
    write_all(&database.pool, &histories(1)[0]).await;
    let first = Projections::start(store.clone());
    caught_up(&store, &first).await;
    first.stop().await;
    for sql in [
        "update projections set version = 0 where name = 'people'",
        "delete from people",
        "update projections set version = 99, position = 3 where name = 'hubs'",
    ] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    let second = Projections::start(store.clone());
    let renewed = async {
        loop {
            let people = second.list().await.expect("a list").into_iter().find(|item| item.name == "people");
            if people.expect("the projection").version == 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, renewed).await.expect("the older version is built anew");
    for item in second.list().await.expect("a list") {
        let lag = if item.name == "hubs" { store.head().await.expect("a head") - 3 } else { 0 };
        assert_eq!((item.lag, item.status), (lag, Status::Live), "{}", item.name);
    }
    assert!(second.verify(Some("people"), &mut |_| {}).await.expect("people are verified")[0].differences.is_empty());
    assert!(second.verify(Some("hubs"), &mut |_| {}).await.is_err(), "newer rows cannot be judged by older software");
    second.stop().await;
}

#[tokio::test]
async fn an_unreadable_event_stops_the_models_there_and_says_where() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    write_all(&database.pool, &histories(1)[0]).await;
    let before = store.head().await.expect("a head");
    let sql =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        values ('hub', $1, 1, 'HubBurnt', '1', '{\"HubBurnt\": {}}', '{}')";
    sqlx::query(sql).bind(Uuid::new_v4().to_string()).execute(&database.pool).await.expect("a poison event");
    let hub = HubId(Uuid::new_v4());
    let founded = rollbook_domain::hub::HubEvent::HubFounded { name: "After".into(), place: None };
    let after = write(&database.pool, SiteId::DEFAULT, hub.into(), None, &founded.into()).await;

    projections.wait_for(before, SOON).await.expect("what comes before it is folded");
    let short = std::time::Duration::from_millis(400);
    assert_eq!(projections.wait_for(after, short).await, Err(TooLate { wanted: after, at: before }));
    for item in projections.list().await.expect("a list") {
        assert_eq!((item.position, item.lag, item.status), (before, 2, Status::Stuck), "{}", item.name);
        let error = item.error.expect("a reason");
        assert!(error.contains(&format!("position {}", before + 1)) && error.contains("HubBurnt"), "{error}");
    }
    assert!(projections.rebuild(Some("hubs"), &mut |_| {}).await.is_err(), "a rebuild fails loudly");

    // Once somebody has mended it, the models go on by themselves.
    for sql in [
        "alter table events disable trigger events_append_only",
        "update events set event_type = 'HubClosed', payload = '{\"HubClosed\": {}}' where event_type = 'HubBurnt'",
        "alter table events enable trigger events_append_only",
    ] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    projections.wait_for(after, SOON).await.expect("the models go on");
    assert!(projections.list().await.expect("a list").iter().all(|item| item.status == Status::Live));
    projections.stop().await;
}
