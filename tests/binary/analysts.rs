//! What the binary tells analysts about the demo's cohort.

use serde_json::Value;

use super::demo::PLAYED;

/// The enrolment of somebody who is held, from the audit.
fn held() -> String {
    let audit: Value = serde_json::from_str(&PLAYED.home.out(&["audit", "--format", "json"])).expect("JSON");
    let held = audit.as_array().expect("a list").iter().find(|item| item["action"] == "held").expect("somebody held");
    held["subject"]["enrolment_id"].as_str().expect("an enrolment").to_owned()
}

#[test]
fn explain_shows_why_a_student_stands_where_they_do() {
    let (home, held) = (&PLAYED.home, held());
    let json = home.out(&["explain", "--enrolment", &held, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let items = json.as_array().expect("a list");
    assert_eq!(items[0]["type"], "StudentEnrolled");
    assert!(items.iter().any(|item| item["type"] == "StudentHeld"), "{json}");
    let table = home.out(&["explain", "--enrolment", &held]);
    assert!(table.contains("StudentHeld") && table.contains("held_reason"), "{table}");
    assert!(table.lines().count() > items.len(), "a line for every change");
    let nobody = home.run(&["explain", "--enrolment", "0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10"]).failed();
    assert_eq!(nobody, "there is no enrolment 0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10");
    let no_flag = home.run(&["explain", "--enrolment", &held, "--flag", "77"]).failed();
    assert!(no_flag.contains("has no flag 77"), "{no_flag}");
}
