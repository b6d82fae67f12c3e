//! What `/metrics` says, and what it keeps to itself.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::harness::eventually;
use crate::school::School;

const NAMES: [&str; 10] = [
    "rollbook_http_request_seconds",
    "rollbook_append_seconds",
    "rollbook_append_batch_size",
    "rollbook_append_conflicts_total",
    "rollbook_connections_left_in_transaction_total",
    "rollbook_projection_events_total",
    "rollbook_projection_lag_events",
    "rollbook_projection_lag_seconds",
    "rollbook_projection_stuck",
    "rollbook_parked_streams",
];

/// Long enough for any machine: a test that hangs must fail.
const LIMIT: Duration = Duration::from_mins(1);

async fn measured(school: &School) -> String {
    let service = &school.service;
    service.projections.measure(service.clock.now()).await.expect("the read models are measured");
    let metrics = service.ask("", "/metrics").await;
    assert_eq!(metrics.status, 200);
    metrics.text
}

/// The same, once it says something: what was said is said again for a second.
async fn measured_with(school: &School, lines: &[&str]) {
    eventually(LIMIT, &format!("{lines:?} are said"), async || {
        let text = measured(school).await;
        lines.iter().all(|line| text.contains(&format!("\n{line}\n"))).then_some(())
    })
    .await;
}

/// The read models' gauges belong to the process, so one test alone may look at them.
#[tokio::test]
async fn metrics_say_how_the_service_is_and_nothing_of_anybody() {
    let school = School::open().await;
    let student = school.student("Hinemoa", Some(&school.north)).await;
    school.row(&student).await;
    school.service.ask(&school.owner, &format!("/v1/enrolments/{}", student.enrolment)).await;
    school.service.ask(&school.owner, &format!("/v1/hinemoa@example.org/{}?name=Hinemoa", student.person)).await;
    let text = measured(&school).await;
    for name in NAMES {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is explained in {text}");
        assert!(text.contains(&format!("\n{name}")), "{name} is in {text}");
    }
    for model in ["lag_events", "lag_seconds", "stuck"] {
        let line = format!("\nrollbook_projection_{model}{{projection=\"roster\"}} 0\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(text.contains("\nrollbook_parked_streams{projection=\"roster\"} 0\n"), "{text}");
    assert!(!text.contains('@') && !text.to_lowercase().contains("hinemoa"), "{text}");
    let ids: Vec<_> =
        text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter(|word| Uuid::parse_str(word).is_ok()).collect();
    assert!(ids.is_empty(), "{ids:?} in {text}");

    // An event that nobody here can read sets its stream aside.
    let unknown =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        values ('enrolment', $1, 99, 'StudentKnighted', '1', '{}', '{}')";
    let pool = &school.service.database.pool;
    sqlx::query(unknown).bind(&student.enrolment).execute(pool).await.expect("an event of other software");
    school.row(&student).await;
    measured_with(&school, &["rollbook_parked_streams{projection=\"roster\"} 1"]).await;

    // Nobody folds any more: the lag is the age of the first event that waits.
    school.service.projections.stop().await;
    school.service.now("2026-02-01T01:00:00Z");
    school.command("FoundHub", json!({"name": "Eastland"})).await;
    school.service.now("2026-02-01T01:01:00Z");
    school.command("FoundHub", json!({"name": "Westland"})).await;
    school.service.now("2026-02-01T01:01:30.5Z");
    let lag = ["lag_events{projection=\"roster\"} 2", "lag_seconds{projection=\"roster\"} 90.5"];
    measured_with(&school, &lag.map(|line| format!("rollbook_projection_{line}")).each_ref().map(String::as_str)).await;
}
