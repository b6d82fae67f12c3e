//! Two schools with the same names and addresses: neither sees, changes or guesses anything of the other.

use std::collections::BTreeMap;

use reqwest::Method;
use rollbook_domain::Command;
use rollbook_http::document;
use rollbook_store::transaction::begin;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NOW, Student, is_problem, items};
use crate::analysts::subscriptions::Subscription;
use crate::harness::{Service, answer};

/// Two schools, each with a student in a cohort.
pub(super) async fn two() -> (Service, Service, Service, Student, Student) {
    let service = Service::with_super_admin(NOW).await;
    let (north, south) = (service.site("north").await, service.site("south").await);
    let (of_north, of_south) = (Student::in_site(&north).await, Student::in_site(&south).await);
    (service, north, south, of_north, of_south)
}

#[tokio::test]
async fn the_same_codes_and_addresses_are_two_schools_own() {
    let (service, north, south, of_north, of_south) = two().await;
    for (site, own, others) in [(&north, &of_north, &of_south), (&south, &of_south, &of_north)] {
        for (path, field, id, foreign) in [
            ("/v1/modules", "module_id", &own.module, &others.module),
            ("/v1/cohorts", "cohort_id", &own.cohort, &others.cohort),
            ("/v1/hubs", "hub_id", &own.hub, &others.hub),
        ] {
            let listed: Vec<_> = items(site, path).await.iter().map(|item| item[field].clone()).collect();
            assert_eq!(listed, [json!(id)], "{path}: {foreign}");
        }
        let people = items(site, "/v1/people").await;
        assert_eq!(people.iter().filter(|person| person["email"] == "zoe@example.org").count(), 1);
        assert_eq!(people.len(), 2, "the student and the owner: {people:?}");
        let audit = items(site, "/v1/audit").await;
        assert!(!audit.is_empty() && !json!(audit).to_string().contains(others.enrolment.as_str()));
    }
    assert!(items(&service, "/v1/cohorts").await.is_empty(), "nor is anything of theirs in the default site");
}

#[tokio::test]
async fn whoever_reads_waits_for_what_their_own_school_wrote_and_for_no_other_schools() {
    let (_service, north, south, of_north, _) = two().await;
    let student = north.token(&of_north.person).await;
    assert_eq!(north.ask(&student, "/v1/me").await.status, 200, "the read models have come to here");
    let mut held = begin(&north.database.pool).await.expect("a transaction");
    sqlx::query("select from projections for update").execute(&mut *held).await.expect("the read models stand still");
    let many = futures::future::join_all((0..20).map(|nth| {
        let south = &south;
        async move { south.send(&south.owner, "FoundHub", json!({"name": format!("Hub {nth}")})).await.status }
    }));
    assert_eq!(many.await, [200; 20]);
    let record = format!("/v1/enrolments/{}", of_north.enrolment);
    for path in ["/v1/me", record.as_str()] {
        assert_eq!(north.ask(&student, path).await.status, 200, "{path}");
    }
    held.rollback().await.expect("they go on");
}

#[tokio::test]
async fn every_query_with_an_id_of_another_school_finds_nothing() {
    let (service, north, south, of_north, of_south) = two().await;
    // The read models know of both.
    service.get(&service.owner, "/v1/me").await;
    let of = |cohort: &Student| {
        BTreeMap::from([
            ("cohort_id", cohort.cohort.clone()),
            ("hub_id", cohort.hub.clone()),
            ("enrolment_id", cohort.enrolment.clone()),
            ("material_id", cohort.material.clone()),
            ("upload_id", cohort.upload.clone()),
            ("person_id", cohort.person.clone()),
            ("message_id", Uuid::new_v4().to_string()),
            ("site_id", north.site.to_string()),
            ("week", "1".to_owned()),
            ("link", "nobodys.ics".to_owned()),
            ("name", "people".to_owned()),
        ])
    };
    let (ids, own) = (of(&of_north), of(&of_south));
    let document = document();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let of_nobody = ["/calendar/{link}", "/v1/sign-in/{provider}", "/v1/sign-in/{provider}/callback"];
        if methods["get"].is_null() || !path.contains('{') || of_nobody.contains(&&**path) || path.contains("{name}") {
            continue;
        }
        let filled = |ids: &BTreeMap<&str, String>| {
            let parts =
                path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(name) => ids.get(name).unwrap_or_else(|| panic!("{path}: no id for {name}")).clone(),
                    None => part.to_owned(),
                });
            let required: &str = if path.ends_with("/advancement") {
                "?to_week=2"
            } else if path.ends_with("/diff") {
                "?against="
            } else {
                ""
            };
            let against = if required.ends_with('=') { ids["cohort_id"].as_str() } else { "" };
            format!("{}{required}{against}", parts.collect::<Vec<_>>().join("/"))
        };
        let guessed = south.ask(&south.owner, &filled(&ids)).await;
        is_problem(&guessed, 404, "not_found");
        assert!(!guessed.text.contains("Zoë") && !guessed.text.contains("Kererū"), "{path}: {}", guessed.text);
        if path != "/v1/sites/{site_id}" {
            let theirs = south.ask(&south.owner, &filled(&own)).await;
            assert_ne!(theirs.status, 404, "{path} is really there with an id of the school: {}", theirs.text);
        }
        asked += 1;
    }
    assert!(asked > 15, "{asked}");
}

/// The commands that name nothing which must be there: an id that another school has is free to them.
pub(super) const CREATING: [&str; 4] = ["SetSiteSetting", "DefineModule", "FoundHub", "RegisterPerson"];

/// A body for a command with the ids of a cohort wherever the command's schema has room for one.
pub(super) fn body(name: &str, cohort: &Student, document: &Value) -> Value {
    let schema = &document["components"]["schemas"][name];
    let mut body = json!({});
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (field, property) in schema["properties"].as_object().expect("properties") {
        let value = match field.as_str() {
            "cohort_id" | "to_cohort_id" | "copy_from" => json!(cohort.cohort),
            "module_id" => json!(cohort.module),
            "hub_id" => json!(cohort.hub),
            "person_id" | "marker_id" => json!(cohort.person),
            "enrolment_id" => json!(cohort.enrolment),
            "material_id" => json!(cohort.material),
            "content" => json!(cohort.upload),
            "email" | "owner_email" => json!("new@example.org"),
            "week" | "to_week" | "position" => json!(1),
            "kind" => json!("image"),
            "role" => json!("admin"),
            "status" => json!("present"),
            "visibility" => json!("private"),
            "outcome" => json!("pass"),
            "starts_on" => json!("2026-03-03"),
            "session_start" => json!("19:00"),
            "starts_at" => json!("2026-03-03T09:00:00Z"),
            "timezone" => json!("Europe/Berlin"),
            "capacity" => json!(9),
            "marks" if name == "TakeAttendance" => json!([{"enrolment_id": cohort.enrolment, "status": "present"}]),
            "marks" => json!([{"email": "zoe@example.org", "week": 1, "status": "present"}]),
            "rows" => json!([{"name": "Zoë", "email": "new@example.org"}]),
            _ if required.contains(&field.as_str()) && property["type"] == "string" => json!("x"),
            _ => continue,
        };
        body[field] = value;
    }
    body
}

#[tokio::test]
async fn no_command_with_ids_of_another_school_writes_anything() {
    let (service, _, south, of_north, _) = two().await;
    let document = document();
    let store = service.executor.store();
    let mut asked = 0;
    for name in Command::NAMES {
        if CREATING.contains(name) {
            continue;
        }
        let body = body(name, &of_north, &document);
        let before = store.head().await.expect("a head");
        let refused = south.send(&south.owner, name, body.clone()).await;
        assert!([404, 409, 422, 403].contains(&refused.status), "{name} {body}: {}", refused.text);
        assert_eq!(store.head().await.expect("a head"), before, "{name} {body}: {}", refused.text);
        assert!(!refused.text.contains("Kererū") && !refused.text.contains("Ōtākou"), "{name}: {}", refused.text);
        asked += 1;
    }
    assert_eq!(asked, Command::NAMES.len() - CREATING.len());
}

#[tokio::test]
async fn tokens_links_and_files_are_of_one_school() {
    let (service, north, south, of_north, _) = two().await;
    for path in ["/v1/me", "/v1/cohorts", "/v1/events", "/v1/audit", "/v1/sites", "/v1/site"] {
        is_problem(&south.ask(&north.owner, path).await, 401, "unauthenticated");
        is_problem(&service.ask(&north.owner, path).await, 401, "unauthenticated");
    }
    is_problem(&south.send(&north.owner, "FoundHub", json!({"name": "x"})).await, 401, "unauthenticated");

    let student = north.token(&of_north.person).await;
    let link = answer(north.request(Method::POST, &student, "/v1/me/calendar-link")).await.json["path"].clone();
    let link = link.as_str().expect("a path");
    assert_eq!(north.ask("", link).await.status, 200);
    is_problem(&south.ask("", link).await, 404, "not_found");
    is_problem(&service.ask("", link).await, 404, "not_found");

    let file = format!("/v1/uploads/{}/file", of_north.upload);
    assert_eq!(north.ask(&north.owner, &file).await.status, 200);
    is_problem(&south.ask(&south.owner, &file).await, 404, "not_found");
    let folder = |site: &Service| service.database.files.path().join(format!("sites/{}", site.site));
    assert!(folder(&north).is_dir() && folder(&south).is_dir(), "each has a folder of its own");
}

#[tokio::test]
async fn the_log_of_a_school_is_its_own_page_by_page() {
    let (service, north, south, _, of_south) = two().await;
    for site in [&north, &south, &service] {
        let whole = items(site, "/v1/events").await;
        let own: i64 = sqlx::query_scalar("select count(*) from events where site_id = $1")
            .bind(site.site.0)
            .fetch_one(&service.database.pool)
            .await
            .expect("a count");
        assert_eq!(i64::try_from(whole.len()), Ok(own));
        let (mut paged, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let page = site.get(&site.owner, &format!("/v1/events?limit=2&after={after}")).await;
            paged.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            next.clone_into(&mut after);
        }
        assert_eq!(paged, whole);
    }
    let theirs = json!(items(&north, "/v1/events").await).to_string();
    assert!(!theirs.contains(&of_south.enrolment) && !theirs.contains("owner@south"), "{theirs}");
}

#[tokio::test]
async fn a_school_follows_its_own_log_until_it_is_closed() {
    let (service, north, south, _, of_south) = two().await;
    let head = service.executor.store().head().await.expect("a head");
    let mut followed = Subscription::open(&north, &north.owner, &format!("?after={head}"), None).await;
    let mut by_guest = Subscription::open(&north, &service.owner, &format!("?after={head}"), None).await;
    for nth in 0..300 {
        south.command(&south.owner, "RenameHub", json!({"hub_id": of_south.hub, "name": format!("Hub {nth}")})).await;
    }
    let own = north.command(&north.owner, "FoundHub", json!({"name": "Ours"})).await;
    let own = own["position"].as_i64().expect("a position");
    for subscription in [&mut followed, &mut by_guest] {
        let sent = subscription.until(own).await;
        assert_eq!(sent.iter().map(|sent| (sent.id, sent.kind.as_str())).collect::<Vec<_>>(), [(own, "HubFounded")]);
    }
    let close = json!({"site_id": north.site, "reason": "a pause"});
    service.command(&service.owner, "CloseSite", close).await;
    assert_eq!((followed.end().await, by_guest.end().await), (0, 0), "at once");
}

#[tokio::test]
async fn a_school_does_not_look_after_the_read_models_of_all() {
    let (service, north, _, _, _) = two().await;
    let list = "/v1/projections";
    is_problem(&north.ask(&north.owner, list).await, 403, "not_allowed");
    assert_eq!(service.ask(&service.owner, list).await.status, 200);
    assert_eq!(north.ask(&service.owner, list).await.status, 200, "a super admin does, from everywhere");
    for path in ["/v1/projections/people/rebuild", "/v1/projections/people/verify", "/v1/projections/people/retry"] {
        is_problem(&answer(north.request(Method::POST, &north.owner, path)).await, 403, "not_allowed");
    }
    let parked = "/v1/projections/people/parked";
    is_problem(&north.ask(&north.owner, parked).await, 403, "not_allowed");
    assert_eq!(north.ask(&service.owner, parked).await.json["items"], json!([]), "those of the school it is asked in");
}
