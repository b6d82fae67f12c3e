//! An event that cannot be read or folded holds up its own stream and no other; it is shown, and taken up after a fix.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::hub::HubEvent;
use rollbook_domain::person::PersonEvent;
use rollbook_domain::{HubId, PersonId, SiteId};
use rollbook_projections::engine::Status;
use rollbook_projections::{Page, ParkedStream, ProjectionItem, Projections};
use rollbook_store::Position;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::engine::{assert_as_the_log_says, histories, write_all};
use super::{SOON, caught_up, write};
use crate::harness::Database;
use crate::school::School;

/// What an older version of the software cannot read: an event type that it does not know.
async fn write_unknown(pool: &PgPool, kind: &str, id: &str) -> Position {
    let sql =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        select $1, $2, coalesce(max(sequence), 0) + 1, 'HubBurnt', '1', '{\"HubBurnt\": {}}', '{}'
        from events where aggregate_type = $1 and aggregate_id = $2
        returning position";
    sqlx::query_scalar(sql).bind(kind).bind(id).fetch_one(pool).await.expect("an event of other software")
}

/// Makes what was unknown known, as newer software would.
async fn make_it_known(pool: &PgPool) {
    for sql in [
        "alter table events disable trigger events_append_only",
        "update events set event_type = 'HubClosed', payload = '{\"HubClosed\": {}}' where event_type = 'HubBurnt'",
        "alter table events enable trigger events_append_only",
    ] {
        run(pool, sql).await;
    }
}

async fn run(pool: &PgPool, sql: &str) {
    sqlx::query(sql).execute(pool).await.expect(sql);
}

async fn found(pool: &PgPool, hub: HubId, name: &str) -> Position {
    let founded = HubEvent::HubFounded { name: name.into(), place: None };
    write(pool, SiteId::DEFAULT, hub.into(), None, &founded.into()).await
}

async fn rename(pool: &PgPool, hub: HubId, name: &str) -> Position {
    let renamed = HubEvent::HubRenamed { name: name.into(), place: None };
    write(pool, SiteId::DEFAULT, hub.into(), None, &renamed.into()).await
}

async fn name_of(pool: &PgPool, hub: HubId) -> String {
    let sql = "select name from hubs where hub_id = $1";
    sqlx::query_scalar(sql).bind(hub.0).fetch_one(pool).await.expect("the hub")
}

async fn list(projections: &Projections) -> Vec<ProjectionItem> {
    projections.list().await.expect("a list")
}

async fn parked(projections: &Projections, name: &str) -> Vec<ParkedStream> {
    projections.parked(name, Some(SiteId::DEFAULT), &Page::default()).await.expect("a list").items
}

async fn assert_parked(projections: &Projections, expected: impl Fn(&str) -> i64) {
    for item in list(projections).await {
        assert_eq!((item.parked, item.status, item.lag), (expected(&item.name), Status::Live, 0), "{}", item.name);
    }
}

fn hub() -> HubId {
    HubId(Uuid::new_v4())
}

#[tokio::test]
async fn an_unreadable_event_parks_its_stream_everywhere_and_the_others_go_on() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let projections = Projections::start(store.clone());
    write_all(pool, &histories(1)[0]).await;
    let [burnt, other] = [hub(), hub()];
    found(pool, burnt, "Before").await;
    let position = write_unknown(pool, "hub", &burnt.to_string()).await;
    found(pool, other, "Other").await;
    rename(pool, burnt, "After").await;
    rename(pool, other, "Still here").await;
    caught_up(&store, &projections).await;
    assert_parked(&projections, |_| 1).await;
    assert_eq!((name_of(pool, burnt).await, name_of(pool, other).await), ("Before".into(), "Still here".into()));
    for name in ["hubs", "audit_trail", "people"] {
        let [stream] = &parked(&projections, name).await[..] else { panic!("one stream of {name}") };
        assert_eq!((stream.stream_type.as_str(), &stream.stream_id), ("hub", &burnt.to_string()));
        assert_eq!(stream.position, position);
        assert!(stream.error.contains("HubBurnt"), "{}", stream.error);
    }
    assert!(projections.rebuild(Some("hubs"), &mut |_| {}).await.is_err(), "a rebuild fails loudly");

    // Trying again changes nothing as long as the event cannot be read; later events are left out, in later batches too.
    for retried in projections.retry(None).await.expect("it is tried") {
        assert_eq!((retried.mended, retried.parked), (0, 1), "{}", retried.name);
    }
    rename(pool, burnt, "Much later").await;
    caught_up(&store, &projections).await;
    assert_parked(&projections, |_| 1).await;
    assert_eq!(name_of(pool, burnt).await, "Before");

    make_it_known(pool).await;
    let retried = projections.retry(Some("hubs")).await.expect("it is tried");
    assert_eq!((retried.len(), retried[0].mended, retried[0].parked), (1, 1, 0));
    assert_eq!(name_of(pool, burnt).await, "Much later");
    assert_parked(&projections, |name| i64::from(name != "hubs")).await;
    projections.retry(None).await.expect("it is tried");
    assert_parked(&projections, |_| 0).await;
    rename(pool, burnt, "Live again").await;
    caught_up(&store, &projections).await;
    assert_eq!(name_of(pool, burnt).await, "Live again");
    assert_as_the_log_says(&projections).await;
    projections.stop().await;
}

#[tokio::test]
async fn streams_of_other_software_are_parked_whatever_they_are_called() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let id = hub();
    let shouted = id.to_string().to_uppercase();
    found(pool, id, "Ours").await;
    let names = [("invoice", "anna@example.org"), ("hub", "no id"), ("hub", shouted.as_str()), ("", "")];
    for (kind, name) in names {
        write_unknown(pool, kind, name).await;
    }
    // Nor may anything else that was recorded be taken for granted.
    for (metadata, instant) in [(r#"{"actor": "\u0000"}"#, "now"), (r#"{"actor": "Anna"}"#, "now"), ("{}", "infinity")]
    {
        let sql = "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                metadata, recorded_at)
            values ('hub', gen_random_uuid(), 1, 'HubClosed', '1', '{\"HubClosed\": {}}', $1::json, $2::timestamptz)";
        sqlx::query(sql).bind(metadata).bind(instant).execute(pool).await.expect("an odd event");
    }
    rename(pool, id, "Still ours").await;
    let projections = Projections::start(store.clone());
    caught_up(&store, &projections).await;
    assert_parked(&projections, |_| 7).await;
    assert_eq!(name_of(pool, id).await, "Still ours");
    let parked = parked(&projections, "hubs").await;
    let called: Vec<_> = parked.iter().map(|s| (s.stream_type.as_str(), s.stream_id.as_str())).take(4).collect();
    assert_eq!(called, names);
    assert!(parked.iter().all(|stream| !stream.error.contains("Anna") && !stream.error.contains('@')));
    projections.stop().await;
}

#[tokio::test]
async fn poison_in_the_middle_of_busy_streams_stops_nothing_else() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    // The table refuses some rows: their events are folded, and cannot be written.
    run(pool, "alter table hubs add constraint no_poison check (name not like 'Poison%')").await;
    let hubs: Vec<_> = (0..40).map(|_| hub()).collect();
    for hub in &hubs {
        found(pool, *hub, "Founded").await;
    }
    // Each hub that goes bad stays so.
    let (mut poisoned, mut positions, mut last) = (BTreeMap::new(), BTreeSet::new(), 0);
    for round in 0..5 {
        for (nth, hub) in hubs.iter().enumerate() {
            let begins = (nth + round) % 17 == 3 && !poisoned.contains_key(hub);
            if begins {
                poisoned.insert(*hub, round);
            }
            let name = if poisoned.contains_key(hub) { "Poison" } else { "Name" };
            last = rename(pool, *hub, &format!("{name} {round}")).await;
            positions.extend(begins.then_some(last));
        }
    }
    assert!(poisoned.len() > 5 && poisoned.len() < hubs.len());
    let engines: Vec<_> = (0..3).map(|_| Projections::start(database.store())).collect();
    for engine in &engines {
        engine.wait_for(last, SOON).await.expect("the others go on");
    }
    let projections = &engines[0];
    assert_parked(projections, |name| if name == "hubs" { i64::try_from(poisoned.len()).expect("few") } else { 0 })
        .await;
    let parked = parked(projections, "hubs").await;
    assert_eq!(parked.iter().map(|stream| stream.position).collect::<BTreeSet<_>>(), positions, "where each began");
    for stream in &parked {
        assert!(stream.error.contains("23514") && stream.error.contains("no_poison"), "{}", stream.error);
        assert!(!stream.error.contains("Poison"), "no value of a row: {}", stream.error);
    }
    for hub in &hubs {
        let expected = match poisoned.get(hub) {
            Some(0) => "Founded".to_owned(),
            Some(round) => format!("Name {}", round - 1),
            None => "Name 4".to_owned(),
        };
        assert_eq!(name_of(pool, *hub).await, expected, "up to the event that it is parked at");
    }

    // As long as the table refuses, a retry leaves the rows as they were and the streams parked where they were.
    let retried = projections.retry(Some("hubs")).await.expect("it is tried");
    assert_eq!((retried[0].mended, retried[0].parked), (0, u64::try_from(poisoned.len()).expect("few")));
    assert_eq!(self::parked(projections, "hubs").await, parked);
    run(pool, "alter table hubs drop constraint no_poison").await;
    let retried = projections.retry(Some("hubs")).await.expect("it is tried");
    assert_eq!((retried[0].mended, retried[0].parked), (u64::try_from(poisoned.len()).expect("few"), 0));
    assert_as_the_log_says(projections).await;
    for engine in engines {
        engine.stop().await;
    }
    let log = store.head().await.expect("a head");
    assert_eq!(log, last);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_parks_its_stream_in_its_model_until_a_process_starts_anew() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let projections = Projections::start(store.clone());
    let [person, other] = [PersonId(Uuid::new_v4()), PersonId(Uuid::new_v4())];
    for (person, email) in [(person, "asa@example.org"), (other, "bo@example.org")] {
        let registered = PersonEvent::PersonRegistered { name: "Åsa".into(), email: email.into(), external_id: None };
        write(pool, SiteId::DEFAULT, person.into(), None, &registered.into()).await;
    }
    caught_up(&store, &projections).await;
    // An engine reads the rows that it did not write itself.
    projections.stop().await;
    let tamper = "update people set roles = '{emperor}' where person_id = $1";
    sqlx::query(tamper).bind(person.0).execute(pool).await.expect(tamper);
    let projections = Projections::start(store.clone());
    for person in [person, other] {
        let deactivated = PersonEvent::PersonDeactivated { reason: "left".into() };
        write(pool, SiteId::DEFAULT, person.into(), None, &deactivated.into()).await;
    }
    caught_up(&store, &projections).await;
    assert_parked(&projections, |name| i64::from(name == "people")).await;
    let sql = "select active from people where person_id = $1";
    let active = async |person: PersonId| {
        sqlx::query_scalar::<_, bool>(sql).bind(person.0).fetch_one(pool).await.expect("a person")
    };
    assert_eq!((active(person).await, active(other).await), (true, false), "its row stays as it was");
    projections.stop().await;

    let anew = Projections::start(store.clone());
    let taken_up = async {
        while list(&anew).await.iter().any(|item| item.parked > 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, taken_up).await.expect("it is taken up at the start");
    assert!(!active(person).await);
    assert_as_the_log_says(&anew).await;
    anew.stop().await;
}

#[tokio::test]
async fn a_rebuild_parks_nothing() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let projections = Projections::start(store.clone());
    let id = hub();
    write_unknown(pool, "hub", &id.to_string()).await;
    caught_up(&store, &projections).await;
    make_it_known(pool).await;
    projections.rebuild(Some("hubs"), &mut |_| {}).await.expect("a rebuild");
    assert_parked(&projections, |name| i64::from(name != "hubs")).await;
    assert_eq!(parked(&projections, "hubs").await, []);
    projections.stop().await;
}

#[tokio::test]
async fn a_table_that_is_not_as_it_should_be_stops_its_model_alone_until_it_is() {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let projections = Projections::start(store.clone());
    let id = hub();
    let before = found(pool, id, "North").await;
    projections.wait_for(before, SOON).await.expect("it is founded");
    run(pool, "alter table hubs rename column place to somewhere").await;
    let after = rename(pool, id, "South").await;
    let stuck = async {
        loop {
            let list = list(&projections).await;
            if list.iter().all(|item| item.lag == 0 || item.name == "hubs" && item.status == Status::Stuck) {
                break list.into_iter().find(|item| item.name == "hubs").expect("the projection");
            }
            tokio::task::yield_now().await;
        }
    };
    let hubs = tokio::time::timeout(SOON, stuck).await.expect("the others go on");
    assert_eq!((hubs.position, hubs.parked), (before, 0));
    assert!(hubs.error.is_some());
    run(pool, "alter table hubs rename column somewhere to place").await;
    projections.wait_for(after, SOON).await.expect("it goes on by itself");
    assert_as_the_log_says(&projections).await;
    projections.stop().await;
}

#[tokio::test]
async fn what_is_parked_is_shown_to_admins_and_gives_nobody_a_right() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    service.get(&school.instructor, &roster).await;
    let position = write_unknown(pool, "cohort", &school.cohort).await;
    service.executor.store().announce(position);
    let projections = service.items(&school.owner, "/v1/projections").await;
    assert!(projections.iter().all(|item| item["parked"] == 1 && item["status"] == "live"), "{projections:?}");
    assert_eq!(service.ask("", "/readyz").await.status, 200, "it serves what it can");
    let parked = service.items(&school.owner, "/v1/projections/cohorts/parked").await;
    assert_eq!(parked.len(), 1);
    let expected = json!({"projection": "cohorts", "stream_type": "cohort", "stream_id": school.cohort,
        "position": position, "site_id": SiteId::DEFAULT.to_string()});
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(parked[0][field], *value, "{field}");
    }
    assert_eq!(service.ask(&school.instructor, "/v1/projections/cohorts/parked").await.status, 403);
    assert_eq!(service.ask(&school.owner, "/v1/projections/nothing/parked").await.status, 404);
    assert_eq!(service.ask(&school.owner, "/v1/projections/cohorts/parked?after=x").await.status, 422);
    // Whether the instructor has been dismissed since is not known.
    assert_eq!(service.ask(&school.instructor, &roster).await.status, 404);

    make_it_known(pool).await;
    run(pool, "alter table events disable trigger events_append_only").await;
    let sql = "update events set event_type = 'CapacitySet', payload = '{\"CapacitySet\": {\"capacity\": 9}}'
        where position = $1";
    sqlx::query(sql).bind(position).execute(pool).await.expect("it is known");
    run(pool, "alter table events enable trigger events_append_only").await;
    let path = "/v1/projections/cohorts/retry";
    let retried = crate::harness::answer(service.request(reqwest::Method::POST, &school.owner, path)).await;
    assert_eq!((retried.status, &retried.json), (200, &json!({"name": "cohorts", "mended": 1, "parked": 0})));
    service.get(&school.instructor, &roster).await;
    assert_eq!(service.get(&school.owner, &format!("/v1/cohorts/{}", school.cohort)).await["capacity"], 9);
}
