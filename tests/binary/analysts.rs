//! What the binary tells analysts about the demo's cohort.

use std::fs;

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

#[test]
fn replay_steps_through_a_students_history() {
    let (home, held) = (&PLAYED.home, held());
    let lines = home.out(&["audit", "replay", "--enrolment", &held, "--format", "ndjson"]);
    let steps: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let stream = home.out(&["events", "--stream", &format!("enrolment/{held}")]);
    assert_eq!(steps.len(), stream.lines().count(), "a step for every event");
    assert_eq!(steps[0]["type"], "StudentEnrolled");
    let step = steps.iter().find(|step| step["type"] == "StudentHeld").expect("a step");
    assert!(step["words"].as_str().expect("words").starts_with("held in week "), "{step}");
    assert_eq!((&step["row"]["held"], &step["row"]["held_reason"]), (&true.into(), &step["reason"]));
    assert!(step["actor"]["name"].is_string() && step["authority"].is_string(), "{step}");
    for two in steps.windows(2) {
        for change in two[1]["changes"].as_array().expect("changes") {
            let field = change["field"].as_str().expect("a field");
            assert_eq!(
                (&two[0]["row"][field], &two[1]["row"][field]),
                (&change["before"], &change["after"]),
                "{field}"
            );
        }
    }
    let table = home.out(&["audit", "replay", "--enrolment", &held]);
    assert_eq!(table.lines().count(), steps.len() * 2, "what happened, and what it came to");
    assert!(table.contains("held *true") && table.contains("attendance *1 "), "{table}");
    let nobody = home.run(&["audit", "replay", "--enrolment", "0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10"]).failed();
    assert!(nobody.starts_with("there is no enrolment"), "{nobody}");
}

#[test]
fn the_audit_comes_in_every_form_and_by_every_filter() {
    let (home, held) = (&PLAYED.home, held());
    let json: Value = serde_json::from_str(&home.out(&["audit", "--format", "json"])).expect("JSON");
    let items = json.as_array().expect("a list");
    let lines = home.out(&["audit", "--format", "ndjson"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(&lines, items);
    let theirs = home.out(&["audit", "--enrolment", &held, "--action", "held", "--format", "ndjson"]);
    let theirs: Vec<Value> = theirs.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expected: Vec<_> = items
        .iter()
        .filter(|item| item["action"] == "held" && item["subject"]["enrolment_id"] == *held)
        .cloned()
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(theirs, expected);
    assert_eq!(home.out(&["audit", "--to", "2000-01-01", "--format", "json"]).trim(), "[]");
    assert_eq!(home.out(&["audit", "--to", "2000-01-01", "--format", "ndjson"]), "");
    assert_eq!(home.run(&["audit", "--action", "emperor"]).code, Some(2));
}

#[test]
fn the_log_the_rosters_and_the_audit_are_exported() {
    let home = &PLAYED.home;
    let rows = |text: &str| text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
    let events = rows(&home.out(&["export", "events", "--format", "ndjson"]));
    assert_eq!(events.len(), home.out(&["events"]).lines().count());
    assert!(events.iter().map(|event| event["position"].as_u64()).eq((1..=events.len() as u64).map(Some)));
    let audit = rows(&home.out(&["audit", "--format", "ndjson"]));
    assert!(rows(&home.out(&["export", "audit", "--format", "ndjson"])) == audit, "the audit is the audit");
    let csv = home.out(&["audit", "--format", "csv"]);
    assert!(home.out(&["export", "audit", "--format", "csv"]) == csv, "also as CSV");
    let roster = rows(&home.out(&["export", "roster", "--format", "ndjson"]));
    assert_eq!(roster.len(), 69, "one of the 68 was moved, and has been in two cohorts");

    let cohort = roster[0]["cohort_id"].as_str().expect("a cohort");
    let of_roster: Vec<Value> = roster.iter().filter(|row| row["cohort_id"] == *cohort).cloned().collect();
    assert_eq!(of_roster.len(), 68);
    let of_cohort = rows(&home.out(&["export", "events", "--format", "ndjson", "--cohort", cohort]));
    let theirs = |event: &&Value| {
        event["stream"] == *cohort || of_roster.iter().any(|row| row["enrolment_id"] == event["stream"])
    };
    assert!(of_cohort == events.iter().filter(theirs).cloned().collect::<Vec<_>>(), "the cohort's own");
    assert!(
        rows(&home.out(&["export", "roster", "--format", "ndjson", "--cohort", cohort])) == of_roster,
        "of one cohort"
    );

    // A file is there when it is whole, and beside it nothing is left.
    let folder = home.folder.join("exports");
    fs::create_dir(&folder).expect("a folder");
    for table in ["events", "roster", "audit"] {
        for format in ["parquet", "csv", "ndjson"] {
            let file = folder.join(format!("{table}.{format}"));
            let path = file.to_str().expect("a path");
            let ran = home.run(&["export", table, "--format", format, "--out", path]).done();
            assert_eq!(ran.out, "", "the answer is in the file");
            assert!(ran.err.contains(" rows of the ") && ran.err.contains(" a second"), "{}", ran.err);
            let piped = home.out(&["export", table, "--format", format]);
            if format == "parquet" {
                let bytes = fs::read(&file).expect("the file");
                assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{path}");
            } else {
                assert!(fs::read_to_string(&file).expect("the file") == piped, "{path}");
            }
        }
    }
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 9);
    let nowhere = home.folder.join("nowhere/at.all");
    let nowhere =
        home.run(&["export", "audit", "--format", "csv", "--out", nowhere.to_str().expect("a path")]).failed();
    assert!(nowhere.contains("cannot be written"), "{nowhere}");
    let nobody = "0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10";
    let nobody = home.run(&["export", "roster", "--format", "csv", "--cohort", nobody]).failed();
    assert!(nobody.starts_with("there is no cohort"), "{nobody}");
}
