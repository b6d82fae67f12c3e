//! Whoever finds an open session makes no lasting way in of it: what gives or takes one asks for the password, or, of those who have
//! none, that they have signed in a moment ago.

use reqwest::Method;
use serde_json::{Value, json};

use super::oidc::Scene;
use super::second_factor::{App, confirms};
use super::{ANOTHER, PASSWORD, email_of, lets_in, refused};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

/// What asks: each with its body, without a password, and the status that it has when all is well.
fn asking() -> [(Method, &'static str, Value, u16); 4] {
    let key = json!({"name": "Table", "scope": "read", "expires_at": "2026-03-01T00:00:00Z"});
    [
        (Method::POST, "/v1/me/api-keys", key, 200),
        (Method::POST, "/v1/me/calendar-link", json!({}), 200),
        (Method::POST, "/v1/sign-in/ako/link", json!({}), 200),
        // There is none of this id; whoever proves who they are is told so.
        (Method::DELETE, "/v1/me/identities/00000000-0000-0000-0000-000000000007", json!({}), 404),
    ]
}

async fn asks(service: &Service, token: &str, method: &Method, path: &str, body: &Value, password: &str) -> Answer {
    let mut body = body.clone();
    if !password.is_empty() {
        body["password"] = password.into();
    }
    answer(service.request(method.clone(), token, path).json(&body)).await
}

async fn rows(service: &Service) -> i64 {
    let sql = "select (select count(*) from tokens where kind = 'api_key') + (select count(*) from calendar_links)";
    sqlx::query_scalar(sql).fetch_one(&service.database.pool).await.expect("a count")
}

#[tokio::test]
async fn ones_own_address_needs_the_password() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Hemi").await;
    school.command("GrantRole", json!({"person_id": person, "role": "admin"})).await;
    let session = lets_in(service, &person).await;
    // Whoever has found the session would be sent a link to set another password by.
    let correct = json!({"person_id": person, "email": "mine@example.org"});
    assert_eq!(refused(&service.send(&session, "CorrectPerson", correct).await), (409, "own_address"));
    let (post, path, body) = (Method::POST, "/v1/me/email", json!({"email": "mine@example.org"}));
    let change = async |token: &str, password: &str| asks(service, token, &post, path, &body, password).await;
    assert_eq!(refused(&change(&session, "").await), (403, "sign_in_again"));
    assert_eq!(refused(&change(&session, ANOTHER).await), (403, "wrong_password"));
    assert_ne!(email_of(service, &person).await, "mine@example.org");
    assert_eq!(change(&session, PASSWORD).await.status, 204);
    assert_eq!(email_of(service, &person).await, "mine@example.org");
    assert_eq!(service.ask(&session, "/v1/me").await.status, 200, "whoever changes their own keeps what is theirs");
    // Somebody's who has no password needs a sign-in of the last minutes; a name nothing.
    let issued = service.token(&person).await;
    service.now("2026-02-01T00:10:00Z");
    assert_eq!(refused(&change(&issued, "").await), (403, "sign_in_again"));
    service.command(&session, "CorrectPerson", json!({"person_id": person, "name": "Hemi Ngata"})).await;
    // It is for whoever may correct people.
    let student = lets_in(service, &school.person("Ben").await).await;
    assert_eq!(refused(&change(&student, PASSWORD).await), (403, "not_allowed"));
    assert_eq!(
        refused(&asks(service, &session, &post, path, &json!({"email": "x"}), PASSWORD).await),
        (422, "invalid_fields")
    );
    let taken = json!({"email": email_of(service, &school.coordinator_id).await});
    assert_eq!(refused(&asks(service, &session, &post, path, &taken, PASSWORD).await), (409, "email_taken"));
}

#[tokio::test]
async fn a_lasting_way_in_needs_the_password() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let person =
        service.create(&service.owner, "RegisterPerson", json!({"name": "Ben", "email": "ben@example.org"})).await;
    let session = lets_in(service, &person).await;
    for (method, path, body, status) in asking() {
        let before = rows(service).await;
        assert_eq!(refused(&asks(service, &session, &method, path, &body, "").await), (403, "sign_in_again"), "{path}");
        let wrong = asks(service, &session, &method, path, &body, ANOTHER).await;
        assert_eq!(refused(&wrong), (403, "wrong_password"), "{path}");
        assert_eq!(rows(service).await, before, "{path}");
        assert_eq!(asks(service, &session, &method, path, &body, PASSWORD).await.status, status, "{path}");
    }
    // Without a body at all, too; and a body of another kind is not taken for none.
    let none = answer(service.request(Method::POST, &session, "/v1/me/calendar-link")).await;
    assert_eq!(refused(&none), (403, "sign_in_again"));
    let form = service.request(Method::POST, &session, "/v1/me/calendar-link").body("password=seven");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(answer(form).await.status, 415);
    let unknown = service.request(Method::POST, &session, "/v1/me/calendar-link").json(&json!({"pass": PASSWORD}));
    assert_eq!(answer(unknown).await.status, 422);
}

#[tokio::test]
async fn whoever_has_no_password_has_signed_in_a_moment_ago() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let person =
        service.create(&service.owner, "RegisterPerson", json!({"name": "Ben", "email": "ben@example.org"})).await;
    // And whoever adds a second factor keeps its owner out.
    let factor = (Method::POST, "/v1/me/second-factors/totp", json!({}), 200);
    for (method, path, body, status) in asking().into_iter().chain([factor]) {
        let began = service.clock.now();
        let token = service.token(&person).await;
        service.clock.set(began + chrono::TimeDelta::seconds(599));
        assert_eq!(asks(service, &token, &method, path, &body, "").await.status, status, "{path}");
        service.clock.set(began + chrono::TimeDelta::seconds(600));
        // A password that nobody has proves nothing.
        for password in ["", PASSWORD] {
            let late = asks(service, &token, &method, path, &body, password).await;
            assert_eq!(refused(&late), (403, "sign_in_again"), "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_has_found_an_open_session_guesses_no_further_than_whoever_has_none() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anna").await;
    let session = lets_in(service, &person).await;
    for _ in 0..10 {
        let wrong = asks(service, &session, &Method::POST, "/v1/me/calendar-link", &json!({}), ANOTHER).await;
        assert_eq!(refused(&wrong), (403, "wrong_password"));
    }
    let more = asks(service, &session, &Method::POST, "/v1/me/calendar-link", &json!({}), PASSWORD).await;
    assert_eq!(refused(&more), (429, "too_many_attempts"));
    let long = "x".repeat(10_000);
    let other = lets_in(service, &school.person("Ben").await).await;
    let much = asks(service, &other, &Method::POST, "/v1/me/calendar-link", &json!({}), &long).await;
    assert_eq!(refused(&much), (403, "wrong_password"));
}

#[tokio::test]
async fn whoever_has_a_second_factor_and_no_password_shows_a_code() {
    let scene = Scene::oidc().await;
    let service = &scene.service;
    let person =
        service.create(&service.owner, "RegisterPerson", json!({"name": "Ben", "email": "ben@example.org"})).await;
    let token = service.token(&person).await;
    let path = "/v1/me/second-factors/totp";
    let begun = asks(service, &token, &Method::POST, path, &json!({}), "").await;
    let app = App::of(&begun.json);
    assert_eq!(confirms(service, &token, &app, &app.code(service, -1)).await.status, 200);
    // However lately they have signed in; and a password that nobody has proves nothing.
    for password in ["", PASSWORD] {
        let asked = asks(service, &token, &Method::POST, path, &json!({}), password).await;
        assert_eq!(refused(&asked), (403, "proof_required"), "{password}");
    }
    let code = json!({"code": app.code(service, 0)});
    assert_eq!(asks(service, &token, &Method::POST, path, &code, "").await.status, 200);
}
