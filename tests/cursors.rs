//! Cursors that no list has given: each list refuses them, or goes on from somewhere; none fails.

use std::collections::BTreeSet;

use form_urlencoded::byte_serialize;
use serde_json::json;

use crate::harness::Service;
use crate::school::{BEFORE, School};

/// What may stand in a cursor, instead of what a list has put there.
const PARTS: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "32768",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e9",
    "NaN",
    "+1",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0198c1d2-0000-7000-8000",
    "{0198c1d2-0000-7000-8000-000000000001}",
    "2026-02-30",
    "2026-02-03",
    "9999-12-31",
    "-262143-01-01",
    "2026-02-03T08:00:00Z",
    "+262142-12-31T23:59:59Z",
    "-262143-01-01T00:00:00Z",
    "-9223372036854775",
    "8210266876799999",
    "true",
    "null",
    "'",
    "'; drop table events; --",
    "%",
    "\u{0}",
    "\u{202e}",
    "🙂",
];

/// Students write as much as they may; whoever asks for a thousand of what they wrote gets as many as a page has room for, and
/// the others with `next`.
#[tokio::test]
async fn a_page_has_an_end_in_bytes_and_nothing_is_left_out() {
    const TEXT: usize = 20_000;
    let school = School::open().await;
    let students = school.students(10).await;
    let text = "字".repeat(TEXT);
    for student in &students {
        let token = school.service.token(&student.person).await;
        for week in 1..=5 {
            let (enrolment, reason) = (&student.enrolment, "to write");
            school.command("SetWeek", json!({"enrolment_id": enrolment, "week": week, "reason": reason})).await;
            let body = json!({"enrolment_id": enrolment, "week": week, "text": text, "visibility": "cohort"});
            school.service.command(&token, "SubmitReflection", body).await;
        }
    }
    let student = &students[0];
    for week in 1..=5 {
        for revision in 0..10 {
            let text = format!("{revision}{}", "字".repeat(TEXT - 2));
            let body = json!({"enrolment_id": student.enrolment, "week": week, "text": text, "visibility": "cohort"});
            let token = school.service.token(&student.person).await;
            school.service.command(&token, "SubmitReflection", body).await;
        }
    }
    let reader = school.service.token(&student.person).await;
    let lists = [
        (&school.owner, format!("/v1/cohorts/{}/reflections", school.cohort), 50),
        (&reader, format!("/v1/cohorts/{}/reflections", school.cohort), 50),
        (&school.owner, "/v1/marking-queue?marker=all".to_owned(), 50),
        (&school.owner, "/v1/events".to_owned(), usize::try_from(school.head().await).expect("a number")),
        (&reader, format!("/v1/enrolments/{}/history", student.enrolment), 1 + 5 + 4 + 50),
        (&school.owner, format!("/v1/enrolments/{}/explain", student.enrolment), 1 + 5 + 4),
    ];
    for (token, path, expected) in lists {
        let (mut after, mut items, mut pages) = (String::new(), 0, 0);
        loop {
            let and = if path.contains('?') { '&' } else { '?' };
            let answer = school.service.ask(token, &format!("{path}{and}limit=1000{after}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.text.len() < (2 << 20) + 4 * TEXT, "{path}: {} bytes", answer.text.len());
            items += answer.json["items"].as_array().expect("items").len();
            pages += 1;
            let Some(next) = answer.json["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(items, expected, "{path}");
        assert!(pages > 1 || path.ends_with("explain"), "{path}");
    }
}

#[tokio::test]
async fn a_cursor_that_no_list_has_given_is_refused_and_nothing_fails() {
    let school = School::of(Service::with_super_admin(BEFORE).await, json!({})).await;
    let students = school.students(2).await;
    for student in &students {
        let token = school.service.token(&student.person).await;
        for week in [1, 2] {
            school
                .command("SetWeek", json!({"enrolment_id": student.enrolment, "week": week, "reason": "to write"}))
                .await;
        }
        let body = json!({"enrolment_id": student.enrolment, "week": 1, "text": "Text.", "visibility": "cohort"});
        school.service.command(&token, "SubmitReflection", body).await;
    }
    let document = rollbook_http::document();
    let mut seen = BTreeSet::new();
    let mut refused = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let takes_cursor =
            |parameter: &serde_json::Value| parameter["name"] == "after" && parameter["schema"]["type"] == "string";
        let has_pages = |parameters: &Vec<serde_json::Value>| {
            parameters.iter().any(takes_cursor) && parameters.iter().any(|parameter| parameter["name"] == "limit")
        };
        if !methods["get"]["parameters"].as_array().is_some_and(has_pages) {
            continue;
        }
        let path = path
            .replace("{cohort_id}", &school.cohort)
            .replace("{enrolment_id}", &students[0].enrolment)
            .replace("{hub_id}", &school.north)
            .replace("{name}", "roster")
            .replace("{week}", "1");
        assert!(!path.contains('{'), "{path}");
        let also = if path.ends_with("/advancement") { "to_week=2&" } else { "" };
        let first = school.service.get(&school.owner, &format!("{path}?{also}limit=1")).await;
        let real = first["next"].as_str().unwrap_or("1").to_owned();
        let parts: Vec<&str> = real.split('.').collect();
        let mut cursors =
            vec![".".to_owned(), "..".into(), "...".into(), format!("{real}."), format!(".{real}"), "x".repeat(512)];
        for place in 0..parts.len() {
            for part in PARTS {
                let mut parts = parts.clone();
                parts[place] = part;
                cursors.push(parts.join("."));
            }
        }
        for cursor in cursors {
            let encoded: String = byte_serialize(cursor.as_bytes()).collect();
            let answer = school.service.ask(&school.owner, &format!("{path}?{also}limit=1&after={encoded}")).await;
            assert!([200, 422].contains(&answer.status), "{path} after {cursor:?}: {} {}", answer.status, answer.text);
            refused += usize::from(answer.status == 422);
        }
        seen.insert(path);
    }
    assert!(seen.len() >= 10, "lists: {seen:?}");
    assert!(refused > 100, "{refused} were refused");
}
