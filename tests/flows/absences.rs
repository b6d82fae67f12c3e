//! Three absences raise one flag.

use serde_json::{Value, json};

use crate::school::{AFTER, School, Student, event_types};

async fn flags(school: &School) -> Vec<Value> {
    school.service.items(&school.owner, &format!("/v1/cohorts/{}/absence-flags", school.cohort)).await
}

async fn flagged(school: &School, student: &Student) -> bool {
    school.row(student).await["flagged"].as_bool().expect("a flag")
}

#[tokio::test]
async fn absences_in_weeks_1_3_and_6_raise_one_flag_that_a_correction_clears_and_a_relapse_raises_again() {
    let school = School::open().await;
    let student = school.student("Anahera", Some(&school.north)).await;
    school.service.now(AFTER);
    for week in [1, 3] {
        assert_eq!(event_types(&school.mark(&student, week, "absent").await), ["AttendanceMarked"]);
    }
    assert!(!flagged(&school, &student).await);
    assert_eq!(event_types(&school.mark(&student, 6, "absent").await), ["AttendanceMarked", "AbsenceFlagRaised"]);
    assert!(flagged(&school, &student).await);
    assert_eq!(event_types(&school.mark(&student, 7, "absent").await), ["AttendanceMarked"], "not again at four");
    assert_eq!(event_types(&school.mark(&student, 7, "excused").await), ["AttendanceMarked"]);
    assert_eq!(flags(&school).await.len(), 1);

    assert_eq!(event_types(&school.mark(&student, 3, "present").await), ["AttendanceMarked", "AbsenceFlagCleared"]);
    assert!(!flagged(&school, &student).await);
    assert_eq!(event_types(&school.mark(&student, 3, "absent").await), ["AttendanceMarked", "AbsenceFlagRaised"]);
    assert!(flagged(&school, &student).await);
    let flags = flags(&school).await;
    assert_eq!(flags.len(), 2);
    assert!(flags.iter().any(|flag| flag["cleared_at"].is_null() && flag["missed_weeks"] == json!([1, 3, 6])));
}

#[tokio::test]
async fn late_excused_and_unmarked_never_count() {
    let school = School::open().await;
    let student = school.student("Anahera", Some(&school.north)).await;
    school.service.now(AFTER);
    for (week, status) in [(1, "late"), (2, "excused"), (3, "late"), (4, "absent"), (5, "excused"), (6, "absent")] {
        assert_eq!(event_types(&school.mark(&student, week, status).await), ["AttendanceMarked"]);
    }
    let row = school.row(&student).await;
    assert_eq!((&row["absences"], &row["flagged"]), (&json!(2), &json!(false)));
    assert!(flags(&school).await.is_empty());
}

#[tokio::test]
async fn a_flag_that_was_talked_about_is_raised_anew_by_a_further_absence() {
    let school = School::open().await;
    let student = school.student("Anahera", Some(&school.north)).await;
    school.service.now(AFTER);
    for week in [1, 2, 3] {
        school.mark(&student, week, "absent").await;
    }
    let resolve = json!({"enrolment_id": student.enrolment, "reason": "We met; the night shifts are over."});
    school.command("ResolveAbsenceFlag", resolve.clone()).await;
    assert!(!flagged(&school, &student).await);
    let again = school.service.send(&school.owner, "ResolveAbsenceFlag", resolve).await;
    assert_eq!((again.status, &again.json["code"]), (409, &json!("no_open_flag")));
    assert_eq!(event_types(&school.mark(&student, 4, "absent").await), ["AttendanceMarked", "AbsenceFlagRaised"]);
}

#[tokio::test]
async fn a_register_is_taken_whole_or_not_at_all() {
    let school = School::open().await;
    let students = school.students(3).await;
    let away = school.student("Elsewhere", Some(&school.south)).await;
    school.service.now("2026-02-03T09:00:00Z");
    let marks = |students: &[Student]| -> Vec<Value> {
        students.iter().map(|s| json!({"enrolment_id": s.enrolment, "status": "present", "place": "hub"})).collect()
    };
    let register = |marks: Vec<Value>| json!({"cohort_id": school.cohort, "week": 1, "marks": marks});
    let mut mixed = marks(&students);
    mixed.extend(marks(std::slice::from_ref(&away)));
    let refused = school.service.send(&school.coordinator, "TakeAttendance", register(mixed)).await;
    assert_eq!(refused.status, 403, "one of them is in another hub: {}", refused.text);
    let mut twice = marks(&students);
    twice.push(twice[0].clone());
    let refused = school.service.send(&school.coordinator, "TakeAttendance", register(twice)).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/marks/3/enrolment_id")));
    assert_eq!(school.row(&students[0]).await["attendance"], json!({}));
    let receipt = school.service.command(&school.coordinator, "TakeAttendance", register(marks(&students))).await;
    assert_eq!(event_types(&receipt), ["AttendanceMarked"; 3]);
    let session = format!("/v1/cohorts/{}/sessions/1/attendance", school.cohort);
    let register = school.service.items(&school.owner, &session).await;
    let present = register.iter().filter(|row| row["status"] == "present").count();
    assert_eq!((register.len(), present), (4, 3));
}

#[tokio::test]
async fn the_audit_trail_says_which_weeks_a_flag_is_about_and_who_marked_them() {
    let school = School::open().await;
    let student = school.student("Anahera", Some(&school.north)).await;
    school.service.now(AFTER);
    for week in [2, 4, 6] {
        school.mark(&student, week, "absent").await;
    }
    school.mark(&student, 4, "excused").await;
    let trail = school.service.items(&school.owner, "/v1/audit").await;
    let said: Vec<_> = trail
        .iter()
        .filter(|item| item["action"].as_str().is_some_and(|action| action.starts_with("flag_")))
        .map(|item| (&item["action"], &item["reason"], &item["actor"]["name"], &item["subject"]["name"]))
        .collect();
    let (owner, anahera) = (json!("Ọlá Owner"), json!("Anahera"));
    let expected = [
        (json!("flag_raised"), json!("absent in weeks 2, 4, 6")),
        (json!("flag_cleared"), json!("absent in weeks 2, 6")),
    ];
    let expected: Vec<_> = expected.iter().map(|(action, reason)| (action, reason, &owner, &anahera)).collect();
    assert_eq!(said, expected);
}
