//! Dates in the cohort's own time zone.

use serde_json::json;

use crate::harness::Service;

async fn cohort(service: &Service, starts_on: &str) -> String {
    let module = service.create(&service.owner, "DefineModule", json!({"code": "AKO-1", "title": "Ako"})).await;
    let body = json!({
        "module_id": module, "name": "Run", "starts_on": starts_on, "session_start": "19:00",
        "timezone": "Australia/Sydney"
    });
    service.create(&service.owner, "ScheduleCohort", body).await
}

#[tokio::test]
async fn sessions_keep_their_local_time_when_daylight_saving_changes() {
    let service = Service::start("2025-08-01T00:00:00Z").await;
    let cohort = cohort(&service, "2025-08-19").await;
    let cohort = service.get(&service.owner, &format!("/v1/cohorts/{cohort}")).await;
    let sessions: Vec<_> = cohort["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .map(|s| s["starts_at"].as_str().expect("an instant"))
        .collect();
    assert_eq!(
        sessions,
        [
            "2025-08-19T09:00:00Z",
            "2025-08-26T09:00:00Z",
            "2025-09-02T09:00:00Z",
            "2025-09-09T09:00:00Z",
            "2025-09-16T09:00:00Z",
            "2025-09-23T09:00:00Z",
            "2025-09-30T09:00:00Z",
            "2025-10-07T08:00:00Z",
        ]
    );
}

#[tokio::test]
async fn a_reflection_is_in_time_until_the_end_of_the_local_day() {
    let service = Service::start("2025-02-01T00:00:00Z").await;
    // Eight weeks from 4 February: the last session is on 2025-03-25.
    let cohort = cohort(&service, "2025-02-04").await;
    let person = json!({"name": "Zoë", "email": "zoe@example.org"});
    let person = service.create(&service.owner, "RegisterPerson", person).await;
    let token = service.token(&person).await;
    let enrol = json!({"cohort_id": cohort, "person_id": person});
    let enrolment = service.create(&service.owner, "EnrolStudent", enrol).await;
    let reflection = |text: &str| json!({"enrolment_id": enrolment, "week": 1, "text": text, "visibility": "cohort"});

    service.now("2025-04-08T13:59:59Z");
    service.command(&token, "SubmitReflection", reflection("In the last second.")).await;
    service.now("2025-04-08T14:00:00Z");
    let late = service.send(&token, "SubmitReflection", reflection("One second late.")).await;
    assert_eq!((late.status, &late.json["code"]), (409, &json!("reflection_overdue")), "{}", late.text);
}

#[tokio::test]
async fn attendance_is_not_taken_before_the_sessions_own_day() {
    let service = Service::start("2025-02-01T00:00:00Z").await;
    let cohort = cohort(&service, "2025-02-04").await;
    let person = json!({"name": "Zoë", "email": "zoe@example.org"});
    let person = service.create(&service.owner, "RegisterPerson", person).await;
    let enrol = json!({"cohort_id": cohort, "person_id": person});
    let enrolment = service.create(&service.owner, "EnrolStudent", enrol).await;
    let mark = json!({"enrolment_id": enrolment, "week": 1, "status": "present"});
    // In Sydney, 4 February begins at 13:00Z on the 3rd.
    service.now("2025-02-03T12:59:59Z");
    let early = service.send(&service.owner, "MarkAttendance", mark.clone()).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("session_in_future")), "{}", early.text);
    service.now("2025-02-03T13:00:00Z");
    service.command(&service.owner, "MarkAttendance", mark).await;
}
