//! Marking as a worklist: what is next, who has how much, and what was said before.

use serde_json::{Value, json};

use crate::school::{AFTER, School, Student};

/// A cohort of three students, each with a reflection of week 1, in this order, allocated to the first marker.
async fn handed_in() -> (School, Vec<Student>) {
    let school = School::open().await;
    school.service.now(AFTER);
    let students = school.students(3).await;
    for student in &students {
        submit(&school, student, 1, "What I learnt.").await;
        let assign = json!({"enrolment_id": student.enrolment, "marker_id": school.markers[0]});
        school.command("AssignMarker", assign).await;
    }
    (school, students)
}

async fn submit(school: &School, student: &Student, week: u8, text: &str) {
    let token = school.service.token(&student.person).await;
    let body = json!({"enrolment_id": student.enrolment, "week": week, "text": text, "visibility": "cohort"});
    school.service.command(&token, "SubmitReflection", body).await;
}

async fn mark(school: &School, student: &Student, outcome: &str, feedback: &str) {
    let body = json!({"enrolment_id": student.enrolment, "week": 1, "outcome": outcome, "feedback": feedback});
    school.service.command(&school.marker, "MarkReflection", body).await;
}

async fn next(school: &School, asked: &str) -> Value {
    school.service.get(&school.marker, &format!("/v1/marking-queue/next?cohort_id={}{asked}", school.cohort)).await
}

#[tokio::test]
async fn the_worklist_gives_what_has_waited_longest_until_nothing_waits() {
    let (school, students) = handed_in().await;
    for (done, student) in students.iter().enumerate() {
        let head = next(&school, "").await;
        assert_eq!((&head["item"]["enrolment_id"], &head["waiting"]), (&json!(student.enrolment), &json!(3 - done)));
        mark(&school, student, "pass", "Good.").await;
    }
    assert_eq!(next(&school, "").await, json!({"item": null, "waiting": 0, "skip": null}));
}

#[tokio::test]
async fn a_marker_steps_over_one_and_comes_back_to_it() {
    let (school, students) = handed_in().await;
    let first = next(&school, "").await;
    let second = next(&school, &format!("&after={}", first["skip"].as_str().expect("a cursor"))).await;
    assert_eq!(second["item"]["enrolment_id"], students[1].enrolment);
    mark(&school, &students[1], "pass", "Good.").await;
    assert_eq!(next(&school, "").await["item"]["enrolment_id"], students[0].enrolment);
    let bad = school.service.ask(&school.marker, "/v1/marking-queue/next?after=nonsense").await;
    assert_eq!(bad.status, 422, "{}", bad.text);
}

#[tokio::test]
async fn a_failed_reflection_waits_again_when_it_is_revised_with_what_was_said_before() {
    let (school, students) = handed_in().await;
    mark(&school, &students[0], "fail", "Too short.").await;
    submit(&school, &students[0], 1, "What I really learnt.").await;
    let queue = school.service.items(&school.marker, "/v1/marking-queue").await;
    let again = queue.iter().find(|item| item["enrolment_id"] == students[0].enrolment).expect("it waits");
    assert_eq!((&again["state"], &again["text"]), (&json!("submitted"), &json!("What I really learnt.")));
    assert!(again["revised_at"].is_string());
    let said = &again["earlier"][0];
    assert_eq!((&said["outcome"], &said["feedback"]), (&json!("fail"), &json!("Too short.")));
    assert_eq!(said["marked_by"], school.markers[0]);
    mark(&school, &students[0], "pass", "Better.").await;

    let student = school.service.token(&students[0].person).await;
    let mate = school.service.token(&students[1].person).await;
    let path = format!("/v1/cohorts/{}/reflections", school.cohort);
    let own = school.service.items(&student, &path).await;
    let own = own.iter().find(|item| item["enrolment_id"] == students[0].enrolment).expect("their own");
    assert_eq!((&own["feedback"], &own["earlier"][0]["feedback"]), (&json!("Better."), &json!("Too short.")));
    let seen = school.service.items(&mate, &path).await;
    let seen = seen.iter().find(|item| item["enrolment_id"] == students[0].enrolment).expect("it is public");
    assert_eq!((&seen["feedback"], &seen["earlier"]), (&Value::Null, &json!([])), "marks are not for cohort-mates");
}

#[tokio::test]
async fn the_queue_is_filtered_by_state() {
    let (school, students) = handed_in().await;
    mark(&school, &students[0], "fail", "Too short.").await;
    mark(&school, &students[1], "pass", "Good.").await;
    for (state, expected) in [("submitted", 2), ("fail", 0), ("pass", 1)] {
        let items = school.service.items(&school.marker, &format!("/v1/marking-queue?state={state}")).await;
        let found: Vec<_> = items.iter().map(|item| &item["enrolment_id"]).collect();
        assert_eq!(found, [&json!(students[expected].enrolment)], "{state}");
        assert_eq!(items[0]["state"], state);
    }
    assert_eq!(school.service.ask(&school.marker, "/v1/marking-queue?state=lost").await.status, 422);
}

#[tokio::test]
async fn every_marker_is_counted_and_so_are_students_whom_nobody_has() {
    let (school, students) = handed_in().await;
    school.student("Unallocated", None).await;
    mark(&school, &students[0], "fail", "Too short.").await;
    mark(&school, &students[1], "pass", "Good.").await;
    let path = format!("/v1/marking-queue/counts?cohort_id={}", school.cohort);
    let counts = school.service.get(&school.marker, &path).await;
    let counts = counts["items"].as_array().expect("items");
    let figures = |count: &Value| {
        ["students", "waiting", "passed", "failed"].map(|figure| count[figure].as_u64().expect("a number"))
    };
    assert_eq!(counts.len(), 3);
    assert_eq!((&counts[0]["marker"], figures(&counts[0])), (&Value::Null, [1, 0, 0, 0]));
    assert_eq!((&counts[1]["marker"]["id"], figures(&counts[1])), (&json!(school.markers[0]), [3, 1, 1, 1]));
    assert!(counts[1]["oldest_waiting_at"].is_string());
    assert_eq!((&counts[2]["marker"]["id"], figures(&counts[2])), (&json!(school.markers[1]), [0, 0, 0, 0]));
    assert_eq!(counts[2]["appointed"], true);
    assert_eq!(school.service.ask(&school.instructor, &path).await.status, 403);
    let token = school.service.token(&students[0].person).await;
    let own = school.service.get(&token, "/v1/marking-queue/counts").await;
    assert_eq!(own["items"], json!([]), "who marks nowhere sees no marker");
}
