//! A syllabus as it is written by those who teach.

use serde_json::{Value, json};

use super::titles;
use crate::school::{School, event_types};

#[tokio::test]
async fn a_week_shows_its_session_its_materials_in_order_and_its_question() {
    let school = School::open().await;
    school.material(2, "video", "Film", "https://youtu.be/dQw4w9WgXcQ?t=3").await;
    school.material(2, "link", "Reading", "https://example.org/läsning").await;
    let page = school.material(2, "page", "Welcome", "# Kia ora\n\nRead **this**.").await;
    school.in_cohort("MoveMaterial", json!({"material_id": page, "week": 2, "position": 1})).await;
    school.in_cohort("SetReflectionQuestion", json!({"week": 2, "text": "What did you take home?"})).await;
    let moved = json!({"week": 2, "starts_at": "2026-02-11T08:00:00Z", "reason": "A storm."});
    school.in_cohort("RescheduleSession", moved).await;

    let week = school.week(&school.instructor, 2).await;
    assert_eq!(titles(&week), ["Welcome", "Film", "Reading"]);
    assert_eq!(week["question"], "What did you take home?");
    let [page, film, reading] = &week["materials"].as_array().expect("materials")[..] else { panic!("three") };
    assert_eq!(page["html"], "<h1>Kia ora</h1>\n<p>Read <strong>this</strong>.</p>\n");
    assert_eq!(page["markdown"], "# Kia ora\n\nRead **this**.");
    assert_eq!(film["url"], "https://www.youtube.com/watch?v=dQw4w9WgXcQ");
    assert_eq!(film["embed_url"], "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ");
    assert_eq!(reading["url"], "https://example.org/l%C3%A4sning");
    let session = &week["session"];
    assert_eq!((&session["status"], &session["reason"]), (&json!("rescheduled"), &json!("A storm.")));
    assert_eq!(
        (&session["planned_at"], &session["starts_at"]),
        (&json!("2026-02-10T08:00:00Z"), &json!("2026-02-11T08:00:00Z"))
    );

    let overview = school.syllabus(&school.cohort).await;
    assert_eq!((&overview["version"], &overview["editable"]), (&json!(5), &json!(true)));
    assert_eq!(overview["weeks"].as_array().map(Vec::len), Some(8));
    assert_eq!(titles(&overview["weeks"][1]), ["Welcome", "Film", "Reading"]);
    assert_eq!(overview["weeks"][1]["materials"][0]["html"], Value::Null, "pages are read week by week");
}

#[tokio::test]
async fn an_instructor_edits_and_nobody_else_who_is_not_an_admin() {
    let school = School::open().await;
    let student = school.student("Sione", Some(&school.north)).await;
    let student = school.service.token(&student.person).await;
    let add = json!({"cohort_id": school.cohort, "week": 1, "kind": "page", "title": "Hello", "content": "Hello."});
    for token in [&school.owner, &school.admin, &school.instructor] {
        assert_eq!(school.service.send(token, "AddMaterial", add.clone()).await.status, 200);
    }
    for token in [&school.coordinator, &school.marker, &student] {
        let refused = school.service.send(token, "AddMaterial", add.clone()).await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")));
    }
    let other = school.run("Another", None).await;
    let elsewhere = json!({"cohort_id": other, "week": 1, "kind": "page", "title": "Hello", "content": "Hello."});
    assert_eq!(school.service.send(&school.instructor, "AddMaterial", elsewhere).await.status, 403);
}

#[tokio::test]
async fn two_who_edit_at_the_same_time_both_are_heard() {
    let school = School::open().await;
    let adding = (0..8).map(|nth| {
        let title = format!("Material {nth}");
        let school = &school;
        async move { school.material(1, "page", &title, "Text.").await }
    });
    futures::future::join_all(adding).await;
    let week = school.week(&school.owner, 1).await;
    let mut found = titles(&week);
    found.sort_unstable();
    assert_eq!(found, (0..8).map(|nth| format!("Material {nth}")).collect::<Vec<_>>());
    let positions: Vec<_> =
        week["materials"].as_array().expect("materials").iter().map(|m| m["position"].as_u64()).collect();
    assert_eq!(positions, (1..=8).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_edit_that_did_not_know_of_another_is_refused_where_it_says_so() {
    let school = School::open().await;
    let page = school.material(1, "page", "Welcome", "Hello.").await;
    let update = |title: &str| json!({"cohort_id": school.cohort, "material_id": page, "title": title});
    let send = |title: &str| {
        let request = school.service.request(reqwest::Method::POST, &school.instructor, "/v1/commands/UpdateMaterial");
        crate::harness::answer(request.header("If-Match", "\"1\"").json(&update(title)))
    };
    assert_eq!(send("First").await.status, 200);
    let late = send("Second").await;
    assert_eq!((late.status, &late.json["code"]), (412, &json!("version_mismatch")));
}

#[tokio::test]
async fn what_is_so_already_is_no_event_and_what_is_gone_is_said() {
    let school = School::open().await;
    let page = school.material(1, "page", "Welcome", "Hello.").await;
    let again = school.in_cohort("UpdateMaterial", json!({"material_id": page, "title": "Welcome"})).await;
    assert_eq!(event_types(&again), [] as [&str; 0]);
    school.in_cohort("RemoveMaterial", json!({"material_id": page})).await;
    let again = school.in_cohort("RemoveMaterial", json!({"material_id": page})).await;
    assert_eq!(event_types(&again), [] as [&str; 0]);
    let update = json!({"cohort_id": school.cohort, "material_id": page, "title": "Hello"});
    let gone = school.service.send(&school.owner, "UpdateMaterial", update).await;
    assert_eq!((gone.status, &gone.json["code"]), (409, &json!("material_was_removed")));
    school.in_cohort("CancelCohort", json!({"reason": "Too few."})).await;
    let add = json!({"cohort_id": school.cohort, "week": 1, "kind": "page", "title": "Hello", "content": "Hello."});
    let closed = school.service.send(&school.owner, "AddMaterial", add).await;
    assert_eq!((closed.status, &closed.json["code"]), (409, &json!("syllabus_closed")));
}

#[tokio::test]
async fn every_edit_is_in_the_audit_trail() {
    let school = School::open().await;
    let page = school.material(3, "page", "Welcome", "Hello.").await;
    school.in_cohort("MoveMaterial", json!({"material_id": page, "week": 4, "position": 1})).await;
    school.in_cohort("RemoveMaterial", json!({"material_id": page})).await;
    let audit = school.service.items(&school.owner, &format!("/v1/audit?cohort_id={}", school.cohort)).await;
    let edits: Vec<_> = audit
        .iter()
        .filter(|entry| entry["action"].as_str().is_some_and(|action| action.starts_with("material")))
        .map(|entry| (entry["action"].clone(), entry["from_week"].clone(), entry["to_week"].clone()))
        .collect();
    let expected = [
        (json!("material_added"), Value::Null, json!(3)),
        (json!("material_moved"), json!(3), json!(4)),
        (json!("material_removed"), json!(4), Value::Null),
    ];
    assert!(edits == expected || edits.iter().eq(expected.iter().rev()), "{edits:?}");
}
