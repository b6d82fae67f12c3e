//! Sessions: ended one by one, all at once, with a new password, and with the right that they stood for. Cookies are taken from this
//! site's own pages alone.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use rollbook_domain::{PersonId, SiteId};
use serde_json::json;
use uuid::Uuid;

use super::{ANOTHER, PASSWORD, audit, cookie, email_of, invited, lets_in, post, refused, signs_in};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

async fn with_cookie(service: &Service, method: Method, path: &str, session: &str, headers: &[(&str, &str)]) -> Answer {
    let request = service.request(method, "", path).header("cookie", format!("__Host-rollbook={session}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    answer(request).await
}

async fn token(service: &Service, email: &str) -> String {
    signs_in(service, email, PASSWORD).await.json["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_person_sees_their_sessions_and_ends_them() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let first = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    service.now("2026-02-02T00:00:00Z");
    let (second, third) = (token(service, &email).await, token(service, &email).await);
    let listed = service.get(&second, "/v1/me/sessions").await;
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 3, "{listed}");
    assert_eq!((items[2]["method"].as_str(), items[2]["kind"].as_str()), (Some("invitation"), Some("session")));
    assert_eq!(items.iter().filter(|session| session["current"] == true).count(), 1);
    let oldest = items[2]["session_id"].as_str().expect("an id");
    let end = |token: &str, id: &str| answer(service.request(Method::DELETE, token, &format!("/v1/me/sessions/{id}")));
    assert_eq!(refused(&end(&school.admin, oldest).await), (404, "not_found"), "somebody else's");
    assert_eq!(end(&second, oldest).await.status, 204);
    assert_eq!(refused(&end(&second, oldest).await), (404, "not_found"));
    assert_eq!(service.ask(&first, "/v1/me").await.status, 401);

    assert_eq!(answer(service.request(Method::POST, &second, "/v1/sign-out")).await.status, 204);
    assert_eq!(service.ask(&second, "/v1/me").await.status, 401);
    assert_eq!(service.ask(&third, "/v1/me").await.status, 200);
    let fourth = token(service, &email).await;
    assert_eq!(answer(service.request(Method::POST, &third, "/v1/sign-out-everywhere")).await.status, 204);
    for token in [&third, &fourth] {
        assert_eq!(service.ask(token, "/v1/me").await.status, 401);
    }
    let said = audit(service, &person).await;
    assert_eq!(said.iter().filter(|(action, _)| action == "signed_out").count(), 2);
    assert_eq!(said.last().map(|(action, _)| action.as_str()), Some("signed_out_everywhere"));
}

#[tokio::test]
async fn a_person_signs_in_a_hundred_times_an_hour_and_has_as_many_sessions_as_are_kept() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let first = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    service.now("2026-02-02T00:00:00Z");
    // The link was the first time.
    for _ in 1..99 {
        token(service, &email).await;
    }
    service.now("2026-02-02T01:00:00Z");
    let mut last = token(service, &email).await;
    // What lets one more in meanwhile is real time: on a busy machine a few come in.
    let mut more = 0;
    let refusal = loop {
        let answer = signs_in(service, &email, PASSWORD).await;
        let Some(token) = answer.json["token"].as_str() else { break answer };
        last = token.to_owned();
        more += 1;
        assert!(more < 20, "nobody is told to wait");
    };
    assert_eq!(refused(&refusal), (429, "too_many_requests"));
    let wait: u64 = refusal.headers["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=36).contains(&wait), "one more is let in after a hundredth of an hour: {wait}");
    let sessions = async || service.get(&last, "/v1/me/sessions").await["items"].as_array().expect("items").len();
    assert_eq!(sessions().await, 100);
    let id = PersonId(person.parse().expect("an id"));
    service.executor.store().keep_newest(service.site, id, 2).await.expect("they end");
    assert_eq!(sessions().await, 2);
    assert_eq!(service.ask(&first, "/v1/me").await.status, 401, "the one that was used least lately");
    assert_eq!(service.ask(&last, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let here = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let elsewhere = token(service, &email).await;
    let change = async |current: &str, new: &str| {
        post(service, &here, "/v1/me/password", json!({"current": current, "new": new})).await
    };
    assert_eq!(refused(&change(ANOTHER, "a password of mine").await), (403, "wrong_password"));
    let short = change(PASSWORD, "short").await;
    assert_eq!((refused(&short), &short.json["errors"][0]["pointer"]), ((422, "invalid_fields"), &json!("/new")));
    assert_eq!(service.ask(&elsewhere, "/v1/me").await.status, 200, "nothing has changed yet");
    let changed = change(PASSWORD, ANOTHER).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    assert_eq!(service.ask(&here, "/v1/me").await.status, 200);
    assert_eq!(service.ask(&elsewhere, "/v1/me").await.status, 401);
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 401);
    assert_eq!(signs_in(service, &email, ANOTHER).await.status, 200);
    // Whoever has a token and no password cannot make one up.
    let none = post(service, &school.admin, "/v1/me/password", json!({"current": "", "new": ANOTHER})).await;
    assert_eq!(refused(&none), (403, "wrong_password"));
}

#[tokio::test]
async fn a_deactivated_person_is_out_at_the_next_request_whatever_they_hold() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let session = lets_in(service, &person).await;
    let key = json!({"name": "Table", "scope": "read", "expires_at": "2026-03-01T00:00:00Z", "password": PASSWORD});
    let key = post(service, &session, "/v1/me/api-keys", key).await.json["key"].as_str().expect("a key").to_owned();
    let email = email_of(service, &person).await;
    let answer = post(service, "", "/v1/sign-in", json!({"email": email, "password": PASSWORD, "cookie": true})).await;
    let browser = cookie(&answer, "__Host-rollbook").expect("a cookie");
    let statuses = async || {
        [
            service.ask(&session, "/v1/me").await.status,
            service.ask(&key, "/v1/me").await.status,
            with_cookie(service, Method::GET, "/v1/me", &browser, &[]).await.status,
        ]
    };
    assert_eq!(statuses().await, [200; 3]);
    school.command("DeactivatePerson", json!({"person_id": person, "reason": "has left"})).await;
    assert_eq!(statuses().await, [401; 3]);
    school.command("ReactivatePerson", json!({"person_id": person})).await;
    assert_eq!(statuses().await, [401; 3], "and stays out until they sign in");
    let again = signs_in(service, &email, PASSWORD).await.json["token"].as_str().expect("a token").to_owned();
    assert_eq!(service.ask(&again, "/v1/me").await.status, 200);
    service.now("2026-02-15T00:00:00Z");
    assert_eq!(service.ask(&again, "/v1/me").await.status, 401, "sessions end by themselves");
}

#[tokio::test]
async fn a_cookie_changes_nothing_for_another_sites_page() {
    let school = School::open().await;
    let service = &school.service;
    let people = service.items(&school.owner, "/v1/people").await;
    let admin = people.iter().find(|person| person["name"] == "Ádám Admin").expect("the admin")["person_id"].clone();
    let session = lets_in(service, admin.as_str().expect("an id")).await;
    let host = service.url.strip_prefix("http://").expect("HTTP");
    let found = async |headers: &[(&str, &str)]| {
        let request = service.request(Method::POST, "", "/v1/commands/FoundHub").json(&json!({"name": "Here"}));
        let request = request.header("cookie", format!("__Host-rollbook={session}"));
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let own = format!("http://{host}");
    for headers in [&[("sec-fetch-site", "same-origin")][..], &[("origin", own.as_str())]] {
        assert_eq!(found(headers).await.status, 200, "{headers:?}");
    }
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", own.as_str())],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        assert_eq!(refused(&found(headers).await), (403, "cross_site"), "{headers:?}");
        assert_eq!(with_cookie(service, Method::GET, "/v1/me", &session, headers).await.status, 200);
    }
    // A header goes before a cookie, also when it is worse.
    let both =
        service.request(Method::GET, "rb_unknown", "/v1/me").header("cookie", format!("__Host-rollbook={session}"));
    assert_eq!(refused(&answer(both).await), (401, "unauthenticated"));
    let both = service.request(Method::POST, &school.owner, "/v1/commands/FoundHub").json(&json!({"name": "There"}));
    assert_eq!(answer(both.header("cookie", format!("__Host-rollbook={session}"))).await.status, 200);
}

#[tokio::test]
async fn no_session_is_left_of_a_password_that_is_changed_at_the_same_moment() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    let here = lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let passwords = [PASSWORD, ANOTHER];
    for round in 0..6 {
        service.now(&format!("2026-02-01T00:{round:02}:00Z"));
        let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
        let signing_in = join_all((0..2).map(|_| signs_in(service, &email, old)));
        let changing = post(service, &here, "/v1/me/password", json!({"current": old, "new": new}));
        let (signed_in, changed) = tokio::join!(signing_in, changing);
        assert_eq!(changed.status, 204, "{}", changed.text);
        for answer in signed_in {
            match answer.json["token"].as_str() {
                Some(token) => assert_eq!(service.ask(token, "/v1/me").await.status, 401, "round {round}"),
                None => assert_eq!(answer.status, 401, "{}", answer.text),
            }
        }
        assert_eq!(service.ask(&here, "/v1/me").await.status, 200);
    }
}

#[tokio::test]
async fn what_has_run_out_is_kept_for_a_while_and_then_taken_away() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200);
    let other = school.person("Berta").await;
    invited(service, &other).await;
    let rows = async || {
        let sql = "select (select count(*) from tokens where person_id in ($1, $2)),
            (select count(*) from invitations), (select count(*) from devices), (select count(*) from credentials)";
        let ids = [&person, &other].map(|id| id.parse::<Uuid>().expect("an id"));
        let rows: (i64, i64, i64, i64) =
            sqlx::query_as(sql).bind(ids[0]).bind(ids[1]).fetch_one(&service.database.pool).await.expect("a count");
        rows
    };
    let clean_up = async || {
        let (store, now) = (service.executor.store().of_site(SiteId::DEFAULT), service.clock.now());
        store.clean_up_accounts(SiteId::DEFAULT, now).await.expect("it is cleaned up")
    };
    assert_eq!(clean_up().await, 0, "nothing has run out");
    let before = rows().await;
    assert!(before.0 >= 2 && before.1 == 2 && before.2 >= 1, "{before:?}");
    // A session and an invitation last some weeks at most, and are kept for thirty days more.
    service.now("2027-06-01T00:00:00Z");
    assert_eq!(clean_up().await, u64::try_from(before.0 + before.1 + before.2).expect("a count"));
    assert_eq!(rows().await, (0, 0, 0, before.3), "passwords stay");
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_when_it_rests_for_a_week_and_an_admins_for_a_day() {
    let school = School::open().await;
    let service = &school.service;
    let (student, admin) = (school.person("Anna").await, school.person("Ben").await);
    school.command("GrantRole", json!({"person_id": admin, "role": "admin"})).await;
    let asks = async |token: &str| service.ask(token, "/v1/me").await.status;
    for (person, rest, uses) in [(student, TimeDelta::days(7), 1), (admin, TimeDelta::hours(24), 3)] {
        let session = lets_in(service, &person).await;
        let email = email_of(service, &person).await;
        let began = service.clock.now();
        let mut now = began;
        // Each use begins the rest anew, at the latest five minutes afterwards.
        for _ in 0..uses {
            now += rest - TimeDelta::minutes(6);
            service.clock.set(now);
            assert_eq!(asks(&session).await, 200, "{rest}");
        }
        let other = signs_in(service, &email, PASSWORD).await.json["token"].as_str().expect("a token").to_owned();
        service.clock.set(now + TimeDelta::minutes(4));
        assert_eq!(asks(&session).await, 200, "which is not written down");
        service.clock.set(now + rest - TimeDelta::seconds(1));
        assert_eq!(asks(&other).await, 200, "{rest}");
        service.clock.set(now + rest);
        assert_eq!(asks(&session).await, 401, "{rest}");
        // Whoever is not let in has not used it.
        assert_eq!(asks(&session).await, 401, "{rest}");
        let listed = service.get(&other, "/v1/me/sessions").await;
        assert_eq!(listed["items"].as_array().expect("items").len(), 1, "what has ended is not listed: {listed}");
        service.clock.set(began);
    }
}

#[tokio::test]
async fn a_token_from_the_command_line_and_a_key_end_when_they_were_made_to() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anna").await;
    let issued = service.token(&person).await;
    let key = json!({"name": "Table", "scope": "read", "expires_at": "2026-06-01T00:00:00Z"});
    let key = post(service, &issued, "/v1/me/api-keys", key).await.json["key"].as_str().expect("a key").to_owned();
    service.clock.set(service.clock.now() + TimeDelta::days(30));
    for token in [&issued, &key] {
        assert_eq!(service.ask(token, "/v1/me").await.status, 200);
    }
}

#[tokio::test]
async fn using_a_session_writes_its_row_once_in_five_minutes() {
    let school = School::open().await;
    let service = &school.service;
    let session = lets_in(service, &school.person("Anna").await).await;
    let began = service.clock.now();
    let used = async || -> chrono::DateTime<chrono::Utc> {
        let sql = "select max(last_used_at) from tokens where kind = 'session'";
        sqlx::query_scalar(sql).fetch_one(&service.database.pool).await.expect("an instant")
    };
    for (minutes, written) in [(0, 0), (4, 0), (5, 5), (9, 5), (10, 10)] {
        service.clock.set(began + TimeDelta::minutes(minutes));
        // The one who looks tokens up writes before it looks up the next.
        for _ in 0..2 {
            assert_eq!(service.ask(&session, "/v1/me").await.status, 200);
        }
        assert_eq!(used().await, began + TimeDelta::minutes(written), "{minutes}");
    }
}
