//! Following the log: all of it, in order, once, whoever writes at the same time and however often the reader breaks off.

use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use reqwest::Method;
use rollbook_domain::hub::HubEvent;
use rollbook_domain::{HubId, SiteId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Service, answer};
use crate::school::School;

/// Long enough for any machine: a test that hangs must fail.
const LIMIT: Duration = Duration::from_mins(1);

/// A subscription, event by event.
pub struct Subscription {
    response: reqwest::Response,
    received: Vec<u8>,
}

/// One server-sent event.
#[derive(Debug)]
pub struct Sent {
    /// Its position.
    pub id: i64,
    /// Its type.
    pub kind: String,
    /// What it says.
    pub data: Value,
}

impl Subscription {
    /// Begins one.
    pub async fn open(service: &Service, token: &str, query: &str, last_event_id: Option<i64>) -> Self {
        let mut request = service.request(Method::GET, token, &format!("/v1/events/stream{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().contains_key("rollbook-position"));
        Self { response, received: Vec::new() }
    }

    /// The next event; none when the stream has ended, as it should, between two events.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(end) = self.received.windows(2).position(|two| two == b"\n\n") {
                let text: Vec<u8> = self.received.drain(..end + 2).collect();
                let text = String::from_utf8(text).expect("UTF-8");
                let field = |name: &str| {
                    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    value.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
                };
                if text.starts_with(':') {
                    continue;
                }
                return Some(Sent {
                    id: field("id").parse().expect("a position"),
                    kind: field("event"),
                    data: serde_json::from_str(&field("data")).expect("JSON"),
                });
            }
            let chunk = tokio::time::timeout(LIMIT, self.response.chunk()).await.expect("something, in time");
            let Some(bytes) = chunk.expect("the stream ends as it should") else {
                assert!(self.received.is_empty(), "no half event");
                return None;
            };
            self.received.extend(bytes);
        }
    }

    /// Everything up to a position.
    pub async fn until(&mut self, position: i64) -> Vec<Sent> {
        let mut sent = Vec::new();
        while sent.last().is_none_or(|last: &Sent| last.id < position) {
            sent.push(self.next().await.expect("more"));
        }
        sent
    }

    /// Waits for the end of the stream; how many events came before it.
    pub async fn end(&mut self) -> usize {
        let mut events = 0;
        while self.next().await.is_some() {
            events += 1;
        }
        events
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_skipped_and_nothing_comes_twice_however_often_the_reader_breaks_off() {
    let school = School::open().await;
    // Appends of another process are not heard of here: they are found by looking.
    let other = Service::on_the_database_of(&school.service).await;
    let writing = join_all((0..6).map(|writer| {
        let service = if writer % 2 == 0 { &school.service } else { &other };
        let owner = &school.owner;
        async move {
            for nth in 0..40 {
                service.command(owner, "FoundHub", json!({"name": format!("Hub {nth} of {writer}")})).await;
            }
        }
    }));
    let store = school.service.executor.store().clone();
    let reading = async {
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut seen: Vec<Sent> = Vec::new();
        let mut breaks = 0;
        // The hubs of the six writers come after the school's own events.
        while seen.iter().filter(|sent| sent.kind == "HubFounded").count() < 2 + 240 {
            let last = seen.last().map(|sent| sent.id);
            let mut subscription = Subscription::open(&school.service, &school.owner, "?after=0", last).await;
            for _ in 0..=random.next_u32() % 25 {
                seen.push(subscription.next().await.expect("more"));
                if seen.iter().filter(|sent| sent.kind == "HubFounded").count() == 2 + 240 {
                    break;
                }
            }
            breaks += 1;
        }
        assert!(breaks > 5, "{breaks}");
        seen
    };
    let (_, seen) = tokio::join!(writing, reading);
    let head = store.head().await.expect("the head");
    assert!(seen.iter().map(|sent| sent.id).eq(1..=head), "{:?}", seen.iter().map(|sent| sent.id).collect::<Vec<_>>());
    let log = school.service.items(&school.owner, "/v1/events").await;
    for (sent, item) in seen.iter().zip(&log) {
        assert_eq!((&sent.data, &json!(sent.kind), &json!(sent.id)), (item, &item["type"], &item["position"]));
    }
}

#[tokio::test]
async fn it_begins_where_it_is_told_to_and_shows_one_site() {
    let school = School::open().await;
    let (service, owner) = (&school.service, &school.owner);
    let head = service.executor.store().head().await.expect("the head");
    let mut from_the_first = Subscription::open(service, owner, "", None).await;
    assert_eq!(from_the_first.until(head).await.len(), usize::try_from(head).expect("a count"));
    let mut from_here = Subscription::open(service, owner, &format!("?after={head}"), None).await;
    let mut taken_up = Subscription::open(service, owner, &format!("?after={head}"), Some(head - 2)).await;
    assert_eq!(taken_up.next().await.expect("an event").id, head - 1, "where it broke off, and not where it began");
    let elsewhere = SiteId(Uuid::from_u128(2));
    let founded = HubEvent::HubFounded { name: "Elsewhere".into(), place: None }.into();
    let foreign =
        crate::read_models::write(&service.database.pool, elsewhere, HubId(Uuid::new_v4()).into(), None, &founded);
    let foreign = foreign.await;
    school.command("FoundHub", json!({"name": "Here"})).await;
    let next = from_here.next().await.expect("an event");
    assert_eq!((next.id, next.data["data"]["name"].as_str()), (foreign + 1, Some("Here")));
    assert_eq!(from_the_first.next().await.expect("an event").id, foreign + 1);
}

#[tokio::test]
async fn it_is_for_admins_and_ends_with_their_right_or_their_token() {
    let school = School::open().await;
    let service = &school.service;
    for (token, status) in [("", 401), (school.instructor.as_str(), 403), (school.coordinator.as_str(), 403)] {
        assert_eq!(service.ask(token, "/v1/events/stream").await.status, status);
    }
    for query in ["?after=-1", "?after=x", "?since=1", "?after=1&limit=2"] {
        let refused = service.ask(&school.owner, &format!("/v1/events/stream{query}")).await;
        assert_eq!(refused.status, 422, "{query}: {}", refused.text);
    }
    let bad = service.request(Method::GET, &school.owner, "/v1/events/stream").header("last-event-id", "yesterday");
    let bad = answer(bad).await;
    assert_eq!((bad.status, &bad.json["code"]), (400, &json!("bad_header")), "{}", bad.text);

    let people = service.items(&school.owner, "/v1/people").await;
    let admin = people.iter().find(|person| person["name"] == "Ádám Admin").expect("the admin")["person_id"].clone();
    let head = service.executor.store().head().await.expect("the head");
    let here = format!("?after={head}");
    let second = service.token(admin.as_str().expect("an id")).await;
    let mut by_token = Subscription::open(service, &second, &here, None).await;
    let mut by_role = Subscription::open(service, &school.admin, &here, None).await;
    let mut stays = Subscription::open(service, &school.owner, &here, None).await;
    assert_eq!(answer(service.request(Method::DELETE, &second, "/v1/me/token")).await.status, 204);
    assert_eq!(by_token.end().await, 0, "the token is revoked");
    school.command("RevokeRole", json!({"person_id": admin, "role": "admin"})).await;
    assert!(by_role.end().await <= 1, "the role is gone");
    assert_eq!(stays.next().await.expect("an event").kind, "RoleRevoked");
    school.command("FoundHub", json!({"name": "Still there"})).await;
    assert_eq!(stays.next().await.expect("an event").kind, "HubFounded");

    // A token that runs out ends it as well.
    let store = service.executor.store();
    let owner = people.iter().find(|person| person["name"] == "Ọlá Owner").expect("the owner")["person_id"].clone();
    let owner = owner.as_str().expect("an id").parse().expect("an id");
    let hour = chrono::TimeDelta::hours(1);
    let brief = store.issue_token(SiteId::DEFAULT, owner, service.clock.now(), hour).await.expect("a token");
    let mut brief = Subscription::open(service, &brief, &here, None).await;
    brief.next().await.expect("an event");
    service.clock.set(service.clock.now() + hour);
    brief.end().await;
}

#[tokio::test]
async fn it_ends_when_the_service_does() {
    let school = School::open().await;
    let head = school.service.executor.store().head().await.expect("the head");
    let mut subscription = Subscription::open(&school.service, &school.owner, "", None).await;
    subscription.until(head).await;
    school.service.installation.end();
    assert_eq!(subscription.end().await, 0);
}
