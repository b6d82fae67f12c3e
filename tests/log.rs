//! The event log's promises: append-only, gapless, all-or-nothing, idempotent, claims and limits under any interleaving,
//! and an unmodified postgres-es beside it.

use std::collections::BTreeMap;

use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use cqrs_es::{Aggregate, CqrsFramework};
use futures::future::join_all;
use postgres_es::PostgresEventRepository;
use rollbook_domain::actor::DecisionContext;
use rollbook_domain::aggregate::AggregateCommand;
use rollbook_domain::claim::{ClaimChanges, ClaimKey, ClaimSet, Limit};
use rollbook_domain::hub::{FoundHub, Hub, HubCommand, HubEvent, HubFacts};
use rollbook_domain::plan::{Lists, Plan, StreamWrite};
use rollbook_domain::{Actor, Authority, HubId, SiteId, StreamId};
use rollbook_store::append::{Append, Appended};
use rollbook_store::transaction::begin;
use rollbook_store::{CommandKey, EventStore, Recorded, StoreError};
use sqlx::Row;
use uuid::Uuid;

use crate::harness::{Database, at};

fn renamed(name: &str) -> HubEvent {
    HubEvent::HubRenamed { name: name.to_owned(), place: None }
}

fn founded(name: &str) -> HubEvent {
    HubEvent::HubFounded { name: name.to_owned(), place: Some("Óbidos".to_owned()) }
}

fn write(hub: HubId, expected_version: i64, events: Vec<HubEvent>) -> StreamWrite {
    StreamWrite { stream: hub.into(), expected_version, events: events.into_iter().map(Into::into).collect() }
}

fn plan(writes: Vec<StreamWrite>) -> Plan {
    Plan {
        authority: Authority::System,
        writes,
        claims: ClaimChanges::default(),
        limits: Vec::new(),
        lists: Lists::new(),
        rows: Vec::new(),
        parts: Vec::new(),
    }
}

fn request(plan: &Plan, command_id: Uuid) -> Append<'_> {
    Append {
        site: SiteId::DEFAULT,
        key: CommandKey::of_client(command_id),
        command_hash: [7; 32],
        correlation_id: command_id,
        actor: Actor::System,
        at: at("2026-02-03T10:00:00.123456Z"),
        versions: plan.writes.iter().map(|write| (write.stream, write.expected_version)).collect(),
        plan,
        pieces: &[],
        streams: &[],
    }
}

async fn append(store: &EventStore, plan: &Plan) -> Appended {
    store.append(&request(plan, Uuid::new_v4())).await.expect("the append is answered")
}

/// Appends requests that arrive at the same time, in this order.
async fn at_once(store: &EventStore, requests: &[Append<'_>]) -> Vec<Appended> {
    let answers = join_all(requests.iter().map(|request| store.append(request))).await;
    answers.into_iter().map(|answer| answer.expect("an answer")).collect()
}

async fn all(store: &EventStore) -> Vec<Recorded> {
    store.read(0, 1_000_000).await.expect("the log is read")
}

/// Positions are 1, 2, 3, …, and so are the sequences of every stream.
fn assert_gapless(log: &[Recorded]) {
    let mut streams: BTreeMap<StreamId, i64> = BTreeMap::new();
    for (position, event) in (1..).zip(log) {
        assert_eq!(event.position, position, "positions are gapless");
        let sequence = streams.entry(event.stream).or_default();
        *sequence += 1;
        assert_eq!(event.sequence, *sequence, "{} is contiguous", event.stream);
    }
}

#[tokio::test]
async fn the_services_own_user_cannot_change_the_log() {
    let database = Database::create().await;
    append(&database.store(), &plan(vec![write(Uuid::new_v4().into(), 0, vec![founded("Norte")])])).await;
    for statement in ["update events set payload = '{}'", "delete from events", "truncate events"] {
        let error = sqlx::query(statement).execute(&database.pool).await.expect_err(statement);
        let error = error.as_database_error().expect("the database refuses");
        assert_eq!(error.code().as_deref(), Some("23001"), "{statement}: {error}");
    }
    let user: String = sqlx::query_scalar("select current_user::text").fetch_one(&database.pool).await.expect("a user");
    assert_eq!(user, "rollbook");
    assert_eq!(all(&database.store()).await.len(), 1);
}

#[tokio::test]
async fn the_head_of_a_site_is_its_own_last_event_and_each_stretch_is_looked_at_once() {
    let database = Database::create().await;
    let store = database.store();
    let [one, other] = [SiteId::DEFAULT, SiteId(Uuid::from_u128(7))];
    // 1 and 5 are one's, 2 to 4 and 6 the other's.
    for (site, events) in [(one, 1), (other, 3), (one, 1), (other, 1)] {
        let plan = plan(vec![write(Uuid::new_v4().into(), 0, vec![founded("Norte"); events])]);
        let appended = store.append(&Append { site, ..request(&plan, Uuid::new_v4()) }).await;
        assert!(appended.is_ok());
    }
    let head = async |site, after, up_to| store.head_of(site, after, up_to).await.expect("a position");
    assert_eq!((head(one, 0, 4).await, head(other, 0, 4).await), (1, 4));
    assert_eq!((head(one, 1, 6).await, head(other, 4, 6).await), (5, 6));
    assert_eq!((head(one, 0, 6).await, head(other, 6, 6).await), (5, 6), "once more");
    assert_eq!(head(one, 6, 6).await, 6, "nothing of theirs after it");
    assert_eq!(head(one, 0, 2).await, 2, "no more than was asked for");
    assert_eq!(head(SiteId(Uuid::from_u128(8)), 3, 6).await, 3, "a site without events");
}

#[tokio::test]
async fn the_position_at_an_instant_is_that_of_the_last_event_until_then() {
    let database = Database::create().await;
    let store = database.store();
    assert_eq!(store.position_at(at("2026-02-03T10:00:00Z")).await.expect("a position"), 0, "an empty log");
    // 1 at ten, 2 to 4 together at eleven, 5 and 6 at twelve and thirteen.
    for (hour, events) in [(10, 1), (11, 3), (12, 1), (13, 1)] {
        let plan = plan(vec![write(Uuid::new_v4().into(), 0, vec![founded("Norte"); events])]);
        let mut request = request(&plan, Uuid::new_v4());
        request.at = at(&format!("2026-02-03T{hour}:00:00.000001Z"));
        store.append(&request).await.expect("an append");
    }
    for (instant, position) in [
        ("10:00:00.000000", 0),
        ("10:00:00.000001", 1),
        ("11:00:00.000000", 1),
        ("11:00:00.000001", 4),
        ("11:59:59.999999", 4),
        ("12:30:00.000000", 5),
        ("13:00:00.000001", 6),
        ("23:00:00.000000", 6),
    ] {
        let found = store.position_at(at(&format!("2026-02-03T{instant}Z"))).await.expect("a position");
        assert_eq!(found, position, "{instant}");
    }
}

#[tokio::test]
async fn a_request_is_all_or_nothing_across_streams() {
    let database = Database::create().await;
    let store = database.store();
    let [north, south] = [Uuid::new_v4().into(), Uuid::new_v4().into()];
    assert_eq!(append(&store, &plan(vec![write(north, 0, vec![founded("Norte")])])).await, Appended::At(1));

    // The second stream is as expected, the first is not.
    let stale = plan(vec![write(south, 0, vec![founded("Sul")]), write(north, 0, vec![renamed("Norte 2")])]);
    assert!(matches!(append(&store, &stale).await, Appended::Stale { .. }));
    assert_eq!(all(&store).await.len(), 1);

    let fits = plan(vec![write(south, 0, vec![founded("Sul")]), write(north, 1, vec![renamed("Norte 2")])]);
    assert_eq!(append(&store, &fits).await, Appended::At(3));
    assert_gapless(&all(&store).await);
}

#[tokio::test]
async fn requests_of_one_batch_fail_alone() {
    let database = Database::create().await;
    let store = database.store();
    let hub = Uuid::new_v4().into();
    let first = plan(vec![write(hub, 0, vec![founded("Norte")])]);
    let late = plan(vec![write(hub, 0, vec![founded("Norte, again")])]);
    let other = plan(vec![write(Uuid::new_v4().into(), 0, vec![founded("Sul"), renamed("Sul 2")])]);
    let early = plan(vec![write(Uuid::new_v4().into(), 7, vec![renamed("Oeste")])]);
    let requests = [&first, &late, &early, &other].map(|plan| request(plan, Uuid::new_v4()));
    let answers = at_once(&store, &requests).await;
    assert_eq!(answers[0], Appended::At(1));
    assert!(matches!(answers[1], Appended::Stale { .. }), "decided on what the first request changed");
    assert!(matches!(answers[2], Appended::Stale { .. }), "decided on events that are not there");
    assert_eq!(answers[3], Appended::At(3));
    assert_gapless(&all(&store).await);
}

#[tokio::test]
async fn more_than_can_wait_is_told_so_at_once_and_nothing_of_the_rest_is_lost() {
    let database = Database::create().await;
    let store = database.store();
    // While somebody else holds the log's lock nothing is written, and requests pile up.
    let mut lock = begin(&database.pool).await.expect("a transaction");
    sqlx::query("select lock_events()").execute(&mut *lock).await.expect("the lock");
    let plans: Vec<_> =
        (0..2_000).map(|n| plan(vec![write(Uuid::new_v4().into(), 0, vec![founded(&format!("Hub {n}"))])])).collect();
    let answers = join_all(plans.iter().map(|plan| async {
        let answer = store.append(&request(plan, Uuid::new_v4())).await;
        if matches!(answer, Err(StoreError::Overloaded)) { None } else { Some(answer.expect("an answer")) }
    }));
    let release = async {
        // The first two thousand polls are over by now: whoever was to be told so was.
        tokio::task::yield_now().await;
        lock.rollback().await.expect("the lock is released");
    };
    let (answers, ()) = futures::join!(answers, release);
    let taken = answers.iter().flatten().count();
    assert!(taken < 2_000, "the queue has an end");
    assert!(taken >= 1_024, "and takes as many as it says");
    assert!(answers.iter().flatten().all(|answer| matches!(answer, Appended::At(_))));
    let log = all(&store).await;
    assert_eq!(log.len(), taken, "what was taken is in the log, and nothing else");
    assert_gapless(&log);
}

#[tokio::test]
async fn what_was_only_read_is_checked_too() {
    let database = Database::create().await;
    let store = database.store();
    let [read, written] = [Uuid::new_v4().into(), Uuid::new_v4().into()];
    append(&store, &plan(vec![write(read, 0, vec![founded("Norte")])])).await;
    let relying = plan(vec![write(written, 0, vec![founded("Sul")])]);
    let mut stale = request(&relying, Uuid::new_v4());
    stale.versions.push((read.into(), 0));
    assert!(matches!(store.append(&stale).await.expect("an answer"), Appended::Stale { .. }));
    let mut fits = request(&relying, Uuid::new_v4());
    fits.versions.push((read.into(), 1));
    assert_eq!(store.append(&fits).await.expect("an answer"), Appended::At(2));
}

#[tokio::test]
async fn a_key_that_was_used_gives_the_same_receipt_or_is_refused() {
    let database = Database::create().await;
    let store = database.store();
    let hub = Uuid::new_v4().into();
    let key = Uuid::new_v4();
    let first = plan(vec![write(hub, 0, vec![founded("Norte"), renamed("Norte 2")])]);
    assert_eq!(store.append(&request(&first, key)).await.expect("an answer"), Appended::At(2));
    let again = store.append(&request(&first, key)).await.expect("an answer");
    let Appended::Duplicate(receipt) = again else { panic!("{again:?}") };
    assert_eq!((receipt.first_position, receipt.last_position), (Some(1), 2));
    let mut other = request(&first, key);
    other.command_hash = [8; 32];
    assert_eq!(store.append(&other).await.expect("an answer"), Appended::KeyReused);
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test]
async fn a_claim_has_one_owner_and_can_be_handed_over_in_one_request() {
    let database = Database::create().await;
    let store = database.store();
    let key = ClaimKey::email("Zoë@Example.org");
    let [zoe, other] = [Uuid::new_v4(), Uuid::new_v4()];
    let taking = |owner: Uuid, releases: Vec<ClaimKey>| {
        let mut plan = plan(vec![write(owner.into(), 0, vec![founded("x")])]);
        plan.claims = ClaimChanges { takes: vec![(key.clone(), owner)], releases };
        plan
    };
    assert_eq!(append(&store, &taking(zoe, vec![])).await, Appended::At(1));
    assert!(matches!(append(&store, &taking(other, vec![])).await, Appended::Stale { .. }));
    assert_eq!(append(&store, &taking(other, vec![key.clone()])).await, Appended::At(2));
    assert_eq!(store.owner(SiteId::DEFAULT, ClaimKey::email("zoë@example.ORG")).await.expect("a look-up"), Some(other));
    let stored: Vec<String> =
        sqlx::query_scalar("select key from claims").fetch_all(&database.pool).await.expect("keys");
    assert!(stored.iter().all(|key| !key.contains("example")), "personal keys are stored hashed: {stored:?}");
}

#[tokio::test]
async fn a_set_never_holds_more_than_its_limit_however_many_come_at_once() {
    let database = Database::create().await;
    let store = database.store();
    let cohort = Uuid::new_v4().into();
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = Uuid::new_v4();
                let mut plan = plan(vec![write(id.into(), 0, vec![founded("x")])]);
                plan.claims.take(ClaimKey::place(cohort, id.into()), id);
                plan.limits.push(Limit::at_most(ClaimSet::places(cohort), 25));
                append(&store, &plan).await
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += i32::from(matches!(task.await.expect("a task"), Appended::At(_)));
    }
    assert_eq!(taken, 25);
    let log = all(&store).await;
    assert_eq!(log.len(), 25);
    assert_gapless(&log);
}

#[tokio::test]
async fn positions_are_in_the_order_of_commits_for_a_reader_beside_the_writers() {
    let database = Database::create().await;
    let store = database.store();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let hub = Uuid::new_v4().into();
                append(&store, &plan(vec![write(hub, 0, vec![founded("x")])])).await;
                for version in 1..25 {
                    let answer = append(&store, &plan(vec![write(hub, version, vec![renamed("y")])])).await;
                    assert!(matches!(answer, Appended::At(_)), "{answer:?}");
                }
            })
        })
        .collect();
    // A reader that only ever asks for what is after its checkpoint sees everything, once and in order.
    let mut seen = Vec::new();
    loop {
        let written = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let after = seen.last().copied().unwrap_or(0);
        let next = store.read(after, 7).await.expect("the log is read");
        seen.extend(next.iter().map(|event| event.position));
        if written && next.is_empty() {
            break;
        }
    }
    for writer in writers {
        writer.await.expect("a writer");
    }
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    assert_gapless(&all(&store).await);
}

#[tokio::test]
async fn an_unmodified_postgres_es_loads_what_the_service_appended() {
    let database = Database::create().await;
    let store = database.store();
    let id = Uuid::new_v4();
    append(&store, &plan(vec![write(id.into(), 0, vec![founded("Norte"), renamed("Nørd")])])).await;
    let stock = PostgresEventRepository::new(database.pool.clone());
    let events = stock.get_events::<Hub>(&id.to_string()).await.expect("stock postgres-es loads");
    let mut hub = Hub::default();
    for event in events {
        let envelope = cqrs_es::EventEnvelope::<Hub>::try_from(event).expect("stock cqrs-es decodes");
        assert_eq!(envelope.metadata["authority"], "system");
        hub.apply(envelope.payload);
    }
    assert_eq!(hub.name, "Nørd");
}

#[tokio::test]
async fn an_unmodified_postgres_es_appends_beside_the_service() {
    let database = Database::create().await;
    let store = database.store();
    let id = Uuid::new_v4();
    let stock = PersistedEventStore::<_, Hub>::new_event_store(PostgresEventRepository::new(database.pool.clone()));
    let framework = CqrsFramework::new(stock, vec![], ());
    let context =
        DecisionContext { actor: Actor::System, authority: Authority::System, at: at("2026-02-03T10:00:00Z") };
    let found = FoundHub { hub_id: None, name: "Norte".to_owned().try_into().expect("a name"), place: None };
    let asked = AggregateCommand { command: HubCommand::FoundHub(found), context, facts: HubFacts::default() };
    framework.execute(&id.to_string(), asked).await.expect("stock cqrs-es executes");

    // The service goes on in the same stream, and reads both.
    append(&store, &plan(vec![write(id.into(), 1, vec![renamed("Nørd")])])).await;
    let log = all(&store).await;
    assert_gapless(&log);
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].site, log[0].actor, log[0].authority), (SiteId::DEFAULT, None, None));
    let stream = store.stream(SiteId::DEFAULT, HubId(id).into()).await.expect("the stream");
    assert_eq!(stream, log);
    let foreign = SiteId(Uuid::new_v4());
    assert!(
        store.stream(foreign, HubId(id).into()).await.expect("no stream").is_empty(),
        "sites do not see each other"
    );
}

#[tokio::test]
async fn stock_writers_and_the_service_share_one_gapless_order() {
    let database = Database::create().await;
    let store = database.store();
    let stock: Vec<_> = (0..4)
        .map(|_| {
            let repository = PostgresEventRepository::new(database.pool.clone());
            tokio::spawn(async move {
                let id = Uuid::new_v4().to_string();
                for sequence in 1..=20 {
                    let event = cqrs_es::persist::SerializedEvent::new(
                        id.clone(),
                        sequence,
                        "hub".to_owned(),
                        "HubRenamed".to_owned(),
                        "1".to_owned(),
                        serde_json::to_value(renamed("x")).expect("JSON"),
                        serde_json::json!({}),
                    );
                    repository.persist::<Hub>(&[event], None).await.expect("stock postgres-es appends");
                }
            })
        })
        .collect();
    let own: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let hub = Uuid::new_v4().into();
                for version in 0..20 {
                    let answer = append(&store, &plan(vec![write(hub, version, vec![renamed("y")])])).await;
                    assert!(matches!(answer, Appended::At(_)), "{answer:?}");
                }
            })
        })
        .collect();
    for task in stock.into_iter().chain(own) {
        task.await.expect("a writer");
    }
    let log = all(&store).await;
    assert_eq!(log.len(), 160);
    assert_gapless(&log);
}

#[tokio::test]
async fn migrations_run_once_however_many_start_together() {
    let database = Database::create().await;
    sqlx::raw_sql("drop schema public, rollbook_rebuild, rollbook_as_of cascade; create schema public")
        .execute(&database.pool)
        .await
        .expect("an empty database");
    let starts: Vec<_> = (0..5)
        .map(|_| {
            let pool = database.pool.clone();
            tokio::spawn(async move { rollbook_store::migrate::migrate(&pool).await })
        })
        .collect();
    for start in starts {
        start.await.expect("a task").expect("the migrations run");
    }
    let applied: i64 = sqlx::query("select count(*) from _sqlx_migrations")
        .fetch_one(&database.pool)
        .await
        .expect("the migrations are recorded")
        .get(0);
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).expect("migrations");
    let files =
        files.flatten().filter(|file| file.path().extension().is_some_and(|extension| extension == "sql")).count();
    assert_eq!(usize::try_from(applied).expect("a count"), files);
}

#[tokio::test]
async fn migrations_that_fail_let_the_next_process_try_and_fail_too() {
    let database = Database::create().await;
    // Something of somebody else's is in the way.
    sqlx::raw_sql("drop schema public, rollbook_rebuild, rollbook_as_of cascade; create schema public; create table events (id int)")
        .execute(&database.pool)
        .await
        .expect("a database that is not ours");
    for attempt in 1..=2 {
        let migrating = rollbook_store::migrate::migrate(&database.pool);
        let done = tokio::time::timeout(std::time::Duration::from_secs(30), migrating).await;
        let failed = done.unwrap_or_else(|_| panic!("attempt {attempt} waits for a lock that nobody gives back"));
        assert!(matches!(failed, Err(StoreError::Migrate(_))), "{failed:?}");
    }
}
