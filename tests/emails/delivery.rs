//! Who gets which message, and who gets none.

use serde_json::json;

use super::scene::Scene;
use crate::school::event_types;

#[tokio::test]
async fn each_student_of_the_week_gets_one_message_and_the_held_none() {
    let mut scene = Scene::open().await;
    let students = scene.school.students(3).await;
    let held = &students[2];
    let reason = "Three absences.";
    scene.school.command("HoldStudent", json!({"enrolment_id": held.enrolment, "reason": reason})).await;
    let receipt = scene.send(1).await;
    assert_eq!(event_types(&receipt), ["WeekEmailsRequested"]);
    assert_eq!(receipt["requested"].as_array().map(Vec::len), Some(2), "{receipt}");
    assert_eq!(receipt["held"], json!([held.enrolment]));
    assert_eq!(receipt["already"], json!([]));
    assert_eq!(scene.statuses().await, [("waiting".to_owned(), 2)]);

    assert_eq!(scene.deliver().await, None);
    assert_eq!(scene.resend.requests().len(), 1, "one batch");
    let sent = scene.email(&students[0].enrolment).await;
    assert_eq!((&sent["status"], &sent["attempts"]), (&json!("sent"), &json!(1)), "{sent}");
    assert_eq!((&sent["kind"], &sent["week"], &sent["name"]), (&json!("week_open"), &json!(1), &json!("Student 01")));
    assert_eq!(sent["sent_at"], json!("2026-02-01T00:00:00Z"));

    // Asked again, nobody gets more; somebody who has come since gets theirs.
    assert_eq!(event_types(&scene.send(1).await), Vec::<&str>::new());
    let late = scene.school.student("Late", None).await;
    let receipt = scene.send(1).await;
    assert_eq!(receipt["requested"], json!([late.enrolment]));
    assert_eq!(receipt["already"].as_array().map(Vec::len), Some(2));
    scene.deliver().await;
    // Made anew, the messages are the same ones, and none goes again.
    let requests = scene.resend.requests().len();
    scene.school.service.projections.rebuild(None, &mut |_| {}).await.expect("a rebuild");
    scene.deliver().await;
    assert_eq!(scene.resend.requests().len(), requests);
    scene.everything_went_once(3).await;
    let audit = scene.school.service.items(&scene.school.admin, "/v1/audit?action=week_emails_requested").await;
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert_eq!((&audit[0]["to_week"], &audit[0]["subject"]["cohort_id"]), (&json!(1), &json!(scene.school.cohort)));
}

#[tokio::test]
async fn whoever_was_pulled_back_before_the_sending_gets_nothing() {
    let mut scene = Scene::open().await;
    let students = scene.school.students(5).await;
    scene.send(1).await;
    let [held, gone, moved, deactivated, stays] = &students[..] else { panic!("five students") };
    let school = &scene.school;
    school.command("HoldStudent", json!({"enrolment_id": held.enrolment, "reason": "Wait."})).await;
    school.command("WithdrawStudent", json!({"enrolment_id": gone.enrolment, "reason": "Moved away."})).await;
    school.command("SetWeek", json!({"enrolment_id": moved.enrolment, "week": 2, "reason": "Knows it."})).await;
    school.command("DeactivatePerson", json!({"person_id": deactivated.person, "reason": "Left."})).await;
    scene.deliver().await;
    assert_eq!(scene.email(&stays.enrolment).await["status"], "sent");
    for (student, why) in [(held, "held"), (gone, "withdrawn"), (moved, "week 2"), (deactivated, "deactivated")] {
        let email = scene.email(&student.enrolment).await;
        assert_eq!((&email["status"], &email["attempts"]), (&json!("skipped"), &json!(0)), "{email}");
        assert!(email["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{email}");
    }
    scene.everything_went_once(1).await;
}

#[tokio::test]
async fn a_mark_is_told_to_its_subject_as_it_is_now() {
    let mut scene = Scene::open().await;
    let student = scene.school.student("Mārama", None).await;
    let student_token = scene.school.service.token(&student.person).await;
    let hand_in = json!({"enrolment_id": student.enrolment, "week": 1, "text": "He aha.", "visibility": "private"});
    scene.school.service.command(&student_token, "SubmitReflection", hand_in).await;
    let mark = |outcome: &str, feedback: &str| json!({"enrolment_id": student.enrolment, "week": 1, "outcome": outcome, "feedback": feedback});
    scene.school.command("MarkReflection", mark("fail", "Too <short>.")).await;
    let mut amended = mark("pass", "Fine & good.");
    amended["reason"] = json!("Read again.");
    scene.school.command("AmendMark", amended.clone()).await;
    scene.deliver().await;
    // Overtaken before it went: one message, with what holds now.
    let [newest, first] = &scene.emails("").await[..] else { panic!("two messages") };
    assert_eq!((&newest["kind"], &newest["status"]), (&json!("mark_amended"), &json!("sent")));
    assert_eq!((&first["kind"], &first["status"]), (&json!("reflection_marked"), &json!("skipped")));
    let [taken] = &scene.resend.taken()[..] else { panic!("one message") };
    assert!(taken.message["text"].as_str().is_some_and(|text| text.contains("> Fine & good.")), "{taken:?}");
    assert!(taken.message["html"].as_str().is_some_and(|html| html.contains("Fine &amp; good.")), "{taken:?}");

    // After it went, a change is told as a change.
    amended["outcome"] = json!("fail");
    scene.school.command("AmendMark", amended).await;
    scene.deliver().await;
    scene.everything_went_once(2).await;
}

#[tokio::test]
async fn nobody_gets_what_was_asked_for_before_emails_were_there_or_a_week_ago() {
    let mut scene = Scene::open().await;
    let students = scene.school.students(2).await;
    scene.send(1).await;
    let head = scene.school.service.executor.store().head().await.expect("a head");
    let sql = "update email_installation set position = $1";
    sqlx::query(sql).bind(head).execute(&scene.school.service.database.pool).await.expect("an installation since then");
    scene.deliver().await;
    assert_eq!(scene.statuses().await, [("expired".to_owned(), 2)]);

    let late = scene.school.student("Late", None).await;
    scene.send(1).await;
    scene.school.service.now("2026-02-08T00:00:00Z");
    assert_eq!(scene.email(&late.enrolment).await["status"], "expired", "before anybody looked");
    scene.deliver().await;
    assert_eq!(scene.emails("?status=expired").await.len(), 3);
    assert_eq!(scene.resend.requests().len(), 0);
    assert_eq!(students.len(), 2);
}

#[tokio::test]
async fn refuses_a_cohort_that_has_not_begun_and_a_week_that_is_none() {
    let school = crate::school::School::open().await;
    let body = json!({"cohort_id": school.cohort, "week": 1});
    let refused = school.service.send(&school.owner, "SendWeekEmails", body.clone()).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("cohort_not_active")), "{}", refused.text);
    school.in_cohort("StartCohort", json!({})).await;
    let refused = school.service.send(&school.instructor, "SendWeekEmails", body).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let body = json!({"cohort_id": school.cohort, "week": 9});
    let refused = school.service.send(&school.owner, "SendWeekEmails", body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("no_such_week")), "{}", refused.text);
}
