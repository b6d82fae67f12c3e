//! Who is let in, who is not, and that whoever is not learns nothing by it.

use std::collections::BTreeSet;

use rollbook_domain::site_settings::{SetSiteSetting, Setting};
use rollbook_domain::{Actor, SiteId};
use rollbook_oidc::{Kind, Sites};
use rollbook_store::{Clock, Request};
use serde_json::json;

use super::fake_provider::Key;
use super::oidc::Scene;
use super::{ANOTHER, PASSWORD, accepts, audit, comes_to, cookie, email_of, lets_in, letter, post, refused, signs_in};
use crate::harness::{Database, Hosting, Service, at};
use crate::school::{BEFORE, School};

#[tokio::test]
async fn a_password_lets_its_person_in_and_the_log_says_so() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let first = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let answer = signs_in(service, &format!(" {} ", email.to_uppercase()), PASSWORD).await;
    assert_eq!(answer.status, 200, "in any case: {}", answer.text);
    assert_eq!(
        (answer.json["person_id"].as_str(), answer.json["expires_at"].as_str()),
        (Some(person.as_str()), Some("2026-02-15T00:00:00Z"))
    );
    let token = answer.json["token"].as_str().expect("a token");
    assert_ne!(token, first);
    for token in [token, &first] {
        assert_eq!(service.get(token, "/v1/me").await["name"], "Anahera");
    }
    let said = audit(service, &person).await;
    let said: Vec<_> = said.iter().map(|(action, why)| (action.as_str(), why.as_str())).collect();
    assert_eq!(
        said,
        [
            ("invitation_issued", "to set a password"),
            ("password_set", "by an invitation"),
            ("signed_in", "by an invitation or a reset"),
            ("signed_in", "by a password"),
        ]
    );
    let entries = service.items(&service.owner, &format!("/v1/audit?person_id={person}&action=signed_in")).await;
    for entry in entries {
        assert_eq!((entry["actor"]["name"].as_str(), entry["authority"].as_str()), (Some("Anahera"), Some("oneself")));
        assert_eq!(entry["subject"]["name"], "Anahera");
    }
    // Nobody's commands are stale because somebody signs in.
    let state = service.executor.store().person(rollbook_domain::SiteId::DEFAULT, person.parse().expect("an id")).await;
    assert_eq!(state.expect("a person").version, 1);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_the_same() {
    let school = School::open().await;
    let service = &school.service;
    let (anna, ben, chloe) = (school.person("Anna").await, school.person("Ben").await, school.person("Chloë").await);
    lets_in(service, &anna).await;
    lets_in(service, &chloe).await;
    school.command("DeactivatePerson", json!({"person_id": chloe, "reason": "has left"})).await;
    let head = service.executor.store().head().await.expect("the head");
    let mut answers = BTreeSet::new();
    for (email, password) in [
        (email_of(service, &anna).await, ANOTHER),
        (email_of(service, &ben).await, PASSWORD),
        (email_of(service, &chloe).await, PASSWORD),
        ("nobody@example.org".to_owned(), PASSWORD),
        ("no address at all".to_owned(), PASSWORD),
        (String::new(), ""),
        ("x".repeat(100_000), PASSWORD),
    ] {
        let answer = signs_in(service, &email, password).await;
        assert_eq!(refused(&answer), (401, "sign_in_refused"), "{email:.20}");
        assert!(!answer.headers.contains_key("set-cookie"));
        answers.insert(answer.text);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Told to the log alone, beside the answer.
    comes_to(service, head + 3).await;
    for (person, why) in
        [(&anna, "a wrong password"), (&ben, "the person has no password"), (&chloe, "the person is deactivated")]
    {
        let said = audit(service, person).await;
        assert_eq!(said.last(), Some(&("sign_in_failed".to_owned(), why.to_owned())));
    }
}

#[tokio::test]
async fn a_browser_gets_a_cookie_and_no_token() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let answer = post(service, "", "/v1/sign-in", json!({"email": email, "password": PASSWORD, "cookie": true})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json.get("token").is_none(), "{}", answer.text);
    let session = cookie(&answer, "__Host-rollbook").expect("a session");
    assert!(cookie(&answer, "__Host-rollbook-device").is_some());
    let me = service.request(reqwest::Method::GET, "", "/v1/me").header("cookie", format!("__Host-rollbook={session}"));
    let me = crate::harness::answer(me).await;
    assert_eq!((me.status, me.json["name"].as_str()), (200, Some("Anahera")), "{}", me.text);
}

#[tokio::test]
async fn what_is_no_sign_in_is_pointed_at_and_repeats_nothing() {
    let school = School::open().await;
    for (body, pointer) in [
        (json!({}), "/email"),
        (json!({"email": "a@example.org"}), "/password"),
        (json!({"email": "a@example.org", "password": PASSWORD, "remember": true}), "/remember"),
        (json!({"email": "a@example.org", "password": [PASSWORD]}), "/password"),
        (json!({"email": "a@example.org", "password": PASSWORD, "cookie": PASSWORD}), "/cookie"),
    ] {
        let answer = post(&school.service, "", "/v1/sign-in", body.clone()).await;
        assert_eq!(refused(&answer), (422, "invalid_fields"), "{body}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_site_settles_how_long_sessions_and_links_are_good_for_and_whether_passwords_let_in() {
    // Owners come in without passwords, too.
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await;
    scene.service.now(BEFORE);
    let school = School::of(scene.service, json!({})).await;
    let service = &school.service;
    let set = async |name: &str, value: serde_json::Value| {
        school.command("SetSiteSetting", json!({"setting": {"name": name, "value": value}})).await;
        service.items(&school.owner, "/v1/people").await;
    };
    set("session_hours", json!(3)).await;
    set("invitation_hours", json!(5)).await;
    let person = school.person("Anahera").await;
    let link = post(service, &school.owner, &format!("/v1/people/{person}/invitation"), json!({})).await;
    assert_eq!(link.json["expires_at"], "2026-02-01T05:00:00Z");
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let signed_in = signs_in(service, &email, PASSWORD).await;
    assert_eq!(signed_in.json["expires_at"], "2026-02-01T03:00:00Z", "{}", signed_in.text);
    set("password_sign_in", json!(false)).await;
    for email in [email.as_str(), "nobody@example.org"] {
        assert_eq!(refused(&signs_in(service, email, PASSWORD).await), (403, "password_sign_in_off"));
    }
    let session = signed_in.json["token"].as_str().expect("a token");
    assert_eq!(service.ask(session, "/v1/me").await.status, 401, "whoever came in by one is out");
    set("password_sign_in", json!(true)).await;
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn passwords_are_turned_off_by_owners_alone_and_only_where_owners_have_another_way_in() {
    let off = json!({"setting": {"name": "password_sign_in", "value": false}});
    let factors = json!({"setting": {"name": "second_factor", "value": "owners_and_admins"}});
    for (privileged, owner) in [(None, 409), (Some(false), 409), (Some(true), 200)] {
        let service = match privileged {
            None => Service::start(BEFORE).await,
            Some(may) => Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, may).await.service,
        };
        let school = School::of(service, json!({})).await;
        let service = &school.service;
        for setting in [&off, &factors] {
            let asked = service.send(&school.admin, "SetSiteSetting", setting.clone()).await;
            assert_eq!(refused(&asked), (403, "not_allowed"), "{setting}");
        }
        let asked = service.send(&school.owner, "SetSiteSetting", off.clone()).await;
        assert_eq!(asked.status, owner, "{privileged:?}: {}", asked.text);
        if owner == 409 {
            assert_eq!(refused(&asked).1, "no_other_way_in");
        }
        // Turned on they are by any owner, whatever there is besides.
        let on = json!({"setting": {"name": "password_sign_in", "value": true}});
        service.command(&school.owner, "SetSiteSetting", on).await;
    }
}

#[tokio::test]
async fn super_admins_have_their_passwords_where_they_have_no_other_way_in() {
    let hosting = Hosting { super_admins: vec!["owner@example.org"], ..Hosting::default() };
    let service = Service::hosting(Database::create().await, Clock::frozen(at(BEFORE)), hosting).await;
    let north = service.site("north").await;
    let school = School::of(service, json!({})).await;
    let service = &school.service;
    let me = service.get(&service.owner, "/v1/me").await["person_id"].as_str().expect("an id").to_owned();
    let ben = school.person("Ben").await;
    let session = lets_in(service, &ben).await;
    let email = email_of(service, &ben).await;
    // The link ends what there was before.
    let mine = accepts(service, &letter(service, &me).await, PASSWORD).await;
    let mine = mine.json["token"].as_str().expect("a token").to_owned();
    // As it was set while another system vouched for owners here, which the configuration names no more.
    let setting = Setting::PasswordSignIn { value: false };
    let (site, actor) = (SiteId::DEFAULT, Actor::Person(me.parse().expect("an id")));
    let command = SetSiteSetting { setting, site: None }.into();
    let request = Request { site, actor, command, command_id: None, if_match: None, correlation_id: None };
    service.executor.execute(request).await.expect("it is set");
    service.get(&mine, "/v1/site").await;

    assert_eq!(refused(&signs_in(service, &email, PASSWORD).await), (403, "password_sign_in_off"));
    assert_eq!(refused(&accepts(service, &letter(service, &ben).await, ANOTHER).await), (403, "password_sign_in_off"));
    assert_eq!(service.ask(&session, "/v1/me").await.status, 401);
    let signed_in = signs_in(service, "owner@example.org", PASSWORD).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let token = signed_in.json["token"].as_str().expect("a token");
    for site in [service, &north] {
        assert_eq!(site.ask(token, "/v1/people").await.status, 200);
    }
    let on = json!({"setting": {"name": "password_sign_in", "value": true}});
    service.command(token, "SetSiteSetting", on).await;
    service.get(token, "/v1/site").await;
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200);
}
