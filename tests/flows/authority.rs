//! Whose word stands, and rights that end at the next request.

use serde_json::json;

use crate::school::School;

#[tokio::test]
async fn a_coordinators_mark_does_not_undo_an_admins() {
    let school = School::open().await;
    let student = school.student("Moana", Some(&school.north)).await;
    school.service.now("2026-02-03T09:00:00Z");
    let mark = |status: &str| json!({"enrolment_id": student.enrolment, "week": 1, "status": status});
    school.service.command(&school.coordinator, "MarkAttendance", mark("absent")).await;
    school.service.command(&school.admin, "MarkAttendance", mark("present")).await;
    let refused = school.service.send(&school.coordinator, "MarkAttendance", mark("absent")).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("higher_authority_stands")), "{}", refused.text);
    assert_eq!(school.row(&student).await["attendance"], json!({"1": "present"}));
    // An instructor's word stands above a coordinator's and below an admin's.
    let refused = school.service.send(&school.instructor, "MarkAttendance", mark("late")).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("higher_authority_stands")));
}

#[tokio::test]
async fn a_body_cannot_say_who_acts() {
    let school = School::open().await;
    let student = school.student("Moana", Some(&school.north)).await;
    school.service.now("2026-02-03T09:00:00Z");
    for field in ["actor", "by", "authority", "actor_id"] {
        let mut body = json!({"enrolment_id": student.enrolment, "week": 1, "status": "present"});
        body[field] = json!(school.coordinator_id);
        let refused = school.service.send(&school.other_coordinator, "MarkAttendance", body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["pointer"], format!("/{field}"), "{}", refused.text);
    }
    assert_eq!(school.row(&student).await["attendance"], json!({}));
}

#[tokio::test]
async fn a_coordinator_who_lost_the_hub_is_refused_at_the_next_request() {
    let school = School::open().await;
    let student = school.student("Moana", Some(&school.north)).await;
    school.service.now("2026-02-12T09:00:00Z");
    let mark = |week: u8| json!({"enrolment_id": student.enrolment, "week": week, "status": "present"});
    school.service.command(&school.coordinator, "MarkAttendance", mark(1)).await;
    let roster = format!("/v1/hubs/{}/roster", school.north);
    assert_eq!(school.service.ask(&school.coordinator, &roster).await.status, 200);

    let successor = school.person("Sefa Successor").await;
    school.appoint_coordinator(&school.north, &successor).await;
    let refused = school.service.send(&school.coordinator, "MarkAttendance", mark(2)).await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
    assert_eq!(school.service.ask(&school.coordinator, &roster).await.status, 404, "nor may they read on");
    let successor = school.service.token(&successor).await;
    school.service.command(&successor, "MarkAttendance", mark(2)).await;
}

#[tokio::test]
async fn a_student_who_changes_hubs_moves_the_duty_at_once_and_keeps_the_past() {
    let school = School::open().await;
    let student = school.student("Moana", Some(&school.north)).await;
    school.service.now("2026-02-12T09:00:00Z");
    let mark = |week: u8| json!({"enrolment_id": student.enrolment, "week": week, "status": "present"});
    school.service.command(&school.coordinator, "MarkAttendance", mark(1)).await;
    school.command("JoinHub", json!({"enrolment_id": student.enrolment, "hub_id": school.south})).await;
    assert_eq!(school.service.send(&school.coordinator, "MarkAttendance", mark(2)).await.status, 403);
    school.service.command(&school.other_coordinator, "MarkAttendance", mark(2)).await;
    let taken: Vec<_> = school.service.get(&school.owner, "/v1/events?limit=1000").await["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|event| event["type"] == "AttendanceMarked")
        .map(|event| event["data"]["hub_id"].clone())
        .collect();
    assert_eq!(taken, [json!(school.north), json!(school.south)]);
}

#[tokio::test]
async fn a_role_or_a_token_taken_away_ends_at_the_next_request() {
    let school = School::open().await;
    let second = school.person("Second Admin").await;
    let token = school.service.token(&second).await;
    let found = json!({"name": "Eastland"});
    assert_eq!(school.service.send(&token, "FoundHub", found.clone()).await.status, 403);
    school.command("GrantRole", json!({"person_id": second, "role": "admin"})).await;
    assert_eq!(
        school.service.ask(&token, "/v1/me").await.status,
        401,
        "nobody has a role by what they came in with before"
    );
    let token = school.service.token(&second).await;
    school.service.command(&token, "FoundHub", found.clone()).await;
    assert_eq!(school.service.ask(&token, "/v1/people").await.status, 200);
    // Only an owner grants, and an admin cannot take the owner's place.
    let granted = school.service.send(&token, "GrantRole", json!({"person_id": second, "role": "owner"})).await;
    assert_eq!(granted.status, 403);
    school.command("RevokeRole", json!({"person_id": second, "role": "admin"})).await;
    assert_eq!(school.service.send(&token, "FoundHub", found.clone()).await.status, 403);
    assert_eq!(school.service.ask(&token, "/v1/people").await.status, 403);

    school.command("GrantRole", json!({"person_id": second, "role": "admin"})).await;
    let token = school.service.token(&second).await;
    school.command("DeactivatePerson", json!({"person_id": second, "reason": "left the school"})).await;
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 401);
    assert_eq!(school.service.send(&token, "FoundHub", found).await.status, 401);
    school.command("ReactivatePerson", json!({"person_id": second})).await;
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 401);
    let token = school.service.token(&second).await;
    let revoked = crate::harness::answer(school.service.request(reqwest::Method::DELETE, &token, "/v1/me/token")).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 401);
}

#[tokio::test]
async fn each_reads_what_concerns_them_and_nothing_else() {
    let school = School::open().await;
    let north = school.student("Aroha", Some(&school.north)).await;
    let south = school.student("Björn", Some(&school.south)).await;
    school.service.now("2026-02-12T09:00:00Z");
    let writes = school.service.token(&north.person).await;
    let mate = school.service.token(&south.person).await;
    for (week, visibility) in [(1, "private")] {
        let text = "Only for my marker.";
        let body = json!({"enrolment_id": north.enrolment, "week": week, "text": text, "visibility": visibility});
        school.service.command(&writes, "SubmitReflection", body).await;
    }
    let roster = format!("/v1/cohorts/{}/roster", school.cohort);
    let names = |items: Vec<serde_json::Value>| -> Vec<String> {
        items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(school.service.items(&school.instructor, &roster).await), ["Aroha", "Björn"]);
    assert_eq!(names(school.service.items(&school.marker, &roster).await), ["Aroha", "Björn"]);
    assert_eq!(names(school.service.items(&school.coordinator, &roster).await), ["Aroha"]);
    assert_eq!(school.service.ask(&mate, &roster).await.status, 403, "a student sees the cohort, not its roster");
    let stranger = school.service.token(&school.person("Stranger").await).await;
    assert_eq!(school.service.ask(&stranger, &roster).await.status, 404, "nor that there is a cohort");
    assert_eq!(school.service.ask(&mate, &format!("/v1/enrolments/{}", north.enrolment)).await.status, 404);
    assert_eq!(school.service.ask(&writes, &format!("/v1/enrolments/{}", north.enrolment)).await.status, 200);

    let reflections = format!("/v1/cohorts/{}/reflections", school.cohort);
    let count = async |token: &str| school.service.items(token, &reflections).await.len();
    assert_eq!(count(&mate).await, 0, "a private one is not for cohort-mates");
    assert_eq!(count(&school.instructor).await, 0);
    assert_eq!(count(&school.coordinator).await, 0);
    assert_eq!(count(&school.marker).await, 1);
    assert_eq!(count(&writes).await, 1);
    let open = json!({"enrolment_id": north.enrolment, "week": 1, "visibility": "cohort"});
    school.service.command(&writes, "SetReflectionVisibility", open).await;
    assert_eq!(count(&mate).await, 1);
    assert_eq!(count(&school.coordinator).await, 1);
    assert_eq!(count(&school.other_coordinator).await, 0);
    for path in ["/v1/audit", "/v1/events", "/v1/people", "/v1/projections"] {
        assert_eq!(school.service.ask(&school.instructor, path).await.status, 403, "{path}");
        assert_eq!(school.service.ask("", path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn whoever_was_deactivated_is_refused_before_anything_else_is_looked_at() {
    let school = School::open().await;
    let person = school.person("Tama Temporary").await;
    school.command("GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let token = school.service.token(&person).await;
    school.service.command(&token, "FoundHub", json!({"name": "Eastland"})).await;
    assert_eq!(school.service.ask(&token, "/v1/people").await.status, 200, "a role counts at once");

    school.command("DeactivatePerson", json!({"person_id": person, "reason": "the term is over"})).await;
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 401, "what they had has ended");
    // From the command line a token can be had for anybody.
    let token = school.service.token(&person).await;
    for refused in [
        school.service.send(&token, "FoundHub", json!({"name": "Westland"})).await,
        school.service.send(&token, "FoundHub", json!({"nonsense": true})).await,
        school.service.ask(&token, "/v1/me").await,
        school.service.ask(&token, "/v1/cohorts?nonsense=1").await,
    ] {
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("not_allowed")), "{}", refused.text);
    }

    school.command("ReactivatePerson", json!({"person_id": person})).await;
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_is_nobodys_in_another_form() {
    let school = School::open().await;
    let person = school.person("Tama Temporary").await.parse().expect("an id");
    let store = school.service.executor.store();
    let now = school.service.clock.now();
    let site = rollbook_domain::SiteId::DEFAULT;
    let token = store.issue_token(site, person, now, chrono::TimeDelta::hours(1)).await.expect("a token");
    school.service.now("2026-02-01T00:59:59Z");
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 200);
    school.service.now("2026-02-01T01:00:00Z");
    assert_eq!(school.service.ask(&token, "/v1/me").await.status, 401);
    let stored: Vec<String> = sqlx::query_scalar("select row_to_json(t)::text from tokens t")
        .fetch_all(&school.service.database.pool)
        .await
        .expect("what is stored");
    assert!(stored.iter().all(|row| !row.contains(&token)), "only a hash is stored");
}
