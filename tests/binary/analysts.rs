//! What the binary tells analysts about the demo's cohort.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::demo::PLAYED;
use super::program::Home;
use crate::harness::client;

/// The enrolment of somebody who is held, from the audit.
fn held() -> String {
    let audit: Value = serde_json::from_str(&PLAYED.home.out(&["audit", "--format", "json"])).expect("JSON");
    let held = audit.as_array().expect("a list").iter().find(|item| item["action"] == "held").expect("somebody held");
    held["subject"]["enrolment_id"].as_str().expect("an enrolment").to_owned()
}

#[test]
fn explain_shows_why_a_student_stands_where_they_do() {
    let (home, held) = (&PLAYED.home, held());
    let json = home.out(&["explain", "--enrolment", &held, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let items = json.as_array().expect("a list");
    assert_eq!(items[0]["type"], "StudentEnrolled");
    assert!(items.iter().any(|item| item["type"] == "StudentHeld"), "{json}");
    let table = home.out(&["explain", "--enrolment", &held]);
    assert!(table.contains("StudentHeld") && table.contains("held_reason"), "{table}");
    assert!(table.lines().count() > items.len(), "a line for every change");
    let nobody = home.run(&["explain", "--enrolment", "0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10"]).failed();
    assert_eq!(nobody, "there is no enrolment 0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10");
    let no_flag = home.run(&["explain", "--enrolment", &held, "--flag", "77"]).failed();
    assert!(no_flag.contains("has no flag 77"), "{no_flag}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_hears_of_other_processes_and_ends_with_the_service() {
    let home = Home::new();
    let mut service = home.serve("owner@example.org");
    let url = service.listens();
    let token = home.out(&["token", "--email", "owner@example.org"]);
    let stream = client().get(format!("{url}/v1/events/stream")).bearer_auth(token.trim());
    let mut stream = stream.send().await.expect("an answer");
    let mut received = String::new();
    let mut until = async |what: &str| {
        while !received.contains(what) {
            let chunk = stream.chunk().await.expect("the stream goes on").expect("more");
            received.push_str(&String::from_utf8(chunk.into()).expect("UTF-8"));
        }
    };
    until("owner@example.org").await;
    home.out(&["token", "--email", "second@example.org", "--owner-email", "second@example.org"]);
    until("second@example.org").await;
    let ended = service.end(Signal::SIGTERM).done();
    assert!(!ended.err.contains("broken off"), "{}", ended.err);
    while stream.chunk().await.expect("the stream ends as it should").is_some() {}
    home.is_left_by_everybody();
}
