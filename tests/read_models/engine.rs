//! Exactly once, whoever folds; live rows equal to rebuilt ones; whatever goes wrong is said and not lived with.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rollbook_projections::engine::Status;
use rollbook_projections::replay::histories::history;
use rollbook_projections::{ProjectionError, Projections, Verification};
use rollbook_store::{EventStore, Recorded};
use sqlx::{Connection, PgPool};

use super::{SOON, caught_up, write};
use crate::harness::{Database, eventually};

pub(super) fn histories(number: usize) -> Vec<Vec<Recorded>> {
    let mut runner = TestRunner::deterministic();
    (0..number).map(|_| history().new_tree(&mut runner).expect("a history").current()).collect()
}

pub(super) async fn write_all(pool: &PgPool, history: &[Recorded]) {
    for event in history {
        write(pool, event.site, event.stream, event.actor, &event.event).await;
    }
}

async fn verify(projections: &Projections) -> Vec<Verification> {
    projections.verify(None, &mut |_| {}).await.expect("the models are verified")
}

pub(super) async fn assert_as_the_log_says(projections: &Projections) {
    for verification in verify(projections).await {
        assert_eq!(verification.differences, [], "{} at {}", verification.name, verification.position);
    }
}

pub(super) async fn assert_full(projections: &Projections) {
    for verification in verify(projections).await {
        assert!(verification.rows > 0, "{} has rows to compare", verification.name);
    }
}

#[tokio::test]
async fn three_engines_whose_connections_break_fold_every_event_once() {
    let database = Database::create().await;
    // A row of the audit trail is written when its event is folded and never again: twice is once too often.
    for sql in [
        "create table folded (position bigint)",
        "create function folded() returns trigger language plpgsql as
            $$ begin insert into folded values (new.position); return new; end $$",
        "create trigger folded after insert or update on audit_trail for each row execute function folded()",
    ] {
        sqlx::query(sql).execute(&database.pool).await.expect(sql);
    }
    let stores: Vec<_> = (0..3).map(|_| EventStore::new(database.pool.clone())).collect();
    let engines: Vec<_> = stores.iter().cloned().map(Projections::start).collect();
    for (round, history) in histories(8).into_iter().enumerate() {
        for event in history {
            let position = write(&database.pool, event.site, event.stream, event.actor, &event.event).await;
            for store in &stores {
                store.announce(position);
            }
        }
        match round {
            1 | 3 => {
                let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                    where pid <> pg_backend_pid() and datname = current_database() and usename = current_user";
                let _: i64 = sqlx::query_scalar(sql).fetch_one(&database.pool).await.expect("connections are broken");
            }
            5 => engines[0].stop().await,
            _ => {}
        }
    }
    for engine in &engines[1..] {
        caught_up(&stores[0], engine).await;
        engine.stop().await;
    }
    assert_full(&engines[1]).await;
    assert_as_the_log_says(&engines[1]).await;
    let sql = "select count(*), count(distinct position), (select count(*) from audit_trail) from folded";
    let (times, positions, rows): (i64, i64, i64) =
        sqlx::query_as(sql).fetch_one(&database.pool).await.expect("the count");
    assert_eq!((times, positions), (rows, rows), "every event is folded once");
}

#[tokio::test]
async fn verification_names_every_row_that_was_tampered_with_and_a_rebuild_mends_them() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    for history in histories(5) {
        write_all(&database.pool, &history).await;
    }
    caught_up(&store, &projections).await;
    assert_full(&projections).await;
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

    let refused = projections.rebuild(None, &mut |_| {}).await.expect_err("a difference refuses the rebuild");
    let ProjectionError::Differs(found) = refused else { panic!("{refused}") };
    let mut names: Vec<_> = found.iter().map(|found| (found.name, found.differing)).collect();
    names.sort_unstable();
    assert_eq!(names, [("hubs", 1), ("modules", 1), ("people", 1), ("roster", 1)]);
    let still = verify(&projections).await;
    assert_eq!(still.iter().map(|found| found.differing).sum::<u64>(), 4, "nothing was changed");

    let mut reached = Vec::new();
    let accepted = projections.rebuild_accepting_differences(None, &mut |progress| reached.push(progress)).await;
    accepted.expect("the models are rebuilt");
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
    eventually(SOON, "the older version is built anew", async || {
        let people = second.list().await.expect("a list").into_iter().find(|item| item.name == "people");
        (people.expect("the projection").version == 1).then_some(())
    })
    .await;
    for item in second.list().await.expect("a list") {
        let lag = if item.name == "hubs" { store.head().await.expect("a head") - 3 } else { 0 };
        assert_eq!((item.lag, item.status), (lag, Status::Live), "{}", item.name);
    }
    assert!(second.verify(Some("people"), &mut |_| {}).await.expect("people are verified")[0].differences.is_empty());
    assert!(second.verify(Some("hubs"), &mut |_| {}).await.is_err(), "newer rows cannot be judged by older software");
    second.stop().await;
}

#[tokio::test]
async fn what_was_reached_is_not_believed_while_the_database_is_away() {
    let database = Database::create().await;
    let store = database.store();
    let projections = Projections::start(store.clone());
    write_all(&database.pool, &histories(1)[0]).await;
    caught_up(&store, &projections).await;
    let head = store.head().await.expect("a head");
    // It may come back as it was a moment before it went: what is not waited for, a crash can take.
    let (server, name) = database.url.rsplit_once('/').expect("a URL with a database");
    let mut elsewhere = sqlx::PgConnection::connect(&format!("{server}/rollbook")).await.expect("another database");
    let allow = |yes: bool| format!("alter database {name} allow_connections {yes}");
    let sql =
        format!("{}; select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'", allow(false));
    sqlx::raw_sql(&sql).execute(&mut elsewhere).await.expect("nobody is let in");
    eventually(SOON, "it is not known any more what was reached", async || {
        (projections.position() != head).then_some(())
    })
    .await;
    sqlx::raw_sql(&allow(true)).execute(&mut elsewhere).await.expect("all are let in");
    projections.wait_for(head, SOON).await.expect("it is known again");
    projections.stop().await;
}
