//! Every way in, against everything that ends some of them: one table. What a row ends lets nobody in from the next request on, and
//! what it leaves does; whoever adds a way in or an event adds a column or a row.

use reqwest::Method;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::{Actor, PersonId, Personal};
use rollbook_oidc::{Kind, Sites};
use rollbook_store::Request;
use serde_json::{Value, json};

use super::fake_provider::Key;
use super::oidc::Scene;
use super::second_factor::passkeys::{Authenticator, adds};
use super::second_factor::{App, removes, removes_all, sets_up, signs_in_with};
use super::{ANOTHER, PASSWORD, accepts, invited, letter, post, refused, signs_in};
use crate::harness::answer;

/// What happens, and whether each way in that was made before is ended by it.
const TABLE: &str = "
                              session token key link password identity device calendar factor
    address corrected           ends  ends ends ends   ends      ends   ends     ends      –
    own address corrected          –     –    – ends      –         –      –        –      –
    name corrected                 –     –    –    –      –         –      –        –      –
    deactivated and back        ends  ends ends ends      –      ends   ends     ends      –
    made admin                  ends  ends ends ends   ends      ends   ends     ends      –
    made owner                  ends  ends ends ends   ends      ends   ends     ends      –
    named by configuration      ends  ends ends ends   ends      ends   ends     ends      –
    role taken                     –     –    –    –      –         –      –        –      –
    access ended                ends  ends ends ends   ends      ends   ends     ends      –
    password changed            ends  ends ends ends   ends         –      –     ends      –
    password reset              ends  ends ends ends   ends      ends   ends     ends      –
    signed out everywhere       ends  ends ends ends      –         –      –     ends      –
    another passkey                –     –    –    –      –         –      –        –      –
    own factor removed             –     –    –    –      –         –      –        –    ends
    factors removed             ends  ends ends ends      –      ends   ends     ends    ends
    passwords turned off        ends     –    – ends   ends         –      –        –      –
";

/// The last is no way in: whether something is asked for besides.
const WAYS: [&str; 9] = ["session", "token", "key", "link", "password", "identity", "device", "calendar", "factor"];

/// Somebody with every way in.
struct Everything {
    person: String,
    email: String,
    session: String,
    /// Another session of theirs, which they act by.
    acting: String,
    token: String,
    key: String,
    link: String,
    device: String,
    calendar: String,
    /// Another system's word, whose subject is linked, and who has another address there by now.
    word: String,
    /// What they show besides.
    app: App,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

async fn with_everything(scene: &Scene, nth: usize, before: &[&str]) -> Everything {
    let service = &scene.service;
    let email = format!("somebody{nth}@example.org");
    let registered = json!({"name": "Somebody", "email": email});
    let person = service.create(&service.owner, "RegisterPerson", registered).await;
    for role in before {
        let granted = json!({"person_id": person, "role": role});
        service.command(&service.owner, "GrantRole", granted).await;
    }
    let first = accepts(service, &invited(service, &person).await, PASSWORD).await;
    let device = super::cookie(&first, "__Host-rollbook-device").expect("a device");
    let acting = text(&first.json, "token");
    let (app, codes) = sets_up(service, &acting).await;
    let session = signs_in_with(service, &email, &codes[0]).await;
    let token = service.token(&person).await;
    let proof = json!({"password": PASSWORD});
    let key = json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD});
    let key = text(&post(service, &acting, "/v1/me/api-keys", key).await.json, "key");
    let calendar = post(service, &acting, "/v1/me/calendar-link", proof).await;
    let calendar = text(&calendar.json, "path");
    scene.later(2);
    let says = |email: &str| {
        scene.fake.token(scene.now(), &json!({"sub": person, "email": email, "email_verified": true, "amr": ["mfa"]}))
    };
    if before.is_empty() {
        assert_eq!(service.ask(&says(&email), "/v1/me").await.status, 200, "linked");
    } else {
        assert_eq!(scene.links(&acting, &acting, &person).await.status, 303, "linked by hand");
    }
    let word = says(&format!("stranger{nth}@elsewhere.example"));
    let link = letter(service, &person).await;
    Everything { person, email, session, acting, token, key, link, device, calendar, word, app }
}

/// Whether a way in lets somebody in. Using a link is the last thing that is asked of it.
async fn lets_in(scene: &Scene, who: &Everything, way: &str) -> bool {
    let service = &scene.service;
    let asks = async |token: &str| match service.ask(token, "/v1/me").await.status {
        200 => true,
        401 | 403 => false,
        other => panic!("{way}: {other}"),
    };
    match way {
        "session" => asks(&who.session).await,
        "token" => asks(&who.token).await,
        "key" => asks(&who.key).await,
        "identity" => asks(&who.word).await,
        "calendar" => service.ask("", &who.calendar).await.status == 200,
        "password" => {
            let id = PersonId(who.person.parse().expect("an id"));
            let state = service.executor.store().person(service.site, id).await.expect("a person").state;
            let email = state.email.as_ref().expect("an address").as_str().to_owned();
            // What is asked for besides is another column's.
            matches!(signs_in(service, &email, PASSWORD).await.status, 200 | 202)
        }
        "device" => {
            let id = PersonId(who.person.parse().expect("an id"));
            let store = service.executor.store();
            let state = store.person(service.site, id).await.expect("a person").state;
            let email = state.email.as_ref().expect("an address").as_str().to_owned();
            let device = who.device.as_str().into();
            let found = store.candidate(service.site, &email, Some(&device), service.clock.now()).await;
            found.expect("a look-up").expect("somebody").device_epoch == Some(state.epochs.access)
        }
        "factor" => {
            let id = PersonId(who.person.parse().expect("an id"));
            let store = service.executor.store();
            let known = store.person(service.site, id).await.expect("a person").state.second_factors.clone();
            let kept = store.second_factors(service.site, id, &known).await.expect("a look-up");
            assert_eq!(kept.len(), known.len(), "the rows are those of the log");
            !kept.is_empty() && store.recovery_codes_left(service.site, id).await.expect("a count") > 0
        }
        "link" => {
            let used = accepts(service, &who.link, ANOTHER).await;
            assert!(matches!(used.status, 200 | 202 | 403 | 409), "{}", used.text);
            matches!(used.status, 200 | 202)
        }
        _ => panic!("no such way: {way}"),
    }
}

async fn happens(scene: &Scene, who: &Everything, event: &str) {
    let (service, person) = (&scene.service, json!(who.person));
    let owner = async |command: &str, body: Value| service.command(&service.owner, command, body).await;
    match event {
        "address corrected" => {
            let corrected = json!({"person_id": person, "email": format!("right.{}", who.email)});
            owner("CorrectPerson", corrected).await;
        }
        "own address corrected" => {
            let own = json!({"email": format!("own.{}", who.email), "password": PASSWORD});
            assert_eq!(post(service, &who.acting, "/v1/me/email", own).await.status, 204);
        }
        "name corrected" => drop(owner("CorrectPerson", json!({"person_id": person, "name": "Somebody Else"})).await),
        "deactivated and back" => {
            owner("DeactivatePerson", json!({"person_id": person, "reason": "a stolen laptop"})).await;
            owner("ReactivatePerson", json!({"person_id": person})).await;
        }
        "made admin" => drop(owner("GrantRole", json!({"person_id": person, "role": "admin"})).await),
        "made owner" => drop(owner("GrantRole", json!({"person_id": person, "role": "owner"})).await),
        "role taken" => drop(owner("RevokeRole", json!({"person_id": person, "role": "admin"})).await),
        "access ended" => drop(owner("EndAccess", json!({"person_id": person})).await),
        "named by configuration" => {
            let named = BootstrapOwner {
                person_id: PersonId(uuid::Uuid::new_v4()),
                name: Personal::new("Boss".to_owned().try_into().expect("a name")),
                email: Personal::new(who.email.clone().try_into().expect("an address")),
            };
            let (site, command) = (service.site, named.into());
            let request =
                Request { site, actor: Actor::System, command, command_id: None, if_match: None, correlation_id: None };
            service.executor.execute(request).await.expect("it is made so");
        }
        "password changed" => {
            let body = json!({"current": PASSWORD, "new": ANOTHER});
            assert_eq!(post(service, &who.acting, "/v1/me/password", body).await.status, 204);
            assert_eq!(service.ask(&who.acting, "/v1/me").await.status, 200, "whoever changes it stays");
        }
        "password reset" => {
            // The link of the table is another one: it is replaced by this.
            let reset = letter(service, &who.person).await;
            assert_eq!(accepts(service, &reset, ANOTHER).await.status, 202, "the second factor stays");
        }
        "another passkey" => {
            let authenticator = Authenticator::new("http://localhost", "localhost");
            adds(service, &who.acting, "Telephone", &authenticator).await;
        }
        "own factor removed" => {
            let proof = json!({"password": PASSWORD});
            assert_eq!(removes(service, &who.acting, &who.app.factor_id, proof).await.status, 204);
        }
        "factors removed" => {
            assert_eq!(removes_all(service, &service.owner, &who.person).await.status, 204);
        }
        "signed out everywhere" => {
            let done = answer(service.request(Method::POST, &who.acting, "/v1/sign-out-everywhere")).await;
            assert_eq!(done.status, 204);
        }
        "passwords turned off" => {
            let setting = json!({"setting": {"name": "password_sign_in", "value": false}});
            owner("SetSiteSetting", setting).await;
            service.get(&service.owner, "/v1/site").await;
        }
        _ => panic!("no such event: {event}"),
    }
}

#[tokio::test]
async fn what_ends_a_way_in_ends_it_and_leaves_the_others() {
    // Privileged, so that admins come in by it, too.
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await;
    let rows = TABLE.lines().map(str::trim_end).filter(|line| !line.is_empty()).skip(1);
    for (nth, row) in rows.enumerate() {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (event, expected) = words.split_at(words.len() - WAYS.len());
        let event = event.join(" ");
        let before: &[&str] = if matches!(&*event, "own address corrected" | "role taken") { &["admin"] } else { &[] };
        let who = with_everything(&scene, nth, before).await;
        for way in WAYS.iter().filter(|way| **way != "link") {
            assert!(lets_in(&scene, &who, way).await, "{way} lets in before: {event}");
        }
        happens(&scene, &who, &event).await;
        // The password first: signing in by it changes nothing of the rest; the link last.
        let mut ways: Vec<_> = WAYS.iter().zip(expected).collect();
        ways.sort_by_key(|(way, _)| **way == "link");
        for (way, expected) in ways {
            let still = lets_in(&scene, &who, way).await;
            assert_eq!(still, *expected == "–", "{way}, after: {event}");
        }
    }
}

#[tokio::test]
async fn nobody_is_shown_a_link_for_somebody_who_can_sign_in() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let who = with_everything(&scene, 0, &[]).await;
    let path = format!("/v1/people/{}/invitation", who.person);
    let asked = post(service, &service.owner, &path, json!({})).await;
    assert_eq!(refused(&asked), (409, "link_is_mailed"));
    let mailed = post(service, &service.owner, &path, json!({"send": true})).await;
    assert_eq!((mailed.status, &mailed.json["link"]), (200, &Value::Null));
    service.command(&service.owner, "EndAccess", json!({"person_id": who.person})).await;
    let asked = post(service, &service.owner, &path, json!({})).await;
    assert_eq!(
        refused(&asked),
        (409, "link_is_mailed"),
        "who has been in once is shown no link of, whatever has ended"
    );
}

#[tokio::test]
async fn where_passwords_are_off_no_door_opens_by_one() {
    let scene = Scene::trusting(Kind::Oidc, Key::elliptic("key 1"), Sites::Every, true).await;
    let service = &scene.service;
    let who = with_everything(&scene, 0, &[]).await;
    let email = ClaimKey::email(&who.email);
    assert!(service.executor.store().owner(service.site, email).await.expect("a look-up").is_some());
    happens(&scene, &who, "passwords turned off").await;
    let off = (403, "password_sign_in_off");
    let change = json!({"current": PASSWORD, "new": ANOTHER});
    for (token, path, body) in [
        ("", "/v1/sign-in", json!({"email": who.email, "password": PASSWORD})),
        ("", "/v1/password-resets", json!({"email": who.email})),
        ("", "/v1/invitations/accept", json!({"secret": who.link, "password": ANOTHER})),
        (&*who.token, "/v1/me/password", change),
        (&*service.owner, &*format!("/v1/people/{}/invitation", who.person), json!({"send": true})),
    ] {
        assert_eq!(refused(&post(service, token, path, body).await), off, "{path}");
    }
    let asked: i64 = sqlx::query_scalar("select count(*) from password_reset_requests")
        .fetch_one(&service.database.pool)
        .await
        .expect("a count");
    assert_eq!(asked, 0, "no letter is written");
}

#[tokio::test]
async fn admins_see_and_end_the_ways_in_of_those_below_them() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let who = with_everything(&scene, 0, &[]).await;
    let admin = json!({"name": "Admin", "email": "admin@example.org"});
    let admin = service.create(&service.owner, "RegisterPerson", admin).await;
    service.command(&service.owner, "GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    let admin = service.token(&admin).await;
    let access = async |token: &str, person: &str| service.ask(token, &format!("/v1/people/{person}/access")).await;
    let theirs = access(&admin, &who.person).await.json;
    let count = |access: &Value, of: &str| access[of].as_array().map(Vec::len);
    assert_eq!((&theirs["password"], &theirs["calendar_link"]), (&json!(true), &json!(true)), "{theirs}");
    assert_eq!(["sessions", "api_keys", "identities"].map(|of| count(&theirs, of)), [Some(3), Some(1), Some(1)]);
    assert!(!theirs.to_string().contains(&who.person), "another system's name for them is nobody's here: {theirs}");
    assert_eq!(access(&who.session, &who.person).await.status, 403);
    assert_eq!(access(&admin, &uuid::Uuid::new_v4().to_string()).await.status, 404);

    let end = async |token: &str, person: &str, what: &str, id: &str| {
        answer(service.request(Method::DELETE, token, &format!("/v1/people/{person}/{what}/{id}"))).await
    };
    for (what, of, id) in [
        ("sessions", "sessions", "session_id"),
        ("api-keys", "api_keys", "key_id"),
        ("identities", "identities", "identity_id"),
    ] {
        for item in theirs[of].as_array().expect("items") {
            let id = text(item, id);
            assert_eq!(end(&admin, &who.person, what, &id).await.status, 204, "{item}");
            assert_eq!(refused(&end(&admin, &who.person, what, &id).await), (404, "not_found"), "{item}");
        }
    }
    for way in ["session", "token", "key", "identity"] {
        assert!(!lets_in(&scene, &who, way).await, "{way}");
    }
    let audit = super::audit(service, &who.person).await;
    for (action, count) in [("signed_out", 3), ("api_key_revoked", 1), ("identity_unlinked", 1)] {
        assert_eq!(audit.iter().filter(|(said, _)| said == action).count(), count, "{action}: {audit:?}");
    }

    let owner = text(&service.get(&service.owner, "/v1/me").await, "person_id");
    let session = text(&access(&admin, &owner).await.json["sessions"][0], "session_id");
    assert_eq!(refused(&end(&admin, &owner, "sessions", &session).await), (409, "owners_account"));
    assert_eq!(service.ask(&service.owner, "/v1/me").await.status, 200);
    assert_eq!(end(&service.owner, &owner, "sessions", &session).await.status, 204);
    assert_eq!(service.ask(&service.owner, "/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_person_has_another_system_vouch_for_them_no_more() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let who = with_everything(&scene, 0, &[]).await;
    let own = service.get(&who.session, "/v1/me/identities").await;
    let id = text(&own["items"][0], "identity_id");
    let path = format!("/v1/me/identities/{id}");
    let unlink = || service.request(Method::DELETE, &who.session, &path).json(&json!({"password": PASSWORD}));
    assert_eq!(answer(unlink()).await.status, 204);
    assert!(!lets_in(&scene, &who, "identity").await);
    assert_eq!(refused(&answer(unlink()).await), (404, "not_found"));
}
