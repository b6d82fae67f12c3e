//! Reflections, allocation and marking.

use serde_json::{Value, json};

use crate::school::{School, Student};

async fn submit(school: &School, student: &Student, week: u8, text: &str) -> Value {
    let token = school.service.token(&student.person).await;
    let body = json!({"enrolment_id": student.enrolment, "week": week, "text": text, "visibility": "cohort"});
    school.service.command(&token, "SubmitReflection", body).await
}

async fn queue(school: &School, token: &str, whose: &str) -> Vec<Value> {
    school.service.items(token, &format!("/v1/marking-queue?marker={whose}&cohort_id={}", school.cohort)).await
}

#[tokio::test]
async fn a_failed_reflection_is_revised_and_queued_again_until_it_passes() {
    let school = School::open().await;
    let student = school.student("Wiremu", Some(&school.north)).await;
    school.in_cohort("AllocateMarkers", json!({})).await;
    school.service.now("2026-02-04T00:00:00Z");
    submit(&school, &student, 1, "First thoughts.").await;
    let marker = school.row(&student).await["marker_id"].as_str().expect("a marker").to_owned();
    let token = school.service.token(&marker).await;
    let waiting = queue(&school, &token, "me").await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["name"], &waiting[0]["text"]), (&json!("Wiremu"), &json!("First thoughts.")));

    let mark = |outcome: &str| json!({"enrolment_id": student.enrolment, "week": 1, "outcome": outcome, "feedback": "Say more about week 1."});
    school.service.command(&token, "MarkReflection", mark("fail")).await;
    assert!(queue(&school, &token, "me").await.is_empty());
    assert_eq!(school.row(&student).await["reflections"], json!({"1": "fail"}));
    submit(&school, &student, 1, "Second thoughts.").await;
    assert_eq!(queue(&school, &token, "me").await.len(), 1);
    assert_eq!(school.row(&student).await["reflections"], json!({"1": "submitted"}));
    school.service.command(&token, "MarkReflection", mark("pass")).await;
    assert!(queue(&school, &school.owner, "all").await.is_empty());
    let student_token = school.service.token(&student.person).await;
    let again = json!({"enrolment_id": student.enrolment, "week": 1, "text": "Third.", "visibility": "cohort"});
    let refused = school.service.send(&student_token, "SubmitReflection", again).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("already_passed")));
    let amend = json!({"enrolment_id": student.enrolment, "week": 1, "outcome": "fail", "feedback": "On reflection, no.",
        "reason": "Copied from a cohort-mate."});
    school.service.command(&token, "AmendMark", amend).await;
    assert_eq!(school.row(&student).await["reflections"], json!({"1": "fail"}));
}

#[tokio::test]
async fn a_reflection_of_a_week_to_come_is_refused() {
    let school = School::open().await;
    let student = school.student("Wiremu", None).await;
    let token = school.service.token(&student.person).await;
    let body = json!({"enrolment_id": student.enrolment, "week": 2, "text": "Soon.", "visibility": "private"});
    let refused = school.service.send(&token, "SubmitReflection", body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("week_not_open")), "{}", refused.text);
    let body = json!({"enrolment_id": student.enrolment, "week": 1, "text": "  ", "visibility": "private"});
    let refused = school.service.send(&token, "SubmitReflection", body).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/text")), "{}", refused.text);
    let body = json!({"enrolment_id": student.enrolment, "week": 1, "text": "No choice made."});
    let refused = school.service.send(&token, "SubmitReflection", body).await;
    assert_eq!(
        (refused.status, &refused.json["errors"][0]["pointer"]),
        (422, &json!("/visibility")),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn students_are_divided_evenly_and_a_marker_who_has_some_leaves_only_with_a_reallocation() {
    let school = School::open().await;
    school.students(7).await;
    let receipt = school.in_cohort("AllocateMarkers", json!({})).await;
    assert_eq!(receipt["assigned"].as_array().expect("assigned").len(), 7);
    let loads = async || {
        let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
        school.markers.clone().map(|marker| roster.iter().filter(|row| row["marker_id"] == marker).count())
    };
    let mut even = loads().await;
    even.sort_unstable();
    assert_eq!(even, [3, 4]);
    assert_eq!(school.in_cohort("AllocateMarkers", json!({})).await["events"], json!([]), "already so");
    let dismiss = |reallocate: bool| json!({"cohort_id": school.cohort, "person_id": school.markers[0], "reallocate": reallocate});
    let refused = school.service.send(&school.owner, "DismissMarker", dismiss(false)).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("marker_has_students")), "{}", refused.text);
    school.command("DismissMarker", dismiss(true)).await;
    assert_eq!(loads().await, [0, 7]);
    let refused = queue_status(&school).await;
    assert_eq!(refused, 403, "a dismissed marker marks no more");
}

async fn queue_status(school: &School) -> u16 {
    let student = school.student("Late", None).await;
    submit(school, &student, 1, "Hello.").await;
    let mark = json!({"enrolment_id": student.enrolment, "week": 1, "outcome": "pass", "feedback": "Good."});
    school.service.send(&school.marker, "MarkReflection", mark).await.status
}
