//! The HTTP contract's promises to clients: problems, positions, pages, CSV, the document.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, answer};
use crate::school::School;

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.json["status"], json!(status));
    assert_eq!(answer.json["type"], format!("/problems/{code}"));
    for field in ["title", "detail"] {
        assert!(answer.json[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", answer.text);
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_code() {
    let school = School::open().await;
    let service = &school.service;
    let post = |path: &str| service.request(Method::POST, &school.owner, path);
    let unknown = Uuid::new_v4();

    assert_problem(
        &answer(post("/v1/commands/FoundHub").body("{not json").header("content-type", "application/json")).await,
        400,
        "not_json",
    );
    assert_problem(&service.ask("", "/v1/modules").await, 401, "unauthenticated");
    let nobody = service.ask("rb_nobody", "/v1/modules").await;
    assert_problem(&nobody, 401, "unauthenticated");
    assert!(nobody.headers["www-authenticate"].to_str().expect("text").starts_with("Bearer"));
    assert_problem(&service.send(&school.marker, "FoundHub", json!({"name": "x"})).await, 403, "not_allowed");
    let hub = json!({"hub_id": unknown, "name": "x"});
    assert_problem(&service.send(&school.owner, "RenameHub", hub.clone()).await, 404, "not_found");
    assert_problem(&service.send(&school.marker, "RenameHub", hub).await, 403, "not_allowed");
    assert_problem(&service.send(&school.owner, "NoSuchCommand", json!({})).await, 404, "not_found");
    assert_problem(&service.send(&school.owner, "BootstrapOwner", json!({})).await, 404, "not_found");
    assert_problem(&service.ask(&school.owner, "/v1/nothing").await, 404, "not_found");
    assert_problem(&service.ask(&school.owner, &format!("/v1/cohorts/{unknown}/roster")).await, 404, "not_found");
    let taken = json!({"hub_id": school.north, "name": "Again"});
    assert_problem(&service.send(&school.owner, "FoundHub", taken).await, 409, "already_exists");
    let text = answer(post("/v1/commands/FoundHub").body("{}").header("content-type", "text/plain")).await;
    assert_problem(&text, 415, "unsupported_media_type");
    let long = json!({"name": "x".repeat(2 * 1024 * 1024)});
    assert_problem(&service.send(&school.owner, "FoundHub", long).await, 413, "too_large");

    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(201)}), "/name"),
        (json!({"name": "a\u{0}b"}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"name": "x", "hub_id": "seven"}), "/hub_id"),
        (json!({"name": "x", "nickname": "y"}), "/nickname"),
    ] {
        let refused = service.send(&school.owner, "FoundHub", body.clone()).await;
        assert_problem(&refused, 422, "invalid_fields");
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{body}: {}", refused.text);
    }
    for (field, value) in [
        ("session_minutes", json!(0)),
        ("capacity", json!(0)),
        ("timezone", json!("Sydney")),
        ("absence_threshold", json!(53)),
        ("starts_on", json!("2026-02-30")),
        ("session_start", json!("25:00")),
    ] {
        let mut body = json!({"module_id": school.module, "name": "x", "starts_on": "2026-02-03",
            "session_start": "19:00", "timezone": "Australia/Sydney"});
        body[field] = value;
        let refused = service.send(&school.owner, "ScheduleCohort", body).await;
        assert_problem(&refused, 422, "invalid_fields");
        assert_eq!(refused.json["errors"][0]["pointer"], format!("/{field}"), "{}", refused.text);
    }
    assert_problem(&service.ask(&school.owner, "/v1/modules?limit=1001").await, 422, "invalid_fields");
    assert_problem(&service.ask(&school.owner, "/v1/modules?nonsense=1").await, 422, "invalid_fields");
    assert_problem(&service.ask(&school.owner, "/v1/modules?after=nonsense").await, 422, "invalid_fields");
    assert_problem(
        &answer(service.request(Method::DELETE, &school.owner, "/v1/modules")).await,
        405,
        "method_not_allowed",
    );
}

#[tokio::test]
async fn a_client_reads_its_own_writes_by_position() {
    let school = School::open().await;
    for nth in 0..20 {
        let receipt = school.command("FoundHub", json!({"name": format!("Hub {nth:02}")})).await;
        let position = receipt["position"].as_i64().expect("a position");
        let read = school.service.ask(&school.owner, &format!("/v1/hubs?min_position={position}&limit=1000")).await;
        assert_eq!(read.status, 200);
        let at: i64 = read.headers["rollbook-position"].to_str().expect("text").parse().expect("a position");
        assert!(at >= position, "{at} < {position}");
        let ids: Vec<_> = read.json["items"].as_array().expect("items").iter().map(|hub| &hub["hub_id"]).collect();
        assert!(ids.contains(&&receipt["streams"][0]["id"]), "{}", read.text);
    }
    let beyond = school.service.ask(&school.owner, "/v1/hubs?min_position=1000000").await;
    assert_problem(&beyond, 422, "invalid_fields");
    assert_eq!(beyond.json["errors"][0]["parameter"], "min_position", "{}", beyond.text);
    school.service.projections.clone().stop().await;
    let receipt = school.command("FoundHub", json!({"name": "Nobody folds this"})).await;
    let started = Instant::now();
    let late = school.service.ask(&school.owner, &format!("/v1/hubs?min_position={}", receipt["position"])).await;
    assert_problem(&late, 503, "position_not_reached");
    assert!(late.headers.contains_key("retry-after"));
    assert!(started.elapsed() >= Duration::from_secs(5), "it waited as long as it promises to");
}

#[tokio::test]
async fn lists_page_without_gaps_or_repetitions() {
    let school = School::open().await;
    let mut expected = Vec::new();
    // Names that are the same, that sort alike, and that only an id tells apart.
    for name in ["Ana", "Ana", "ana", "Zoë", "Žan", "李雷", "Ωmega", "Ana", "", "Émile"] {
        let name = if name.is_empty() { "Last" } else { name };
        expected.push(school.student(name, None).await.enrolment);
    }
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    let whole: Vec<Value> = school.service.items(&school.owner, &roster).await;
    for limit in [1, 3, 10] {
        let mut paged = Vec::new();
        let mut after = String::new();
        loop {
            let page = school.service.get(&school.owner, &format!("{roster}?limit={limit}{after}")).await;
            paged.extend(page["items"].as_array().expect("items").clone());
            assert!(paged.len() <= 10, "it ends");
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(paged, whole, "in pages of {limit}");
    }
    let mut ids: Vec<_> = whole.iter().map(|row| row["enrolment_id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn csv_is_safe_to_open_in_a_spreadsheet() {
    let school = School::open().await;
    school.student("=HYPERLINK(\"http://evil.example\")", None).await;
    let held = school.student("Comma, \"Quote\"", None).await;
    let reason = json!({"enrolment_id": held.enrolment, "reason": "To talk, \"first\"\nand line"});
    school.command("HoldStudent", reason).await;
    let path = format!("/v1/cohorts/{}/roster", school.cohort);
    school.service.items(&school.owner, &path).await;
    let request = school.service.request(Method::GET, &school.owner, &path).header("accept", "text/csv");
    let csv = answer(request).await;
    assert_eq!(csv.status, 200);
    assert!(csv.headers["content-type"].to_str().expect("text").starts_with("text/csv"));
    assert!(csv.text.contains("'=HYPERLINK"), "{}", csv.text);
    assert!(csv.text.contains("\"Comma, \"\"Quote\"\"\""), "{}", csv.text);
    assert!(csv.text.contains("\"To talk, \"\"first\"\"\nand line\""), "{}", csv.text);
    for path in [
        format!("{path}?format=csv"),
        format!("/v1/cohorts/{}/absence-flags?format=csv", school.cohort),
        "/v1/marking-queue?marker=all&format=csv".to_owned(),
        "/v1/audit?format=csv".to_owned(),
    ] {
        let csv = school.service.ask(&school.owner, &path).await;
        assert_eq!(csv.status, 200, "{path}: {}", csv.text);
        let header = csv.text.lines().next().expect("a header");
        assert!(header.contains("enrolment_id") || header.contains("position"), "{path}: {header}");
    }
}

#[tokio::test]
async fn the_service_says_how_it_is() {
    let school = School::open().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(school.service.ask("", path).await.status, 200, "{path}");
    }
    let document = school.service.ask("", "/openapi.json").await;
    assert_eq!(document.json["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    let paths = document.json["paths"].as_object().expect("paths");
    for command in rollbook_domain::Command::NAMES {
        assert!(paths.contains_key(&format!("/v1/commands/{command}")), "{command}");
    }
    let docs = school.service.ask("", "/docs").await;
    assert_eq!(docs.status, 200);
    assert!(!docs.text.contains("https://"), "nothing from elsewhere: {}", docs.text);
    let projections = school.service.items(&school.owner, "/v1/projections").await;
    assert!(projections.len() >= 9, "{projections:?}");
    for projection in &projections {
        assert_eq!(projection["lag"], 0, "{projection}");
        assert_eq!(projection["parked"], 0, "{projection}");
    }
    let log = school.service.items(&school.owner, "/v1/events").await;
    for field in [
        "position",
        "stream_type",
        "stream",
        "sequence",
        "type",
        "version",
        "data",
        "command_id",
        "actor",
        "authority",
        "recorded_at",
    ] {
        assert!(log[3].get(field).is_some(), "{field} in {}", log[3]);
    }
    assert_eq!(log[3]["actor"]["name"], "Ọlá Owner");
}
