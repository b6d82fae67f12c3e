//! Why a row is as it is.

use serde_json::{Value, json};

use crate::school::{School, Student};

/// A student who missed three weeks, was talked to, held, and moved to the other hub.
async fn story(school: &School) -> Student {
    let student = school.student("Zoë", Some(&school.north)).await;
    school.service.now("2026-02-19T12:00:00Z");
    for week in 1..=3 {
        school.mark(&student, week, "absent").await;
    }
    let enrolment = &student.enrolment;
    for (command, body) in [
        ("ResolveAbsenceFlag", json!({"enrolment_id": enrolment, "reason": "talked"})),
        ("HoldStudent", json!({"enrolment_id": enrolment, "reason": "to catch up"})),
        ("JoinHub", json!({"enrolment_id": enrolment, "hub_id": school.south})),
    ] {
        school.command(command, body).await;
    }
    let token = school.service.token(&student.person).await;
    let reflection = json!({"enrolment_id": enrolment, "week": 1, "text": "I see.", "visibility": "private"});
    school.service.command(&token, "SubmitReflection", reflection).await;
    let shared = json!({"enrolment_id": enrolment, "week": 1, "visibility": "cohort"});
    school.service.command(&token, "SetReflectionVisibility", shared).await;
    student
}

fn types(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["type"].as_str().expect("a type")).collect()
}

fn change(item: &Value, field: &str) -> Option<(Value, Value)> {
    let changes = item["changes"].as_array().expect("changes");
    let change = changes.iter().find(|change| change["field"] == field)?;
    Some((change["before"].clone(), change["after"].clone()))
}

#[tokio::test]
async fn every_event_that_made_a_row_is_told_with_what_it_changed() {
    let school = School::open().await;
    let student = story(&school).await;
    let path = format!("/v1/enrolments/{}/explain", student.enrolment);
    let items = school.service.items(&school.owner, &path).await;
    // That a reflection may be read by others is no matter of the roster.
    let expected = [
        "StudentEnrolled",
        "AttendanceMarked",
        "AttendanceMarked",
        "AttendanceMarked",
        "AbsenceFlagRaised",
        "AbsenceFlagResolved",
        "StudentHeld",
        "HubJoined",
        "ReflectionSubmitted",
    ];
    assert_eq!(types(&items), expected);
    for item in &items {
        assert!(item["position"].is_i64() && item["at"].is_string(), "{item}");
        assert!(!item["changes"].as_array().expect("changes").is_empty(), "{item}");
        assert_eq!(change(item, "version"), None);
    }
    assert_eq!(items[0]["actor"]["name"], "Ọlá Owner");
    assert_eq!(items[8]["actor"]["name"], "Zoë");
    assert_eq!(change(&items[0], "week"), Some((Value::Null, json!(1))));
    assert_eq!(change(&items[0], "held_reason"), None, "nothing was nothing before");
    assert_eq!(change(&items[2], "absences"), Some((json!(1), json!(2))));
    let weeks = (json!({"1": "absent"}), json!({"1": "absent", "2": "absent"}));
    assert_eq!(change(&items[2], "attendance"), Some(weeks));
    assert_eq!(change(&items[4], "flagged"), Some((json!(false), json!(true))));
    assert_eq!(change(&items[6], "held"), Some((json!(false), json!(true))));
    assert_eq!(change(&items[6], "held_reason"), Some((Value::Null, json!("to catch up"))));
    assert_eq!(change(&items[7], "hub_id"), Some((json!(school.north), json!(school.south))));

    // The changes, one after the other, are the row.
    let row = school.row(&student).await;
    for field in ["week", "held", "held_reason", "absences", "flagged", "attendance", "hub_id", "status", "reflections"]
    {
        let last = items.iter().rev().find_map(|item| change(item, field)).expect(field).1;
        assert_eq!(last, row[field], "{field}");
    }

    let page = school.service.get(&school.owner, &format!("{path}?limit=4")).await;
    assert_eq!(page["items"], json!(items[..4]));
    let rest = format!("{path}?limit=100&after={}", page["next"].as_str().expect("more"));
    let rest = school.service.get(&school.owner, &rest).await;
    assert_eq!((&rest["items"], &rest["next"]), (&json!(items[4..]), &Value::Null));
}

#[tokio::test]
async fn a_flag_has_its_own_events() {
    let school = School::open().await;
    let student = story(&school).await;
    let path = format!("/v1/enrolments/{}/explain", student.enrolment);
    let items = school.service.items(&school.owner, &format!("{path}?flag=1")).await;
    assert_eq!(types(&items), ["AbsenceFlagRaised", "AbsenceFlagResolved"]);
    assert_eq!(change(&items[0], "missed_weeks"), Some((Value::Null, json!([1, 2, 3]))));
    assert_eq!(change(&items[1], "reason"), Some((Value::Null, json!("talked"))));
    for (flag, status) in [("2", 404), ("0", 404), ("70000", 422), ("first", 422)] {
        let answer = school.service.ask(&school.owner, &format!("{path}?flag={flag}")).await;
        assert_eq!(answer.status, status, "{flag}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_sees_the_record_sees_why() {
    let school = School::open().await;
    let student = story(&school).await;
    let other = school.student("Other", None).await;
    let own = school.service.token(&student.person).await;
    let mate = school.service.token(&other.person).await;
    let path = format!("/v1/enrolments/{}", student.enrolment);
    school.service.get(&school.owner, &path).await;
    for (token, status) in [
        (&school.admin, 200),
        (&school.instructor, 200),
        (&school.marker, 200),
        (&own, 200),
        (&school.other_coordinator, 200),
        (&school.coordinator, 404),
        (&mate, 404),
    ] {
        for path in [path.clone(), format!("{path}/explain"), format!("{path}/explain?flag=1")] {
            assert_eq!(school.service.ask(token, &path).await.status, status, "{path}");
        }
    }
}
