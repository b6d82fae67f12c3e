//! Many at once: what must hold under any interleaving.

use futures::future::join_all;
use serde_json::json;

use crate::harness::Answer;
use crate::school::School;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_at_once_into_fifty_places_gives_exactly_fifty() {
    let school = School::with(json!({"capacity": 50})).await;
    let mut people = Vec::new();
    for nth in 0..60 {
        people.push(school.person(&format!("Hopeful {nth:02}")).await);
    }
    let answers: Vec<Answer> = join_all(people.iter().map(|person| {
        let body = json!({"cohort_id": school.cohort, "person_id": person});
        school.service.send(&school.owner, "EnrolStudent", body)
    }))
    .await;

    let enrolled = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(enrolled, 50);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((refused.status, &refused.json["code"]), (409, &json!("cohort_full")), "{}", refused.text);
        assert!(refused.json["detail"].as_str().expect("a detail").contains("Hopeful"), "{}", refused.text);
    }
    let log = school.service.executor.store().read(0, 10_000).await.expect("the log");
    let positions: Vec<_> = log.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=i64::try_from(log.len()).expect("a length")).collect::<Vec<_>>());
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    assert_eq!(roster.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_into_two_cohorts_at_once_gets_into_exactly_one() {
    let school = School::open().await;
    let second = json!({
        "module_id": school.module, "name": "Tūī 2026", "starts_on": "2026-05-05", "session_start": "19:00",
        "timezone": "Pacific/Auckland"
    });
    let second = school.service.create(&school.owner, "ScheduleCohort", second).await;
    for round in 0..10 {
        let person = school.person(&format!("Eager {round}")).await;
        let answers = join_all([&school.cohort, &second].map(|cohort| {
            let body = json!({"cohort_id": cohort, "person_id": person});
            school.service.send(&school.owner, "EnrolStudent", body)
        }))
        .await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let refused = answers.iter().find(|answer| answer.status == 409).expect("a refusal");
        assert_eq!(refused.json["code"], "active_elsewhere");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_email_at_once_becomes_one_person() {
    let school = School::open().await;
    let answers = join_all((0..8).map(|nth| {
        let email = if nth % 2 == 0 { "Same@example.org" } else { "same@EXAMPLE.org" };
        school.service.send(&school.owner, "RegisterPerson", json!({"name": format!("Nr {nth}"), "email": email}))
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.json["code"] == "email_taken"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cohort_that_ends_while_students_enrol_keeps_no_active_enrolment() {
    let school = School::open().await;
    school.in_cohort("StartCohort", json!({})).await;
    let mut people = Vec::new();
    for nth in 0..12 {
        people.push(school.person(&format!("Late {nth:02}")).await);
    }
    let enrolling = join_all(people.iter().map(|person| {
        let body = json!({"cohort_id": school.cohort, "person_id": person});
        school.service.send(&school.owner, "EnrolStudent", body)
    }));
    let completing = school.service.send(&school.owner, "CompleteCohort", json!({"cohort_id": school.cohort}));
    let (enrolled, completed) = futures::join!(enrolling, completing);
    assert_eq!(completed.status, 200, "{}", completed.text);
    let enrolled = enrolled.iter().filter(|answer| answer.status == 200).count();
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    assert_eq!(roster.len(), enrolled);
    assert!(roster.iter().all(|row| row["status"] == "completed"), "{roster:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_markers_on_one_reflection_at_once_are_one_mark_and_one_conflict() {
    let school = School::open().await;
    let student = school.student("Wiremu", Some(&school.north)).await;
    school.service.now("2026-02-04T00:00:00Z");
    let token = school.service.token(&student.person).await;
    let text = "What I did not expect.";
    let body = json!({"enrolment_id": student.enrolment, "week": 1, "text": text, "visibility": "private"});
    school.service.command(&token, "SubmitReflection", body).await;
    let other = school.service.token(&school.markers[1]).await;
    let answers = join_all([(&school.marker, "pass"), (&other, "fail")].map(|(token, outcome)| {
        let body =
            json!({"enrolment_id": student.enrolment, "week": 1, "outcome": outcome, "feedback": "Go on like this."});
        school.service.send(token, "MarkReflection", body)
    }))
    .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{answers:?}");
}
