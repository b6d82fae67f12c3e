//! Ids that somebody chooses or foretells: each means something in one school alone, and none is the service's own.

use std::collections::BTreeMap;

use reqwest::Method;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::{Command, Personal, SiteId};
use rollbook_http::document;
use rollbook_store::Clock;
use rollbook_store::migrate::migrate;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::isolation::{CREATING, body, two};
use super::own_database::installation;
use super::{NOW, Student, is_problem};
use crate::harness::{Answer, Database, Hosting, Service, answer, at};

/// Sends a command under a key that the client has chosen.
async fn under(service: &Service, key: Uuid, token: &str, command: &str, body: Value) -> Answer {
    let request = service.request(Method::POST, token, &format!("/v1/commands/{command}"));
    answer(request.header("Idempotency-Key", key.to_string()).json(&body)).await
}

#[tokio::test]
async fn a_key_that_a_client_foretells_keeps_no_school_from_opening() {
    let service = installation().await;
    let own = Database::empty().await;
    let student = Student::in_site(&service).await;
    let id = service.wanting("north").await;
    let site: SiteId = id.parse().expect("an id");
    let token = service.token(&student.person).await;
    let reflection = json!({"enrolment_id": student.enrolment, "week": 1, "text": "Kia ora!", "visibility": "private"});
    for purpose in ["its database is set up", "the first owner is made"] {
        let key = Uuid::new_v5(&site.0, purpose.as_bytes());
        let done = under(&service, key, &token, "SubmitReflection", reflection.clone()).await;
        assert_eq!(done.status, 200, "a key of their own, like any other: {}", done.text);
        let again = under(&service, key, &token, "SubmitReflection", reflection.clone()).await;
        assert_eq!((again.status, &again.json), (200, &done.json), "and good for its one command: {}", again.text);
    }
    let given = service.give(&id, &own.url).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let north = service.in_own("north", &id, &own).await;
    assert_eq!(north.get(&north.owner, "/v1/me").await["email"], "owner@north.example.org");
}

#[tokio::test]
async fn a_person_of_another_school_under_a_foretold_id_keeps_no_school_from_its_owner() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let site = SiteId(Uuid::new_v4());
    let foretold = Uuid::new_v5(&site.0, b"the first owner");
    let squatter = json!({"person_id": foretold, "name": "Squatter", "email": "squatter@example.org"});
    north.command(&north.owner, "RegisterPerson", squatter).await;
    let email = "owner@south.example.org";
    let open = json!({"site_id": site, "slug": "south", "name": "South", "owner_email": email});
    service.command(&service.owner, "OpenSite", open).await;
    let owner = service.executor.store().owner(site, ClaimKey::email(email)).await.expect("a look-up");
    assert!(owner.is_some_and(|owner| owner != foretold), "a random id: {owner:?}");
    let hosts = json!({"site_id": site, "hosts": [{"host": "south.example.org"}]});
    service.command(&service.owner, "SetSiteHosts", hosts).await;
    let mut south = service.at_host("south.example.org");
    south.site = site;
    let token = south.token(&owner.expect("an owner").to_string()).await;
    assert_eq!(south.get(&token, "/v1/me").await["email"], email);
}

/// What a client may give an id of its own: the command, the field, and a body for it in a school.
fn creations(school: &Student) -> Vec<(&'static str, &'static str, Value)> {
    let Student { module, cohort, upload, .. } = school;
    let person = |n: u8| json!({"name": "New", "email": format!("new{n}@example.org")});
    let schedule = json!({"module_id": module, "name": "New", "starts_on": "2026-02-03", "session_start": "19:00",
        "timezone": "Australia/Sydney"});
    let material = json!({"cohort_id": cohort, "week": 1, "kind": "image", "title": "New", "content": upload});
    vec![
        ("RegisterPerson", "person_id", person(1)),
        ("DefineModule", "module_id", json!({"code": "NEW-1", "title": "New"})),
        ("ScheduleCohort", "cohort_id", schedule),
        ("FoundHub", "hub_id", json!({"name": "New"})),
        ("AddMaterial", "material_id", material),
    ]
}

#[tokio::test]
async fn an_id_that_another_school_has_is_free() {
    let (_service, north, south, of_north, of_south) = two().await;
    let taken_in_the_north = BTreeMap::from([
        ("person_id", &of_north.person),
        ("module_id", &of_north.module),
        ("cohort_id", &of_north.cohort),
        ("hub_id", &of_north.hub),
        ("material_id", &of_north.material),
    ]);
    for (command, field, mut body) in creations(&of_south) {
        if command == "AddMaterial" {
            // The upload of the first is a material already.
            let upload = south.request(Method::POST, &south.owner, "/v1/uploads?name=map.gif").body(super::GIF);
            body["content"] = answer(upload).await.json["upload_id"].clone();
        }
        body[field] = json!(taken_in_the_north[field]);
        let key = Uuid::new_v4();
        let created = under(&south, key, &south.owner, command, body.clone()).await;
        assert_eq!(created.status, 200, "{command}: {}", created.text);
        // The same key in the other school is another key.
        let elsewhere = under(&north, key, &north.owner, "FoundHub", json!({"name": command})).await;
        assert_eq!(elsewhere.status, 200, "{command}: {}", elsewhere.text);
    }
    let enrol = json!({"cohort_id": of_north.cohort, "person_id": of_north.person, "hub_id": of_north.hub,
        "enrolment_id": of_north.enrolment});
    south.command(&south.owner, "EnrolStudent", enrol).await;
    // All of it is the south's own now, under the ids of the north, and nothing of the north is to be seen through
    // them.
    let roster = south.items(&south.owner, &format!("/v1/cohorts/{}/roster", of_north.cohort)).await;
    let names: Vec<_> = roster.iter().map(|row| (&row["name"], &row["hub"])).collect();
    assert_eq!(names, [(&json!("New"), &json!("New"))]);
    let roster = north.items(&north.owner, &format!("/v1/cohorts/{}/roster", of_north.cohort)).await;
    let names: Vec<_> = roster.iter().map(|row| (&row["name"], &row["hub"])).collect();
    assert_eq!(names, [(&json!("Zoë Ōtākou"), &json!("Northland"))]);
    for (site, text) in [(&north, "Kia ora"), (&south, "Tēnā koe")] {
        let student = site.token(&of_north.person).await;
        let reflection = json!({"enrolment_id": of_north.enrolment, "week": 1, "text": text, "visibility": "private"});
        site.command(&student, "SubmitReflection", reflection).await;
        let written = site.items(&student, &format!("/v1/cohorts/{}/reflections", of_north.cohort)).await;
        let texts: Vec<_> = written.iter().map(|reflection| &reflection["text"]).collect();
        assert_eq!(texts, [text], "{written:?}");
    }
    // What is taken in one's own school is taken, at once and by name.
    for (command, field, mut body) in creations(&of_south) {
        if command == "AddMaterial" {
            continue;
        }
        body[field] = json!(taken_in_the_north[field]);
        if command == "RegisterPerson" {
            body["email"] = json!("another@example.org");
        }
        if command == "DefineModule" {
            body["code"] = json!("NEW-2");
        }
        is_problem(&south.send(&south.owner, command, body).await, 409, "already_exists");
    }
}

#[tokio::test]
async fn an_id_of_another_school_is_like_one_that_nobody_has() {
    let (_service, _north, south, of_north, _) = two().await;
    let document = document();
    let nobodys = || Uuid::new_v4().to_string();
    let of_nobody = Student {
        module: nobodys(),
        cohort: nobodys(),
        hub: nobodys(),
        person: nobodys(),
        enrolment: nobodys(),
        material: nobodys(),
        upload: nobodys(),
    };
    let ids = |school: &Student| {
        let Student { module, cohort, hub, person, enrolment, material, upload } = school;
        [module, cohort, hub, person, enrolment, material, upload].map(String::clone)
    };
    for name in Command::NAMES {
        if CREATING.contains(name) {
            continue;
        }
        let theirs = south.send(&south.owner, name, body(name, &of_north, &document)).await;
        let nobodys = south.send(&south.owner, name, body(name, &of_nobody, &document)).await;
        let blank = |answer: &Answer, school: &Student| {
            ids(school).iter().fold(answer.text.clone(), |text, id| text.replace(id.as_str(), "…"))
        };
        assert_eq!((theirs.status, blank(&theirs, &of_north)), (nobodys.status, blank(&nobodys, &of_nobody)), "{name}");
    }
}

/// A database as it was before keys had issuers: with a school whose first owner has been made, and revoked since.
async fn from_before(pool: &PgPool, site: Uuid) {
    let mut before = sqlx::migrate!("../../migrations");
    before.migrations = before.migrations.iter().filter(|migration| migration.version < 370).cloned().collect();
    before.run(pool).await.expect("the migrations until then");
    let owner = Uuid::new_v5(&site, b"the first owner");
    let made = Uuid::new_v5(&site, b"the first owner is made");
    let other = Uuid::new_v4();
    let zoe = json!({"name": "Zoë", "email": "ZOE\u{308}@example.org"});
    let opened = json!({"slug": "north", "name": "North", "owner_email": "owner@north.example.org"});
    let registered = json!({"name": "owner", "email": "owner@north.example.org"});
    let granted = json!({"role": "owner", "bootstrapped": true});
    let default = SiteId::DEFAULT.0;
    for (n, (site, kind, id, sequence, name, data, authority, command)) in [
        (default, "site", site, 1, "SiteOpened", opened, "super_admin", Uuid::new_v4()),
        (site, "person", owner, 1, "PersonRegistered", registered, "system", made),
        (site, "person", owner, 2, "RoleGranted", granted, "system", made),
        (site, "person", owner, 3, "RoleRevoked", json!({"role": "owner"}), "super_admin", Uuid::new_v4()),
        (site, "person", other, 1, "PersonRegistered", zoe, "admin", other),
        (site, "person", other, 2, "RoleGranted", json!({"role": "owner", "bootstrapped": false}), "admin", other),
    ]
    .into_iter()
    .enumerate()
    {
        let sql =
            "insert into events (site_id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                metadata, position, recorded_at, command_id)
            values ($1, $2, $3, $4, $5, '1', $6::text::json, $7::text::json, $8, now(), $9)";
        let query = sqlx::query(sql).bind(site).bind(kind).bind(id.to_string()).bind(sequence).bind(name);
        let metadata = json!({"authority": authority, "correlation_id": command});
        let query = query.bind(json!({name: data}).to_string()).bind(metadata.to_string());
        query.bind(i64::try_from(n).expect("few") + 1).bind(command).execute(pool).await.expect("an event");
    }
    let command = Command::from(BootstrapOwner {
        person_id: owner.into(),
        name: Personal::new("owner".to_owned().try_into().expect("a name")),
        email: Personal::new("owner@north.example.org".to_owned().try_into().expect("an address")),
    });
    let hash = Sha256::new().chain_update(Uuid::nil()).chain_update(command.name()).chain_update([0]);
    let hash = hash.chain_update(serde_json::to_vec(&command).expect("JSON")).finalize();
    let sql = "insert into commands (site_id, command_id, command_hash, first_position, last_position, streams, lists,
            recorded_at)
        values ($1, $2, $3, 2, 3, '[]', '{}', now())";
    sqlx::query(sql).bind(site).bind(made).bind(hash.as_slice()).execute(pool).await.expect("a receipt");
    let address = Sha256::new().chain_update(site).chain_update("email").chain_update("owner@north.example.org");
    let address = address.finalize();
    let sql = "insert into claims (site_id, kind, key, owner) values ($1, 'email', encode($2, 'hex'), $3)";
    let claim = sqlx::query(sql).bind(site).bind(address.as_slice()).bind(owner);
    claim.execute(pool).await.expect("a claim");
}

#[tokio::test]
async fn what_was_done_once_before_keys_had_issuers_is_not_done_again() {
    let database = Database::empty().await;
    let site = Uuid::new_v4();
    from_before(&database.pool, site).await;
    migrate(&database.pool).await.expect("the migrations since then");
    let hosting = Hosting { super_admins: vec!["owner@example.org"], ..Hosting::default() };
    let service = Service::hosting(database, Clock::frozen(at(NOW)), hosting).await;
    let sites = service.items(&service.owner, "/v1/sites").await;
    assert!(sites.iter().any(|known| known["site_id"] == json!(site)), "{sites:?}");
    service.installation.refresh().await.expect("the registry");
    let of_the_school = "select count(*) from events where site_id = $1";
    let events: i64 =
        sqlx::query_scalar(of_the_school).bind(site).fetch_one(&service.database.pool).await.expect("a count");
    assert_eq!(events, 5, "whoever is no owner any more is not made one again");
    let owners = "select count(*) from claims where site_id = $1 and kind = 'owner'";
    let owners: i64 = sqlx::query_scalar(owners).bind(site).fetch_one(&service.database.pool).await.expect("a count");
    assert_eq!(owners, 1, "whoever is one still counts as the last");
    let zoe = ClaimKey::email("zoë@example.org");
    let zoe = service.executor.store().owner(SiteId(site), zoe).await.expect("a look-up");
    assert!(zoe.is_some(), "an address that was given decomposed is found composed");
}
