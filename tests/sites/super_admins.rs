//! Super admins: let into every site as an owner, for as long as everything that makes them one holds.

use reqwest::Method;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::{Actor, Personal, SiteId};
use rollbook_store::{Clock, Executor, Request};
use serde_json::json;
use uuid::Uuid;

use super::{NOW, is_problem};
use crate::harness::{Database, Hosting, Service, answer, at};
use crate::school::School;

#[tokio::test]
async fn a_super_admin_acts_as_an_owner_everywhere_and_the_audit_says_so() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let me = service.get(&service.owner, "/v1/me").await["person_id"].clone();
    let person =
        north.create(&service.owner, "RegisterPerson", json!({"name": "Ana", "email": "ana@example.org"})).await;
    north.command(&service.owner, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let granted = north.items(&north.owner, "/v1/audit?action=role_granted").await;
    let last = granted.last().expect("an entry");
    assert_eq!(last["actor"], json!({"id": me, "name": "Super admin"}));
    assert_eq!(last["authority"], "super_admin");
    let events = north.items(&north.owner, "/v1/events").await;
    assert_eq!(events.last().expect("an event")["actor"], json!({"id": me, "name": "Super admin"}));

    service.command(&service.owner, "FoundHub", json!({"name": "Home"})).await;
    let founded = service.items(&service.owner, "/v1/audit?action=hub_founded").await;
    assert_eq!(founded[0]["authority"], "owner", "at home they are the owner they are");
    assert_ne!(founded[0]["actor"]["name"], "Super admin");

    // The first owner of a site is no other owner's to remove; a super admin removes one who was dismissed or taken over.
    let owner = north.get(&north.owner, "/v1/me").await["person_id"].clone();
    let other = north.create(&north.owner, "RegisterPerson", json!({"name": "O", "email": "o@example.org"})).await;
    north.command(&north.owner, "GrantRole", json!({"person_id": other, "role": "owner"})).await;
    let other = north.token(&other).await;
    for (command, body) in [
        ("CorrectPerson", json!({"person_id": owner, "email": "mine@example.org"})),
        ("DeactivatePerson", json!({"person_id": owner, "reason": "x"})),
        ("RevokeRole", json!({"person_id": owner, "role": "owner"})),
    ] {
        is_problem(&north.send(&other, command, body.clone()).await, 409, "owner_is_bootstrapped");
        north.command(&service.owner, command, body).await;
    }
    is_problem(&north.ask(&north.owner, "/v1/me").await, 401, "unauthenticated");
    is_problem(&north.ask(&service.owner, "/v1/me").await, 403, "not_allowed");
}

#[tokio::test]
async fn an_ordinary_owner_of_the_default_site_is_nobody_elsewhere() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let other = service.create(&service.owner, "RegisterPerson", json!({"name": "O", "email": "o@example.org"})).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": other, "role": "owner"})).await;
    let token = service.token(&other).await;
    is_problem(&north.ask(&token, "/v1/people").await, 401, "unauthenticated");
    // Nor do they become one by taking the address of somebody who is.
    let owner = service.get(&service.owner, "/v1/me").await["person_id"].clone();
    let move_away = json!({"person_id": owner, "email": "elsewhere@example.org"});
    is_problem(&service.send(&token, "CorrectPerson", move_away).await, 409, "owner_is_bootstrapped");

    // Whoever gives their configured address up is one no longer, at the next request.
    assert_eq!(north.ask(&service.owner, "/v1/people").await.status, 200);
    let away = service.request(Method::POST, &service.owner, "/v1/me/email");
    assert_eq!(answer(away.json(&json!({"email": "elsewhere@example.org"}))).await.status, 204);
    is_problem(&north.ask(&service.owner, "/v1/people").await, 401, "unauthenticated");
    is_problem(&service.ask(&service.owner, "/v1/sites").await, 403, "not_allowed");
    // And the address alone makes nobody one.
    service.command(&service.owner, "CorrectPerson", json!({"person_id": other, "email": "owner@example.org"})).await;
    is_problem(&north.ask(&token, "/v1/people").await, 401, "unauthenticated");
}

#[tokio::test]
async fn no_other_owner_has_the_place_of_a_first_owner_or_a_super_admin() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    for site in [&service, &north] {
        let first = site.get(&site.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
        let other = site.create(&site.owner, "RegisterPerson", json!({"name": "O", "email": "o@example.org"})).await;
        site.command(&site.owner, "GrantRole", json!({"person_id": other, "role": "owner"})).await;
        let other = site.token(&other).await;
        for (command, body) in [
            ("EndAccess", json!({"person_id": first})),
            ("GrantRole", json!({"person_id": first, "role": "admin"})),
            ("CorrectPerson", json!({"person_id": first, "email": "mine@example.org"})),
        ] {
            is_problem(&site.send(&other, command, body).await, 409, "owner_is_bootstrapped");
        }
        for send in [false, true] {
            let path = format!("/v1/people/{first}/invitation");
            let asked = site.request(Method::POST, &other, &path).json(&json!({"send": send}));
            is_problem(&answer(asked).await, 409, "owner_is_bootstrapped");
        }
        let session = &site.get(&other, &format!("/v1/people/{first}/access")).await["sessions"][0]["session_id"];
        let session = session.as_str().expect("the owner's token").to_owned();
        let path = format!("/v1/people/{first}/sessions/{session}");
        is_problem(&answer(site.request(Method::DELETE, &other, &path)).await, 409, "owner_is_bootstrapped");
        assert_eq!(site.ask(&site.owner, "/v1/me").await.status, 200);
    }
}

#[tokio::test]
async fn somebody_who_was_registered_under_a_super_admins_id_is_somebody_else() {
    let service = Service::with_super_admin(NOW).await;
    let north = School::of(service.site("north").await, json!({})).await;
    let site = &north.service;
    let id = service.get(&service.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let nora = json!({"person_id": id, "name": "Nora Fake", "email": "nora@example.org"});
    site.command(&north.admin, "RegisterPerson", nora).await;
    let student = north.student("Søren", None).await;
    for (command, body) in [
        ("HoldStudent", json!({"enrolment_id": student.enrolment, "reason": "is late"})),
        ("ReleaseStudent", json!({"enrolment_id": student.enrolment})),
        ("MarkAttendance", json!({"enrolment_id": student.enrolment, "week": 1, "status": "present"})),
    ] {
        site.command(&service.owner, command, body).await;
    }
    // Whatever shows who it was, says that it was a super admin.
    let guest = json!({"id": id, "name": "Super admin"});
    for (path, at) in [
        (format!("/v1/audit?actor_id={id}"), "actor"),
        (format!("/v1/enrolments/{}/history", student.enrolment), "actor"),
        (format!("/v1/enrolments/{}/explain", student.enrolment), "actor"),
        (format!("/v1/cohorts/{}/sessions/1/attendance", north.cohort), "by"),
        ("/v1/events".to_owned(), "actor"),
    ] {
        let items = site.items(&north.owner, &path).await;
        assert!(items.iter().any(|item| item[at] == guest), "{path}: {items:?}");
        assert!(items.iter().all(|item| item[at]["name"] != "Nora Fake"), "{path}: {items:?}");
    }
    let report = site.get(&north.owner, &format!("/v1/cohorts/{}/report", north.cohort)).await;
    let holds = report["holds"][0].clone();
    assert_eq!((&holds["held_by"], &holds["released_by"]), (&guest, &guest));

    // Nor do they spare them what they would spare themselves.
    let token = site.token(&id).await;
    assert_eq!(site.ask(&token, "/v1/me").await.status, 200);
    site.command(&service.owner, "CorrectPerson", json!({"person_id": id, "email": "n@example.org"})).await;
    is_problem(&site.ask(&token, "/v1/me").await, 401, "unauthenticated");
    let path = format!("/v1/people/{id}/second-factors");
    assert_eq!(answer(site.request(Method::DELETE, &service.owner, &path)).await.status, 204);
}

#[tokio::test]
async fn a_first_owner_who_takes_a_super_admins_address_is_none() {
    let hosting = Hosting { super_admins: vec!["super@example.org"], ..Hosting::default() };
    let service = Service::hosting(Database::create().await, Clock::frozen(at(NOW)), hosting).await;
    let me = service.get(&service.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let own = service.request(Method::POST, &service.owner, "/v1/me/email");
    assert_eq!(answer(own.json(&json!({"email": "Super@example.org"}))).await.status, 204);
    is_problem(&service.ask(&service.owner, "/v1/sites").await, 403, "not_allowed");

    // From when the installation has begun with them again they are one, and come in anew: by a link to that address.
    let command = BootstrapOwner {
        person_id: Uuid::new_v4().into(),
        name: Personal::new("Super".to_owned().try_into().expect("a name")),
        email: Personal::new("super@example.org".to_owned().try_into().expect("an address")),
    };
    let again = || {
        let (site, actor, command) = (SiteId::DEFAULT, Actor::System, command.clone().into());
        Request { site, actor, command, command_id: None, if_match: None, correlation_id: None }
    };
    assert_eq!(service.executor.execute(again()).await.expect("a receipt").events.len(), 1);
    assert_eq!(service.executor.execute(again()).await.expect("a receipt").events.len(), 0, "once");
    is_problem(&service.ask(&service.owner, "/v1/sites").await, 401, "unauthenticated");
    assert_eq!(service.ask(&service.token(&me).await, "/v1/sites").await.status, 200);
}

#[tokio::test]
async fn who_is_deactivated_or_revoked_is_no_super_admin_at_the_next_request() {
    let service = Service::with_super_admin(NOW).await;
    let north = service.site("north").await;
    let me = service.get(&service.owner, "/v1/me").await["person_id"].clone();
    assert_eq!(north.ask(&service.owner, "/v1/people").await.status, 200);
    let other = service.create(&service.owner, "RegisterPerson", json!({"name": "O", "email": "o@example.org"})).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": other, "role": "owner"})).await;
    service.command(&service.owner, "DeactivatePerson", json!({"person_id": me, "reason": "a pause"})).await;
    is_problem(&north.ask(&service.owner, "/v1/people").await, 401, "unauthenticated");
    is_problem(&service.ask(&service.owner, "/v1/sites").await, 401, "unauthenticated");
    // A token that the command line prints afterwards is of somebody who may not act.
    let token = service.token(me.as_str().expect("an id")).await;
    is_problem(&north.ask(&token, "/v1/people").await, 401, "unauthenticated");
    is_problem(&service.ask(&token, "/v1/sites").await, 403, "not_allowed");
}

#[tokio::test]
async fn an_owner_is_bootstrapped_once_however_many_processes_begin() {
    let database = Database::create().await;
    let clock = Clock::frozen(at(NOW));
    // Each with a store of its own, as in a process of its own.
    let bootstraps = (0..20).map(|nth| {
        let executor = Executor::new(database.store(), clock.clone());
        async move {
            let command = BootstrapOwner {
                person_id: Uuid::new_v4().into(),
                name: Personal::new(format!("Owner {nth}").try_into().expect("a name")),
                email: Personal::new("Owner@example.org".to_owned().try_into().expect("an address")),
            };
            let site = SiteId::DEFAULT;
            let (actor, command) = (Actor::System, command.into());
            let request = Request { site, actor, command, command_id: None, if_match: None, correlation_id: None };
            executor.execute(request).await.expect("it is done, or was")
        }
    });
    let receipts = futures::future::join_all(bootstraps).await;
    let events: usize = receipts.iter().map(|receipt| receipt.events.len()).sum();
    assert_eq!(events, 2, "registered and made owner, once");
    let count: i64 =
        sqlx::query_scalar("select count(*) from events").fetch_one(&database.pool).await.expect("a count");
    assert_eq!(count, 2);
    let owner = database.store().owner(SiteId::DEFAULT, ClaimKey::email("owner@EXAMPLE.org")).await.expect("a look-up");
    assert!(owner.is_some());
}
