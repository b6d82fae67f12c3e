//! Several processes on one database: they hear of each other's appends.

use std::time::Duration;

use rollbook_store::listen::{Way, listen};
use serde_json::json;

use crate::harness::eventually;
use crate::read_models::SOON;
use crate::school::School;

#[tokio::test]
async fn an_append_is_heard_of_by_another_process() {
    let school = School::open().await;
    let elsewhere = school.service.database.store();
    let mut hints = elsewhere.heard();
    let listening = tokio::spawn(listen(elsewhere.clone(), Way::Url(school.service.database.url.clone().into())));
    // Until the other side listens, what it misses is no loss: it polls. So append until something is heard.
    let last = eventually(SOON, "an append is heard of", async || {
        let receipt = school.command("FoundHub", json!({"name": "Eastland"})).await;
        let position = receipt["position"].as_i64().expect("a position");
        let heard = tokio::time::timeout(Duration::from_millis(200), hints.wait_for(|at| *at >= position)).await;
        heard.ok().map(|head| *head.expect("somebody tells"))
    });
    let last = last.await;
    assert_eq!(last, school.service.executor.store().head().await.expect("the head"));
    listening.abort();
}

#[tokio::test]
async fn a_process_that_knows_an_old_state_decides_on_the_new_one() {
    let school = School::open().await;
    let student = school.student("Mere", Some(&school.north)).await;
    let other = crate::harness::Service::on_the_database_of(&school.service).await;
    // Both processes have seen the student; then each changes what the other has kept.
    let join = |hub: &str| json!({"enrolment_id": student.enrolment, "hub_id": hub});
    other.command(&school.owner, "JoinHub", join(&school.south)).await;
    let back = school.service.command(&school.owner, "JoinHub", join(&school.north)).await;
    assert_eq!(back["events"][0]["data"]["previous"], json!(school.south), "{back}");
    other.command(&school.owner, "DismissCoordinator", json!({"hub_id": school.north})).await;
    school.service.now("2026-02-03T09:00:00Z");
    let mark = json!({"enrolment_id": student.enrolment, "week": 1, "status": "present"});
    let refused = school.service.send(&school.coordinator, "MarkAttendance", mark).await;
    assert_eq!(refused.status, 403, "the other process has dismissed the coordinator: {}", refused.text);
}
