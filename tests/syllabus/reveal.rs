//! Progressive reveal: a week is open to whom the policy opens it, and is not there for anybody else, by no path.

use serde_json::{Value, json};

use super::titles;
use crate::school::{AFTER, School, Student};

/// Every week has a page and a question that name it.
async fn written() -> School {
    let school = School::open().await;
    for week in 1..=8 {
        school.material(week, "page", &format!("Page {week}"), &format!("Secret of week {week}.")).await;
        let question = json!({"week": week, "text": format!("Question {week}?")});
        school.in_cohort("SetReflectionQuestion", question).await;
    }
    school
}

async fn in_week(school: &School, student: &Student, week: u8) {
    let body = json!({"enrolment_id": student.enrolment, "week": week, "reason": "As it is."});
    school.command("SetWeek", body).await;
}

/// The weeks that somebody finds open, one by one, which must be those of the list.
async fn open_weeks(school: &School, token: &str) -> Vec<u64> {
    let overview = school.service.get(token, &format!("/v1/cohorts/{}/syllabus", school.cohort)).await;
    let listed: Vec<u64> = overview["weeks"]
        .as_array()
        .expect("weeks")
        .iter()
        .map(|week| week["week"].as_u64().expect("a number"))
        .collect();
    for week in 1..=8_u64 {
        let answer = school.service.ask(token, &format!("/v1/cohorts/{}/weeks/{week}", school.cohort)).await;
        let expected = if listed.contains(&week) { 200 } else { 404 };
        assert_eq!(answer.status, expected, "week {week}: {}", answer.text);
        assert_eq!(answer.text.contains("Secret"), expected == 200);
        let later: Vec<_> = (1..=8_u64).filter(|later| !listed.contains(later)).collect();
        for later in later {
            let said = overview.to_string();
            assert!(
                !said.contains(&format!("Page {later}")) && !said.contains(&format!("Question {later}?")),
                "{said}"
            );
        }
    }
    listed
}

fn up_to(week: u64) -> Vec<u64> {
    (1..=week).collect()
}

#[tokio::test]
async fn a_student_sees_the_weeks_up_to_their_own_and_those_who_teach_and_mark_all() {
    let school = written().await;
    let student = school.student("Sione", Some(&school.north)).await;
    let token = school.service.token(&student.person).await;
    for week in [1, 7, 3] {
        in_week(&school, &student, week).await;
        assert_eq!(open_weeks(&school, &token).await, up_to(week.into()));
    }
    for token in [&school.owner, &school.admin, &school.instructor, &school.marker] {
        assert_eq!(open_weeks(&school, token).await, up_to(8));
    }
    let week = school.week(&token, 3).await;
    assert_eq!((titles(&week), &week["question"]), (vec!["Page 3"], &json!("Question 3?")));
    let overview = school.service.get(&token, &format!("/v1/cohorts/{}/syllabus", school.cohort)).await;
    assert_eq!((&overview["version"], &overview["editable"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn a_week_that_is_not_open_and_one_that_there_is_not_are_answered_alike() {
    let school = written().await;
    let student = school.student("Sione", None).await;
    let token = school.service.token(&student.person).await;
    let ask = |week: u8| {
        let path = format!("/v1/cohorts/{}/weeks/{week}", school.cohort);
        let (school, token) = (&school, &token);
        async move { school.service.ask(token, &path).await.json }
    };
    assert_eq!(ask(2).await, ask(52).await);
}

#[tokio::test]
async fn a_coordinator_sees_as_far_as_the_furthest_active_student_of_their_hubs() {
    let school = written().await;
    let (behind, ahead) =
        (school.student("Behind", Some(&school.north)).await, school.student("Ahead", Some(&school.north)).await);
    in_week(&school, &behind, 2).await;
    in_week(&school, &ahead, 5).await;
    assert_eq!(open_weeks(&school, &school.coordinator).await, up_to(5));
    assert_eq!(open_weeks(&school, &school.other_coordinator).await, up_to(0), "nobody meets there");
    let moved = json!({"enrolment_id": ahead.enrolment, "hub_id": school.south});
    school.command("JoinHub", moved).await;
    assert_eq!(open_weeks(&school, &school.coordinator).await, up_to(2));
    assert_eq!(open_weeks(&school, &school.other_coordinator).await, up_to(5));
    school.command("WithdrawStudent", json!({"enrolment_id": ahead.enrolment, "reason": "Moved away."})).await;
    assert_eq!(open_weeks(&school, &school.other_coordinator).await, up_to(0));
}

#[tokio::test]
async fn who_has_left_sees_nothing_more_and_who_is_done_keeps_what_they_came_to() {
    let school = written().await;
    let (left, done) = (school.student("Left", None).await, school.student("Done", None).await);
    for student in [&left, &done] {
        in_week(&school, student, 4).await;
    }
    school.command("WithdrawStudent", json!({"enrolment_id": left.enrolment, "reason": "Moved away."})).await;
    school.service.now(AFTER);
    school.command("CompleteEnrolment", json!({"enrolment_id": done.enrolment})).await;
    assert_eq!(open_weeks(&school, &school.service.token(&left.person).await).await, up_to(0));
    assert_eq!(open_weeks(&school, &school.service.token(&done.person).await).await, up_to(4));
}

#[tokio::test]
async fn a_strangers_cohort_is_not_there() {
    let school = written().await;
    let stranger = school.person("Stranger").await;
    let stranger = school.service.token(&stranger).await;
    let other = school.run("Another", Some(&school.cohort)).await;
    let student = school.student("Sione", None).await;
    let student = school.service.token(&student.person).await;
    for (token, cohort) in [(&stranger, &school.cohort), (&student, &other), (&school.instructor, &other)] {
        for path in ["syllabus", "weeks/1"] {
            let answer = school.service.ask(token, &format!("/v1/cohorts/{cohort}/{path}")).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_a_material_was_copied_from_is_for_those_who_see_all_weeks() {
    let mut school = written().await;
    school.cohort = school.run("Again", Some(&school.cohort)).await;
    let student = school.student("Sione", None).await;
    let token = school.service.token(&student.person).await;
    assert_eq!(school.week(&token, 1).await["materials"][0]["copied_from"], Value::Null);
    assert!(school.week(&school.owner, 1).await["materials"][0]["copied_from"].is_string());
}
