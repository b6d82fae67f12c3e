//! Codes of an app: set up with a code, asked for after the password, used once; and the recovery codes that stand for them.

use futures::future::join_all;
use reqwest::Method;
use rollbook_store::Clock;
use rollbook_store::keys::Keys;
use serde_json::{Value, json};

use super::{App, begins, confirms, half, own, removes, sets_up, shows, signs_in_with, somebody, text};
use crate::accounts::{
    ANOTHER, PASSWORD, accepts, audit, comes_to, cookie, email_of, lets_in, letter, post, refused, signs_in,
};
use crate::harness::{Database, Hosting, Service, answer, at};
use crate::school::School;

#[tokio::test]
async fn an_app_is_set_up_by_its_first_code_and_asked_for_after_the_password() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let session = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let begun = begins(service, &session).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let secret = text(&begun.json["secret"]);
    assert_eq!(secret.len(), 32, "160 bits");
    let uri = text(&begun.json["uri"]);
    let account = email.replace('@', "%40");
    assert!(uri.starts_with(&format!("otpauth://totp/Rollbook:{account}?secret={secret}&")), "{uri}");
    for part in ["issuer=Rollbook", "algorithm=SHA1", "digits=6", "period=30"] {
        assert!(uri.contains(part), "{part}: {uri}");
    }
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200, "nothing is asked for before the first code");
    let app = App::of(&begun.json);
    let wrong = confirms(service, &session, &app, &app.wrong(service)).await;
    assert_eq!(refused(&wrong), (403, "wrong_second_factor"));
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200, "nor by a wrong one");
    let done = confirms(service, &session, &app, &app.code(service, 0)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json["recovery_codes"].as_array().map(Vec::len), Some(10));

    let asked = signs_in(service, &email, PASSWORD).await;
    assert_eq!((asked.status, asked.json.get("token")), (202, None), "{}", asked.text);
    assert_eq!(asked.json["kinds"], json!(["totp", "recovery_code"]));
    let half = text(&asked.json["half"]);
    for path in ["/v1/me", "/v1/me/second-factors", "/v1/cohorts"] {
        assert_eq!(service.ask(&half, path).await.status, 401, "half a sign-in is no token: {path}");
    }
    let again = shows(service, &half, &app.code(service, 0)).await;
    assert_eq!(refused(&again), (401, "second_factor_refused"), "the code was used to set it up");
    service.now("2026-02-01T00:00:30Z");
    let in_now = shows(service, &half, &app.code(service, 0)).await;
    assert_eq!(in_now.status, 200, "{}", in_now.text);
    let token = text(&in_now.json["token"]);
    assert_eq!(service.get(&token, "/v1/me").await["name"], "Anahera");
    let listed = own(service, &token).await;
    assert_eq!((&listed["items"][0]["kind"], &listed["recovery_codes_left"]), (&json!("totp"), &json!(10)));
    assert_eq!(listed["items"][0]["last_used_at"], "2026-02-01T00:00:30Z");
    let said = audit(service, &person).await;
    assert!(said.contains(&("second_factor_added".to_owned(), "an app with codes".to_owned())), "{said:?}");
    assert_eq!(said.last(), Some(&("signed_in".to_owned(), "by a password and a code".to_owned())));
}

#[tokio::test]
async fn a_code_is_good_for_a_step_either_side_and_is_used_once() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    service.now("2026-02-01T01:00:00Z");
    for (steps, expected) in [(-2, 401), (2, 401), (-1, 200), (-1, 401), (1, 200), (0, 401), (1, 401)] {
        let half = half(service, &who.email).await;
        let shown = shows(service, &half, &who.app.code(service, steps)).await;
        assert_eq!(shown.status, expected, "{steps}: {}", shown.text);
    }
}

#[tokio::test]
async fn of_two_at_once_one_uses_a_code() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    for minute in 1..=3 {
        service.now(&format!("2026-02-01T00:0{minute}:00Z"));
        let halves = [half(service, &who.email).await, half(service, &who.email).await];
        let code = who.app.code(service, 0);
        let shown = join_all(halves.iter().map(|half| shows(service, half, &code))).await;
        let mut statuses: Vec<_> = shown.iter().map(|shown| shown.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "one code, two sign-ins");
    }
    // And one half sign-in is used once, whatever is shown.
    let one = half(service, &who.email).await;
    let shown = join_all(who.codes.iter().take(3).map(|code| shows(service, &one, code))).await;
    assert_eq!(shown.iter().filter(|shown| shown.status == 200).count(), 1, "one sign-in, three codes");
}

#[tokio::test]
async fn half_a_sign_in_is_short_bound_and_for_a_few_tries() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let gone = (401, "half_sign_in_gone");
    let tired = half(service, &who.email).await;
    for _ in 0..5 {
        assert_eq!(refused(&shows(service, &tired, &who.app.wrong(service)).await), (401, "second_factor_refused"));
    }
    assert_eq!(refused(&shows(service, &tired, &who.app.code(service, 0)).await), gone, "after five");
    let late = half(service, &who.email).await;
    service.now("2026-02-01T00:10:00Z");
    assert_eq!(refused(&shows(service, &late, &who.app.code(service, 0)).await), gone, "after ten minutes");
    assert_eq!(refused(&shows(service, "made up", &who.app.code(service, 0)).await), gone);

    let before = half(service, &who.email).await;
    let secret = letter(service, &who.person).await;
    let reset = accepts(service, &secret, ANOTHER).await;
    assert_eq!(reset.status, 202, "a reset takes no second factor away: {}", reset.text);
    assert_eq!(refused(&shows(service, &before, &who.app.code(service, 0)).await), gone, "of the password before");
    let shown = shows(service, &text(&reset.json["half"]), &who.app.code(service, 0)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);

    service.now("2026-02-01T00:20:00Z");
    let begun = signs_in(service, &who.email, ANOTHER).await;
    let deactivate = json!({"person_id": who.person, "reason": "a stolen laptop"});
    school.command("DeactivatePerson", deactivate).await;
    let half = text(&begun.json["half"]);
    assert_eq!(refused(&shows(service, &half, &who.app.code(service, 0)).await), gone);
    school.command("ReactivatePerson", json!({"person_id": who.person})).await;
    assert_eq!(refused(&shows(service, &half, &who.app.code(service, 0)).await), gone, "of the epoch before");
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_and_new_ones_take_the_place_of_the_old() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let spoken = who.codes[0].to_lowercase().replace('-', " ");
    let token = signs_in_with(service, &who.email, &spoken).await;
    assert_eq!(own(service, &token).await["recovery_codes_left"], 9);
    let half_again = half(service, &who.email).await;
    assert_eq!(refused(&shows(service, &half_again, &who.codes[0]).await), (401, "second_factor_refused"));
    assert_eq!(audit(service, &who.person).await.iter().filter(|(_, why)| why.contains("recovery code")).count(), 1);

    let path = "/v1/me/recovery-codes";
    assert_eq!(refused(&post(service, &token, path, json!({})).await), (403, "proof_required"));
    let anew = post(service, &token, path, json!({"password": PASSWORD})).await;
    assert_eq!(anew.status, 200, "{}", anew.text);
    let anew: Vec<String> = anew.json["recovery_codes"].as_array().expect("codes").iter().map(text).collect();
    assert_eq!((anew.len(), anew.contains(&who.codes[1])), (10, false));
    assert_eq!(shows(service, &half_again, &who.codes[1]).await.status, 401, "of those before");
    signs_in_with(service, &who.email, &anew[9]).await;

    let nobody = lets_in(service, &school.person("Ben").await).await;
    let refused_to = post(service, &nobody, path, json!({"password": PASSWORD})).await;
    assert_eq!(refused(&refused_to), (409, "no_second_factor"), "nothing to recover");
}

#[tokio::test]
async fn whoever_changes_their_second_factors_shows_who_they_are() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let session = lets_in(service, &person).await;
    let path = "/v1/me/second-factors/totp";
    for (body, expected) in [
        (json!({}), (403, "proof_required")),
        (json!({"password": ANOTHER}), (403, "wrong_password")),
        (json!({"code": "000000"}), (403, "wrong_second_factor")),
    ] {
        assert_eq!(refused(&post(service, &session, path, body.clone()).await), expected, "{body}");
    }
    let (app, codes) = sets_up(service, &session).await;
    service.now("2026-02-01T00:05:00Z");
    for proof in [json!({}), json!({"password": ANOTHER}), json!({"code": app.wrong(service)})] {
        assert_eq!(post(service, &session, path, proof.clone()).await.status, 403, "{proof}");
        assert_eq!(removes(service, &session, &app.factor_id, proof).await.status, 403);
    }
    let other = uuid::Uuid::new_v4().to_string();
    let nothing = removes(service, &session, &other, json!({"password": PASSWORD})).await;
    assert_eq!(refused(&nothing), (404, "not_found"));

    // A new app takes the place of the one before, which is shown by a code of it.
    let begun = post(service, &session, path, json!({"code": app.code(service, 0), "name": "New phone"})).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let anew = App::of(&begun.json);
    let done = confirms(service, &session, &anew, &anew.code(service, -1)).await;
    assert_eq!((done.status, &done.json["recovery_codes"]), (200, &Value::Null), "those before stay: {}", done.text);
    let listed = own(service, &session).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed["items"][0]["name"], "New phone");
    let email = email_of(service, &person).await;
    let half = half(service, &email).await;
    assert_eq!(shows(service, &half, &app.code(service, 1)).await.status, 401, "the app before");
    assert_eq!(shows(service, &half, &anew.code(service, 0)).await.status, 200);

    assert_eq!(removes(service, &session, &anew.factor_id, json!({"code": codes[0]})).await.status, 204);
    assert_eq!(own(service, &session).await, json!({"items": [], "recovery_codes_left": 0, "required": false}));
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200);
    let said = audit(service, &person).await;
    let said: Vec<_> = said.iter().filter(|(action, _)| action.starts_with("second_factor")).collect();
    assert_eq!(said.len(), 4, "added, removed, added, removed: {said:?}");
}

#[tokio::test]
async fn a_session_that_has_shown_nothing_is_none_once_there_is_a_second_factor() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let first = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let setting_up = text(&signs_in(service, &email, PASSWORD).await.json["token"]);
    let key = json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD});
    let key = text(&post(service, &first, "/v1/me/api-keys", key).await.json["key"]);
    sets_up(service, &setting_up).await;
    assert_eq!(service.ask(&setting_up, "/v1/me").await.status, 200);
    for (method, path) in [
        (Method::GET, "/v1/me"),
        (Method::GET, "/v1/me/second-factors"),
        (Method::POST, "/v1/me/second-factors/totp"),
        (Method::POST, "/v1/me/api-keys"),
        (Method::POST, "/v1/commands/DefineModule"),
    ] {
        let asked = service.request(method, &first, path).json(&json!({"password": PASSWORD}));
        assert_eq!(refused(&answer(asked).await), (403, "second_factor_required"), "{path}");
    }
    assert_eq!(service.ask(&key, "/v1/me").await.status, 200, "a key acts where its person need not have one");
    let out = answer(service.request(Method::POST, &first, "/v1/sign-out")).await;
    assert_eq!(out.status, 204, "it may end itself");
    assert_eq!(service.ask(&first, "/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_browser_has_half_a_sign_in_as_a_cookie() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let body = json!({"email": who.email, "password": PASSWORD, "cookie": true});
    let asked = post(service, "", "/v1/sign-in", body).await;
    assert_eq!((asked.status, asked.json.get("half")), (202, None), "{}", asked.text);
    let half = cookie(&asked, "__Host-rollbook-half").expect("a cookie");
    let body = json!({"code": who.app.code(service, 0), "cookie": true});
    let send = |headers: &[(&'static str, &'static str)]| {
        let request = service.request(Method::POST, "", "/v1/second-factor").json(&body);
        let request = request.header("cookie", format!("__Host-rollbook-half={half}"));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    assert_eq!(refused(&answer(send(&[("sec-fetch-site", "cross-site")])).await), (403, "cross_site"));
    let done = answer(send(&[("sec-fetch-site", "same-origin")])).await;
    assert_eq!((done.status, done.json.get("token")), (200, None), "{}", done.text);
    assert!(cookie(&done, "__Host-rollbook").is_some_and(|session| !session.is_empty()));
    assert_eq!(cookie(&done, "__Host-rollbook-half").as_deref(), Some(""), "it is taken away");
}

#[tokio::test]
async fn what_is_no_code_is_pointed_at_and_repeats_nothing() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let half = half(service, &who.email).await;
    for (body, pointer) in [
        (json!({"half": half}), ""),
        (json!({"half": half, "code": 123_456}), "/code"),
        (json!({"half": half, "code": "123456", "remember": true}), "/remember"),
    ] {
        let answer = post(service, "", "/v1/second-factor", body.clone()).await;
        assert_eq!(refused(&answer), (422, "invalid_fields"), "{body}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
        assert!(!answer.text.contains(&half), "{}", answer.text);
    }
    let long = shows(service, &half, &"9".repeat(100_000)).await;
    assert_eq!(refused(&long), (401, "second_factor_refused"));
    let nothing = post(service, "", "/v1/second-factor", json!({"code": "123456"})).await;
    assert_eq!(refused(&nothing), (401, "half_sign_in_gone"));
}

#[tokio::test]
async fn what_was_begun_is_gone_on_with_in_time_and_by_its_person() {
    let school = School::open().await;
    let service = &school.service;
    let (anna, ben) = (school.person("Anna").await, school.person("Ben").await);
    let (anna, ben) = (lets_in(service, &anna).await, lets_in(service, &ben).await);
    let app = App::of(&begins(service, &anna).await.json);
    let gone = (409, "set_up_gone");
    assert_eq!(refused(&confirms(service, &ben, &app, &app.code(service, 0)).await), gone, "another's");
    let later = App::of(&begins(service, &anna).await.json);
    service.now("2026-02-01T00:20:00Z");
    assert_eq!(refused(&confirms(service, &anna, &later, &later.code(service, 0)).await), gone, "too late");
    let app = App::of(&begins(service, &anna).await.json);
    let code = app.code(service, 0);
    let twice = join_all([confirms(service, &anna, &app, &code), confirms(service, &anna, &app, &code)]).await;
    let mut statuses: Vec<_> = twice.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1] >= 400), (200, true), "{statuses:?}");
}

#[tokio::test]
async fn a_wrong_code_is_in_the_log_as_other_failures_are() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let half = half(service, &who.email).await;
    let head = service.executor.store().head().await.expect("the head");
    shows(service, &half, &who.app.wrong(service)).await;
    comes_to(service, head + 1).await;
    let said = audit(service, &who.person).await;
    assert_eq!(said.last(), Some(&("sign_in_failed".to_owned(), "a wrong second factor".to_owned())));
}

/// What is kept of somebody's app.
async fn kept(service: &Service, app: &App) -> (Option<String>, Vec<u8>) {
    let sql = "select key_id, secret from second_factors where factor_id = $1::uuid";
    sqlx::query_as(sql).bind(&app.factor_id).fetch_one(&service.database.pool).await.expect("a row")
}

#[tokio::test]
async fn the_secret_rests_sealed_and_is_sealed_anew_under_a_new_key() {
    let key = |name: &str, letter: &str| format!("{name}:{}=", letter.repeat(43));
    let (old, new) = (key("old", "A"), key("new", "A"));
    let hosting = |keys: &str| Hosting { keys: Keys::try_new(&keys.into()).expect("keys"), ..Hosting::default() };
    let now = "2026-02-01T00:00:00Z";
    let service = Service::hosting(Database::create().await, Clock::frozen(at(now)), hosting(&old)).await;
    let person = service.create(&service.owner, "RegisterPerson", json!({"name": "A", "email": "a@example.org"})).await;
    let session = lets_in(&service, &person).await;
    let begun = begins(&service, &session).await;
    let (app, secret) = (App::of(&begun.json), text(&begun.json["secret"]));
    assert_eq!(confirms(&service, &session, &app, &app.code(&service, -1)).await.status, 200);
    let (key_id, sealed) = kept(&service, &app).await;
    assert_eq!(key_id.as_deref(), Some("old"));
    assert!(!String::from_utf8_lossy(&sealed).contains(&secret[..8]), "it can be read");

    let both = format!("{new},{old}");
    let service = Service::hosting(service.database.clone(), Clock::frozen(at(now)), hosting(&both)).await;
    signs_in_with(&service, "a@example.org", &app.code(&service, 0)).await;
    assert_eq!(kept(&service, &app).await.0.as_deref(), Some("new"), "whoever uses it has it sealed anew");

    // Without its key nobody is let in by a code, and nobody is told that the code is wrong.
    let later = Clock::frozen(at("2026-02-01T00:01:00Z"));
    let service = Service::hosting(service.database.clone(), later, hosting(&old)).await;
    let half = half(&service, "a@example.org").await;
    assert_eq!(shows(&service, &half, &app.code(&service, 0)).await.status, 500);
}

#[tokio::test]
async fn keys_are_changed_for_everybody_at_once_and_the_old_one_is_needed_no_more() {
    let key = |name: &str, letter: &str| format!("{name}:{}=", letter.repeat(43));
    let read = |text: &str| Keys::try_new(&text.into()).expect("keys");
    let (old, new) = (read(&key("old", "A")), read(&key("new", "E")));
    let both = read(&format!("{},{}", key("new", "E"), key("old", "A")));
    let hosting = |keys: &Keys| Hosting { keys: keys.clone(), ..Hosting::default() };
    let (database, clock) = (Database::create().await, Clock::frozen(at("2026-02-01T00:00:00Z")));
    let mut apps = Vec::new();
    // One from before there was a key, and one under the old key.
    for (name, keys) in [("anna", &Keys::default()), ("ben", &old)] {
        let service = Service::hosting(database.clone(), clock.clone(), hosting(keys)).await;
        let body = json!({"name": name, "email": format!("{name}@example.org")});
        let person = service.create(&service.owner, "RegisterPerson", body).await;
        let session = lets_in(&service, &person).await;
        apps.push((name, sets_up(&service, &session).await.0));
    }
    let store = database.store();
    assert!(store.reseal_totps(&new).await.is_err(), "without the old key");
    let service = Service::hosting(database.clone(), clock.clone(), hosting(&both)).await;
    assert_eq!(kept(&service, &apps[0].1).await.0, None, "and then none is sealed anew");
    assert_eq!(store.reseal_totps(&both).await.expect("both keys"), 2);
    assert_eq!(store.reseal_totps(&both).await.expect("both keys"), 0, "again is no mistake");
    let service = Service::hosting(database, clock, hosting(&new)).await;
    for (name, app) in &apps {
        signs_in_with(&service, &format!("{name}@example.org"), &app.code(&service, 0)).await;
    }
}
