//! Who must have a second factor: owners and admins where their school says so, and super admins where the installation does. Whoever
//! has none sets one up before anything else.

use reqwest::Method;
use rollbook_domain::PersonId;
use rollbook_oidc::{Kind, Sites};
use rollbook_store::Clock;
use rollbook_store::transaction::begin;
use serde_json::{Value, json};

use super::{begins, own, removes, sets_up, text};
use crate::accounts::fake_provider::Key;
use crate::accounts::oidc::Scene;
use crate::accounts::{PASSWORD, accepts, cookie, email_of, lets_in, letter, post, refused, signs_in};
use crate::harness::{Database, Hosting, Service, answer, at};
use crate::school::School;

const REQUIRED: (u16, &str) = (403, "second_factor_required");

async fn require(service: &Service, token: &str, value: &str) {
    let setting = json!({"setting": {"name": "second_factor", "value": value}});
    service.command(token, "SetSiteSetting", setting).await;
    // The read models have it.
    service.get(&service.owner, "/v1/site").await;
}

async fn admin(service: &Service, name: &str) -> String {
    let body = json!({"name": name, "email": format!("{}@example.org", name.to_lowercase())});
    let person = service.create(&service.owner, "RegisterPerson", body).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": person, "role": "admin"})).await;
    person
}

#[tokio::test]
async fn an_admin_without_one_sets_one_up_before_anything_else() {
    let school = School::open().await;
    let service = &school.service;
    let person = admin(service, "Hemi").await;
    let before = lets_in(service, &person).await;
    let key = json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD});
    let key = text(&post(service, &before, "/v1/me/api-keys", key.clone()).await.json["key"]);
    let student = lets_in(service, &school.person("Ben").await).await;
    let calendar = async |token: &str| {
        let issued = post(service, token, "/v1/me/calendar-link", json!({"password": PASSWORD})).await;
        text(&issued.json["path"])
    };
    let (address, students) = (calendar(&before).await, calendar(&student).await);
    assert_eq!(service.ask("", &address).await.status, 200);
    require(service, &school.owner, "owners_and_admins").await;
    assert_eq!(service.get(&school.owner, "/v1/site").await["settings"]["second_factor"], "owners_and_admins");
    let email = email_of(service, &person).await;
    let session = text(&signs_in(service, &email, PASSWORD).await.json["token"]);
    for token in [&before, &session] {
        for (method, path, body) in [
            (Method::GET, "/v1/me", json!(null)),
            (Method::GET, "/v1/people", json!(null)),
            (Method::GET, "/v1/events", json!(null)),
            (Method::POST, "/v1/commands/FoundHub", json!({"name": "x"})),
            (Method::POST, "/v1/me/api-keys", json!({})),
            (Method::POST, "/v1/me/password", json!({"current": PASSWORD, "new": "another of ten"})),
            (Method::POST, "/v1/me/calendar-link", json!(null)),
            (Method::POST, "/v1/sign-out-everywhere", json!(null)),
        ] {
            let asked = answer(service.request(method, token, path).json(&body)).await;
            assert_eq!(refused(&asked), REQUIRED, "{path}: {}", asked.text);
        }
    }
    let asked = service.ask(&key, "/v1/people").await;
    assert_eq!(refused(&asked), REQUIRED, "nor does a key that was made without");
    assert_eq!(refused(&service.ask("", &address).await), REQUIRED, "nor their calendar's address");
    assert_eq!(service.ask(&student, "/v1/me").await.status, 200, "others need none");
    assert_eq!(service.ask("", &students).await.status, 200, "nor do their addresses");

    assert_eq!(own(service, &session).await["required"], true);
    let (app, _) = sets_up(service, &session).await;
    assert_eq!(service.ask(&session, "/v1/people").await.status, 200, "from then on all is well");
    assert_eq!(refused(&service.ask(&before, "/v1/people").await), REQUIRED, "another session has shown nothing");
    assert_eq!(refused(&begins(service, &before).await), REQUIRED, "and adds nothing either");
    let made = json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD});
    let made = text(&post(service, &session, "/v1/me/api-keys", made).await.json["key"]);
    assert_eq!(service.ask(&made, "/v1/people").await.status, 200, "a key that was made with it");
    assert_eq!(refused(&service.ask(&key, "/v1/people").await), REQUIRED);
    assert_eq!(refused(&service.ask("", &address).await), REQUIRED, "an address that was made without");
    let address = calendar(&session).await;
    assert_eq!(service.ask("", &address).await.status, 200, "and one that was made with it");

    // Whoever takes their own away is where they were; and so is the key.
    assert_eq!(removes(service, &session, &app.factor_id, json!({"password": PASSWORD})).await.status, 204);
    assert_eq!(refused(&service.ask(&session, "/v1/people").await), REQUIRED);
    assert_eq!(refused(&service.ask(&made, "/v1/people").await), REQUIRED);
    assert_eq!(refused(&service.ask("", &address).await), REQUIRED);
    assert_eq!(own(service, &session).await["required"], true);
    require(service, &school.owner, "optional").await;
    assert_eq!(service.ask(&session, "/v1/people").await.status, 200);
}

#[tokio::test]
async fn what_was_settled_holds_at_once_however_far_behind_the_read_models_are() {
    // Passwords are turned off where another system lets owners in.
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await;
    let (service, pool) = (&scene.service, &scene.service.database.pool);
    let session = lets_in(service, &admin(service, "Hemi").await).await;
    assert_eq!(service.ask(&session, "/v1/me/sessions").await.status, 200);
    // What is asked here waits for no read model. The one does not go on for as long as somebody else has its table.
    let mut held = begin(pool).await.expect("a transaction");
    sqlx::query("lock table site_settings in exclusive mode").execute(&mut *held).await.expect("the lock");
    let set = async |name: &str, value: Value| {
        let setting = json!({"setting": {"name": name, "value": value}});
        service.command(&service.owner, "SetSiteSetting", setting).await;
    };
    set("second_factor", json!("owners_and_admins")).await;
    assert_eq!(refused(&service.ask(&session, "/v1/me/sessions").await), REQUIRED);
    set("second_factor", json!("optional")).await;
    assert_eq!(service.ask(&session, "/v1/me/sessions").await.status, 200);
    set("password_sign_in", json!(false)).await;
    assert_eq!(
        refused(&service.ask(&session, "/v1/me/sessions").await),
        (401, "unauthenticated"),
        "it was begun with one"
    );
    let again = signs_in(service, "hemi@example.org", PASSWORD).await;
    assert_eq!(refused(&again), (403, "password_sign_in_off"));
    held.rollback().await.expect("the lock is released");
}

#[tokio::test]
async fn what_the_command_line_prints_is_the_installations_word() {
    let school = School::open().await;
    let service = &school.service;
    require(service, &school.owner, "owners_and_admins").await;
    assert_eq!(service.ask(&school.owner, "/v1/people").await.status, 200);
    assert_eq!(own(service, &school.owner).await["required"], true);
}

#[tokio::test]
async fn an_open_stream_ends_when_a_second_factor_is_missing() {
    let school = School::open().await;
    let service = &school.service;
    let session = lets_in(service, &admin(service, "Hemi").await).await;
    let mut open = crate::analysts::subscriptions::Subscription::open(service, &session, "", None).await;
    require(service, &school.owner, "owners_and_admins").await;
    open.end().await;
    assert_eq!(refused(&service.ask(&session, "/v1/events").await), REQUIRED);
}

async fn of_super_admins(required: bool) -> Service {
    let hosting =
        Hosting { super_admins: vec!["owner@example.org"], super_admin_second_factor: required, ..Hosting::default() };
    Service::hosting(Database::create().await, Clock::frozen(at("2026-02-01T00:00:00Z")), hosting).await
}

#[tokio::test]
async fn the_installation_requires_one_of_super_admins_wherever_they_are() {
    for required in [false, true] {
        let service = of_super_admins(required).await;
        let north = service.site("north").await;
        let owner = text(&service.get(&service.owner, "/v1/me").await["person_id"]);
        // Whoever sets a password by a link ends the token that everything else here is done by.
        let plain = lets_in(&service, &admin(&service, "Hemi").await).await;
        let session = lets_in(&service, &owner).await;
        assert_eq!(service.ask(&plain, "/v1/people").await.status, 200, "of nobody else");
        for at in [&service, &north] {
            let asked = at.ask(&session, "/v1/people").await;
            assert_eq!(asked.status, if required { 403 } else { 200 }, "{}", asked.text);
        }
        sets_up(&service, &session).await;
        for at in [&service, &north] {
            assert_eq!(at.ask(&session, "/v1/people").await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_guest_has_what_the_school_requires_of_its_owners() {
    let service = of_super_admins(false).await;
    let north = service.site("north").await;
    let owner = text(&service.get(&service.owner, "/v1/me").await["person_id"]);
    let session = lets_in(&service, &owner).await;
    require(&north, &north.owner, "owners_and_admins").await;
    assert_eq!(service.ask(&session, "/v1/people").await.status, 200, "at home it is optional");
    assert_eq!(refused(&north.ask(&session, "/v1/people").await), REQUIRED);
    sets_up(&service, &session).await;
    assert_eq!(north.ask(&session, "/v1/people").await.status, 200);
}

/// Signs in by the other system, as a browser does.
async fn comes_back(scene: &Scene, amr: &Value) -> (u16, Option<String>) {
    scene.says(json!({"amr": amr}));
    let back = scene.signs_in().await;
    (back.status, cookie(&back, "__Host-rollbook"))
}

#[tokio::test]
async fn another_systems_word_is_a_second_factor_only_if_it_says_so() {
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await;
    let service = &scene.service;
    let (status, session) = comes_back(&scene, &json!(["pwd"])).await;
    let session = session.expect("a session");
    assert_eq!((status, service.ask(&session, "/v1/me").await.status), (303, 200), "nothing is asked for yet");
    let secret = letter(service, &scene.anna).await;
    let own = text(&accepts(service, &secret, PASSWORD).await.json["token"]);
    let (_, codes) = sets_up(service, &own).await;
    let (status, none) = comes_back(&scene, &json!(["pwd"])).await;
    assert_eq!((status, none), (303, None), "sent on to show a second factor");
    let (_, trusted) = comes_back(&scene, &json!(["pwd", "mfa"])).await;
    let trusted = trusted.expect("a session");
    assert_eq!(service.ask(&trusted, "/v1/me").await.status, 200, "it has asked for one itself");

    scene.later(2);
    let word = |amr: Value| scene.fake.token(scene.now(), &json!({"amr": amr}));
    assert_eq!(refused(&service.ask(&word(json!(["pwd"])), "/v1/me").await), REQUIRED, "its tokens, too");
    assert_eq!(refused(&service.ask(&word(json!("mfa")), "/v1/me").await), REQUIRED, "no list");
    assert_eq!(service.ask(&word(json!(["mfa"])), "/v1/me").await.status, 200);
    assert_eq!(codes.len(), 10);
    let id: PersonId = scene.anna.parse().expect("an id");
    assert!(service.executor.store().person(service.site, id).await.expect("a person").state.has_second_factor());
}
