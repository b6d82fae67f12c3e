//! The evening of advancing: the sheet proposes, one command decides, the audit remembers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::school::{AFTER, School, Student, event_types};

fn ids(students: &[&Student]) -> Vec<String> {
    let mut ids: Vec<_> = students.iter().map(|student| student.enrolment.clone()).collect();
    ids.sort();
    ids
}

fn list(receipt: &Value, name: &str) -> Vec<String> {
    let list = receipt[name].as_array().unwrap_or_else(|| panic!("{name} in {receipt}"));
    let mut ids: Vec<_> = list.iter().map(|id| id.as_str().expect("an id").to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn advancing_a_cohort_does_exactly_what_the_sheet_proposed() {
    let school = School::open().await;
    let students = school.students(8).await;
    school.in_cohort("StartCohort", json!({})).await;
    school.service.now(AFTER);
    let [flagged, overridden, held_before, held_now, ahead, gone, ..] = &students[..] else { panic!("students") };
    for student in [flagged, overridden] {
        for week in [1, 3, 6] {
            school.mark(student, week, "absent").await;
        }
    }
    let hold = json!({"enrolment_id": held_before.enrolment, "reason": "Wants to repeat the week."});
    school.command("HoldStudent", hold).await;
    school.command("AdvanceStudent", json!({"enrolment_id": ahead.enrolment, "to_week": 2})).await;
    school.command("WithdrawStudent", json!({"enrolment_id": gone.enrolment, "reason": "Moved away."})).await;

    let sheet =
        school.service.items(&school.owner, &format!("/v1/cohorts/{}/advancement?to_week=2", school.cohort)).await;
    let mut proposed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for item in &sheet {
        let enrolment = item["enrolment_id"].as_str().expect("an id").to_owned();
        proposed.entry(item["proposed"].as_str().expect("a proposal")).or_default().push(enrolment);
    }
    for ids in proposed.values_mut() {
        ids.sort();
    }
    assert_eq!(proposed["advance"], ids(&[held_now, &students[6], &students[7]]));
    assert_eq!(proposed["hold"], ids(&[flagged, overridden, held_before]));
    assert_eq!(proposed["untouched"], ids(&[ahead]));
    let why = sheet.iter().find(|item| item["enrolment_id"] == flagged.enrolment).expect("the flagged student");
    assert!(why["why"].as_str().expect("why").contains("1, 3, 6"), "{why}");

    // Without a decision of anybody's, the command does what the sheet says.
    let rehearsal = school.in_cohort("AdvanceCohort", json!({"to_week": 2})).await;
    for (list_name, proposal) in [("advanced", "advance"), ("held", "hold"), ("untouched", "untouched")] {
        assert_eq!(list(&rehearsal, list_name), proposed[proposal], "{list_name}");
    }
    let total = rehearsal["events"].as_array().expect("events").len();
    let first = rehearsal["events"][0]["position"].as_i64().expect("a position");
    assert_eq!(rehearsal["position"], json!(first + i64::try_from(total).expect("a count") - 1), "one append");
    assert_eq!(total, 5, "three advanced and two held; whoever was held already has no event: {rehearsal}");
    let row = school.row(flagged).await;
    assert_eq!((&row["week"], &row["held"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn holds_and_overrides_are_decided_with_a_reason_and_audited() {
    let school = School::open().await;
    let students = school.students(4).await;
    school.service.now(AFTER);
    let [overridden, held, ..] = &students[..] else { panic!("students") };
    for week in [1, 3, 6] {
        school.mark(overridden, week, "absent").await;
    }
    let refused = school
        .service
        .send(&school.owner, "AdvanceStudent", json!({"enrolment_id": overridden.enrolment, "to_week": 2}))
        .await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("absence_flag_open")));
    let receipt = school
        .service
        .command(
            &school.admin,
            "AdvanceCohort",
            json!({"cohort_id": school.cohort, "to_week": 2,
                "hold": [{"enrolment_id": held.enrolment, "reason": "Asked for another week."}],
                "override_flags": [{"enrolment_id": overridden.enrolment, "reason": "Was in hospital."}]}),
        )
        .await;
    assert_eq!(list(&receipt, "advanced"), ids(&[overridden, &students[2], &students[3]]));
    assert_eq!(list(&receipt, "held"), ids(&[held]));
    assert_eq!(list(&receipt, "untouched"), ids(&[]));

    let audit = school.service.items(&school.owner, &format!("/v1/audit?cohort_id={}", school.cohort)).await;
    let of = |student: &Student, action: &str| {
        let entry = audit
            .iter()
            .find(|entry| entry["action"] == action && entry["subject"]["enrolment_id"] == student.enrolment);
        entry.unwrap_or_else(|| panic!("{action} of {} in {audit:?}", student.name)).clone()
    };
    let entry = of(overridden, "advanced");
    assert_eq!((&entry["from_week"], &entry["to_week"]), (&json!(1), &json!(2)));
    assert_eq!(entry["reason"], "Was in hospital.");
    assert_eq!(entry["actor"]["name"], "Ádám Admin");
    assert_eq!(entry["subject"]["name"], overridden.name);
    assert_eq!(entry["at"].as_str().expect("an instant").parse::<chrono::DateTime<chrono::Utc>>(), AFTER.parse());
    assert_eq!(entry["command_id"], receipt["command_id"]);
    assert!(entry["position"].is_i64());
    assert_eq!(of(held, "held")["reason"], "Asked for another week.");
    assert_eq!(of(&students[2], "advanced")["reason"], Value::Null);

    // A held student is not advanced, is released with a step, and the history says so in words.
    let advance = json!({"enrolment_id": held.enrolment, "to_week": 2});
    let refused = school.service.send(&school.owner, "AdvanceStudent", advance).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("student_held")));
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.starts_with(&held.name) && detail.contains("week 1"), "{detail}");
    let release = json!({"enrolment_id": held.enrolment, "reason": "Ready now.", "to_week": 2});
    assert_eq!(event_types(&school.command("ReleaseStudent", release).await), ["StudentReleased", "StudentAdvanced"]);
    let history = school.service.items(&school.owner, &format!("/v1/enrolments/{}/history", held.enrolment)).await;
    assert_eq!(history.len(), 4, "{history:?}");
}

#[tokio::test]
async fn a_list_that_names_somebody_else_is_refused_whole() {
    let school = School::open().await;
    let students = school.students(2).await;
    school.command("AdvanceStudent", json!({"enrolment_id": students[0].enrolment, "to_week": 2})).await;
    let ahead = json!({"enrolment_id": students[0].enrolment, "reason": "Too fast."});
    let body = json!({"cohort_id": school.cohort, "to_week": 2, "hold": [ahead]});
    let refused = school.service.send(&school.owner, "AdvanceCohort", body).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/hold/0/enrolment_id")));
    assert_eq!(school.row(&students[1]).await["week"], 1);
}

#[tokio::test]
async fn a_student_moves_to_another_cohort_and_back_in_one_append_each() {
    let school = School::open().await;
    let student = school.student("Tama", Some(&school.north)).await;
    let other = json!({
        "module_id": school.module, "name": "Tūī 2026", "starts_on": "2026-02-05", "session_start": "18:30",
        "timezone": "Pacific/Auckland", "capacity": 1
    });
    let other = school.service.create(&school.owner, "ScheduleCohort", other).await;
    let away = json!({"enrolment_id": student.enrolment, "to_cohort_id": other, "reason": "Works on Tuesdays now."});
    let receipt = school.command("MoveStudent", away.clone()).await;
    assert_eq!(event_types(&receipt), ["StudentWithdrawn", "StudentEnrolled"]);
    let there = receipt["streams"][1]["id"].as_str().expect("the new enrolment").to_owned();
    assert_eq!(school.row(&student).await["status"], "withdrawn");
    // The other cohort has one place, and it is taken.
    let second = school.student("Second", None).await;
    let full = json!({"enrolment_id": second.enrolment, "to_cohort_id": other, "reason": "Likes Thursdays."});
    let refused = school.service.send(&school.owner, "MoveStudent", full).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("cohort_full")));
    assert_eq!(school.row(&second).await["status"], "active", "nothing of a refused move happens");
    let back = json!({"enrolment_id": there, "to_cohort_id": school.cohort, "reason": "Free on Tuesdays again."});
    let receipt = school.command("MoveStudent", back).await;
    assert_eq!(event_types(&receipt), ["StudentWithdrawn", "StudentReinstated"]);
    assert_eq!(school.row(&student).await["status"], "active");
}
