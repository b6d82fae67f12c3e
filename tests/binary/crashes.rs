//! `rollbook serve`, killed with commands under way: what was acknowledged is there once, and what was not can be sent
//! again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use nix::sys::signal::{Signal, kill};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use super::program::{Home, is_gapless, log};
use crate::harness::{answer, client};

const OWNER: &str = "owner@example.org";
/// How many commands are sent, and how many at once.
const COMMANDS: usize = 200;
const AT_ONCE: usize = 8;
/// After how many answers the service is killed.
const KILLED_AFTER: usize = 60;

struct Sent {
    key: String,
    name: &'static str,
    body: Value,
}

fn commands() -> Vec<Sent> {
    let commands = (0..COMMANDS).map(|n| {
        let (name, body) = if n % 2 == 0 {
            ("FoundHub", json!({"name": format!("Hub {n}")}))
        } else {
            ("RegisterPerson", json!({"name": format!("Person {n}"), "email": format!("person{n}@example.org")}))
        };
        Sent { key: Uuid::new_v4().to_string(), name, body }
    });
    commands.collect()
}

/// Sends a command; its receipt, or nothing if no answer came.
async fn send(client: &Client, url: &str, token: &str, sent: &Sent) -> Option<Value> {
    let request = client.post(format!("{url}/v1/commands/{}", sent.name)).bearer_auth(token).json(&sent.body);
    let response = request.header("Idempotency-Key", &sent.key).send().await.ok()?;
    let status = response.status();
    let receipt = response.json::<Value>().await.ok()?;
    assert_eq!(status, 200, "{receipt}");
    Some(receipt)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_service_acknowledged_is_in_the_log_exactly_once() {
    let home = Home::new();
    let mut service = home.serve(OWNER);
    let url = service.listens();
    let token = home.out(&["token", "--email", OWNER]);
    let token = token.trim();
    let (client, commands, answered) = (client(), commands(), AtomicUsize::new(0));
    let pid = service.pid();
    let receipts: Vec<Option<Value>> = stream::iter(&commands)
        .map(|sent| async {
            let receipt = send(&client, &url, token, sent).await?;
            if answered.fetch_add(1, Ordering::SeqCst) + 1 == KILLED_AFTER {
                kill(pid, Signal::SIGKILL).expect("it runs");
            }
            Some(receipt)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    assert_eq!(service.finish().signal, Some(9));
    let acknowledged = receipts.iter().flatten().count();
    assert!((KILLED_AFTER..COMMANDS).contains(&acknowledged), "{acknowledged} answers");

    let mut service = home.serve(OWNER);
    let url = service.listens();
    let written = written(&client, &url, token).await;
    for (sent, receipt) in commands.iter().zip(&receipts) {
        let events = written.get(&sent.key).map(Vec::as_slice).unwrap_or_default();
        match receipt {
            Some(receipt) => is_written_once(receipt, events),
            None => assert!(events.len() <= 1, "{events:?}"),
        }
    }

    let again: Vec<Option<Value>> =
        stream::iter(&commands).map(|sent| send(&client, &url, token, sent)).buffered(AT_ONCE).collect().await;
    let written = self::written(&client, &url, token).await;
    for ((sent, first), again) in commands.iter().zip(&receipts).zip(&again) {
        let again = again.as_ref().expect("an answer");
        assert!(first.as_ref().is_none_or(|first| first == again), "another receipt: {first:?} {again}");
        is_written_once(again, &written[&sent.key]);
    }
    service.end(Signal::SIGTERM).done();
    let log = log(&home);
    is_gapless(&log);
    assert_eq!(log.len(), written.values().map(Vec::len).sum::<usize>());
    home.is_left_by_everybody();
}

/// The events of the log, by the command that they came of.
async fn written(client: &Client, url: &str, token: &str) -> BTreeMap<String, Vec<Value>> {
    let page = answer(client.get(format!("{url}/v1/events?limit=1000")).bearer_auth(token)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let mut written: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in page.json["items"].as_array().expect("events") {
        written.entry(event["command_id"].as_str().expect("a command").to_owned()).or_default().push(event.clone());
    }
    written
}

/// A receipt's one event is the one that was written.
fn is_written_once(receipt: &Value, written: &[Value]) {
    let [event] = written else { panic!("{} events instead of one: {written:?}", written.len()) };
    let promised = &receipt["events"][0];
    for field in ["position", "type", "stream", "sequence", "data"] {
        assert_eq!(promised[field], event[field], "{field}");
    }
    assert_eq!(receipt["events"].as_array().map(Vec::len), Some(1), "{receipt}");
}
