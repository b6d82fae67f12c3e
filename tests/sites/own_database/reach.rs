//! How a site's own database is opened and closed, and what becomes of one that is away.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{A, Student, connections, installation, is_problem, keys, name, on, until};
use crate::analysts::subscriptions::Subscription;
use crate::harness::Database;

/// Nobody is let in any more, and those who are in are put out; or the other way round.
async fn lets_in(from: &Database, database: &Database, lets_in: bool) {
    let mut connection = PgConnection::connect(&from.url).await.expect("a connection");
    let name = name(database);
    let sql = format!("alter database {name} allow_connections {lets_in}");
    sqlx::query(&sql).execute(&mut connection).await.expect("its owner may");
    if !lets_in {
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        sqlx::query(sql).bind(name).execute(&mut connection).await.expect("they are its own");
    }
    connection.close().await.expect("an end");
}

#[tokio::test]
async fn a_database_that_is_away_takes_its_own_school_away_and_no_other() {
    let service = installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let south = service.site("south").await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
    lets_in(&service.database, &own, false).await;
    for _ in 0..3 {
        let away = north.ask(&north.owner, "/v1/people").await;
        assert_eq!(away.status, 503, "{}", away.text);
        assert!(away.headers.contains_key("retry-after"));
        let refused = north.send(&north.owner, "FoundHub", json!({"name": "Northland"})).await;
        assert_eq!(refused.status, 503, "{}", refused.text);
        for other in [&south, &service] {
            assert_eq!(other.ask(&other.owner, "/v1/people").await.status, 200);
        }
    }
    // A process that finds it away from the beginning.
    let late = on(service.database.clone(), keys(A), Duration::from_mins(10)).await.at_host("north.example.org");
    is_problem(&late.ask(&north.owner, "/v1/people").await, 503, "site_unavailable");
    is_problem(&late.ask("", "/openapi.json").await, 503, "site_unavailable");

    lets_in(&service.database, &own, true).await;
    for process in [&north, &late] {
        until("it is back by itself", async || process.ask(&north.owner, "/v1/people").await.status == 200).await;
    }
    north.create(&north.owner, "FoundHub", json!({"name": "Northland"})).await;
    assert_eq!(north.items(&north.owner, "/v1/hubs").await.len(), 1);
}

#[tokio::test]
async fn a_database_that_nobody_asks_is_closed_and_opened_for_whoever_comes() {
    let service = on(Database::create().await, keys(A), Duration::from_millis(200)).await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let student = Student::in_site(&north).await;
    let watch = service.database.pool.clone();
    for _ in 0..3 {
        until("it is closed", async || connections(&watch, &own).await == 0).await;
        // All of them come at once, and it is opened once.
        let asked = (0..20).map(|_| north.ask(&north.owner, "/v1/people"));
        let answers = futures::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let open = connections(&watch, &own).await;
        assert!((1..=10).contains(&open), "{open}");
    }
    let roster = north.items(&north.owner, &format!("/v1/cohorts/{}/roster", student.cohort)).await;
    assert_eq!(roster.len(), 1);
}

#[tokio::test]
async fn requests_never_meet_a_database_that_is_being_closed() {
    let service = on(Database::create().await, keys(A), Duration::ZERO).await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    for nth in 0..40 {
        let founded = north.send(&north.owner, "FoundHub", json!({"name": format!("Hub {nth}")})).await;
        assert_eq!(founded.status, 200, "{}", founded.text);
        let listed = north.ask(&north.owner, "/v1/hubs").await;
        assert_eq!(listed.status, 200, "{}", listed.text);
    }
    assert_eq!(north.items(&north.owner, "/v1/hubs").await.len(), 40);
}

#[tokio::test]
async fn a_database_is_open_for_as_long_as_somebody_follows_its_log() {
    let service = on(Database::create().await, keys(A), Duration::from_millis(100)).await;
    let (own, other) = (Database::empty().await, Database::empty().await);
    let north = service.own_site("north", &own).await;
    let mut followed = Subscription::open(&north, &north.owner, "?after=0", None).await;
    // Another one with nobody in it is opened and closed meanwhile.
    service.own_site("south", &other).await;
    let watch = service.database.pool.clone();
    until("the other is closed", async || connections(&watch, &other).await == 0).await;
    assert!(connections(&watch, &own).await > 0);
    let founded = north.command(&north.owner, "FoundHub", json!({"name": "Ours"})).await;
    let position = founded["position"].as_i64().expect("a position");
    let sent = followed.until(position).await;
    assert_eq!(sent.last().map(|sent| sent.kind.as_str()), Some("HubFounded"));
    drop(followed);
    until("it is closed", async || connections(&watch, &own).await == 0).await;
}

#[tokio::test]
async fn a_closed_school_is_closed_wherever_it_is() {
    let service = installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    let mut followed = Subscription::open(&north, &north.owner, "?after=1000", None).await;
    service.command(&service.owner, "CloseSite", json!({"site_id": north.site, "reason": "a pause"})).await;
    is_problem(&north.ask(&north.owner, "/v1/people").await, 410, "site_closed");
    assert_eq!(followed.end().await, 0);
    let watch = service.database.pool.clone();
    until("its database is left", async || connections(&watch, &own).await == 0).await;
    service.command(&service.owner, "ReopenSite", json!({"site_id": north.site})).await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
}

#[tokio::test]
async fn when_the_service_ends_every_database_is_left() {
    let service = installation().await;
    let own = Database::empty().await;
    let north = service.own_site("north", &own).await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
    service.installation.close().await;
    let watch = service.database.pool.clone();
    until("it is closed", async || connections(&watch, &own).await == 0).await;
    is_problem(&north.ask(&north.owner, "/v1/people").await, 503, "site_unavailable");
    assert_eq!(service.ask(&service.owner, "/v1/people").await.status, 200);
}
