//! Events that can be read and not folded: rows that the table refuses or that cannot be read, and a table of another shape.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::person::PersonEvent;
use rollbook_domain::{PersonId, SiteId};
use rollbook_projections::Projections;
use rollbook_projections::engine::Status;
use uuid::Uuid;

use super::{assert_parked, found, hub, list, name_of, parked, rename, run};
use crate::harness::{Database, eventually};
use crate::read_models::engine::assert_as_the_log_says;
use crate::read_models::{SOON, caught_up, write};
use rollbook_domain::Origin;

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
    assert_eq!(super::parked(projections, "hubs").await, parked);
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
        let registered = PersonEvent::PersonRegistered {
            name: "Åsa".into(),
            email: email.into(),
            external_id: None,
            origin: Origin::Hand,
        };
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
    eventually(SOON, "it is taken up at the start", async || {
        list(&anew).await.iter().all(|item| item.parked == 0).then_some(())
    })
    .await;
    assert!(!active(person).await);
    assert_as_the_log_says(&anew).await;
    anew.stop().await;
}

#[tokio::test]
async fn a_table_that_is_not_as_it_should_be_stops_its_model_alone_until_it_is() {
    a_renamed_column_stops_its_model_alone(false).await;
}

#[tokio::test]
async fn a_table_that_is_not_as_it_should_be_at_the_start_stops_its_model_alone() {
    a_renamed_column_stops_its_model_alone(true).await;
}

async fn a_renamed_column_stops_its_model_alone(before_the_start: bool) {
    let database = Database::create().await;
    let (store, pool) = (database.store(), &database.pool);
    let mut projections = Projections::start(store.clone());
    let id = hub();
    let before = found(pool, id, "North").await;
    projections.wait_for(before, SOON).await.expect("it is founded");
    if before_the_start {
        projections.stop().await;
    }
    run(pool, "alter table hubs rename column place to somewhere").await;
    if before_the_start {
        projections = Projections::start(store.clone());
    }
    let after = rename(pool, id, "South").await;
    let hubs = eventually(SOON, "the others go on", async || {
        let list = list(&projections).await;
        let stuck = list.iter().all(|item| item.lag == 0 || item.name == "hubs" && item.status == Status::Stuck);
        stuck.then(|| list.into_iter().find(|item| item.name == "hubs").expect("the projection"))
    });
    let hubs = hubs.await;
    assert_eq!((hubs.position, hubs.parked), (before, 0));
    assert!(hubs.error.is_some());
    run(pool, "alter table hubs rename column somewhere to place").await;
    projections.wait_for(after, SOON).await.expect("it goes on by itself");
    assert_as_the_log_says(&projections).await;
    projections.stop().await;
}
