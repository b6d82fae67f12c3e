//! Events that cannot be read: of newer software, of other software, or with odd things recorded beside them.

use rollbook_projections::Projections;

use super::{assert_parked, found, hub, make_it_known, name_of, parked, rename, write_unknown};
use crate::harness::Database;
use crate::read_models::caught_up;
use crate::read_models::engine::{assert_as_the_log_says, histories, write_all};

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
