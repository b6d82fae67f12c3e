//! API keys: what each is for and nothing else, and never their person's account.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, audit, email_of, lets_in, post, refused, signs_in};
use crate::analysts::subscriptions::Subscription;
use crate::harness::{Answer, answer};
use crate::school::School;

const NEXT_MONTH: &str = "2026-03-01T00:00:00Z";

/// An admin who has signed in: who, and their session.
async fn admin(school: &School) -> (String, String) {
    let people = school.service.items(&school.owner, "/v1/people").await;
    let admin = people.iter().find(|person| person["name"] == "Ádám Admin").expect("the admin")["person_id"].clone();
    let admin = admin.as_str().expect("an id").to_owned();
    let session = lets_in(&school.service, &admin).await;
    (admin, session)
}

async fn make(school: &School, token: &str, scope: Value, expires_at: &str) -> Answer {
    let body = json!({"name": "Table", "scope": scope, "expires_at": expires_at, "password": PASSWORD});
    post(&school.service, token, "/v1/me/api-keys", body).await
}

async fn key(school: &School, token: &str, scope: Value) -> String {
    let made = make(school, token, scope, NEXT_MONTH).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json["key"].as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn a_key_that_reads_does_nothing_else() {
    let school = School::open().await;
    let (_, session) = admin(&school).await;
    let key = key(&school, &session, json!("read")).await;
    for path in ["/v1/me", "/v1/people", "/v1/audit", "/v1/events"] {
        assert_eq!(school.service.ask(&key, path).await.status, 200, "{path}");
    }
    let command = school.service.send(&key, "FoundHub", json!({"name": "North"})).await;
    assert_eq!(refused(&command), (403, "out_of_scope"));
    for path in ["/v1/projections/roster/verify", "/v1/uploads?name=a.pdf", "/v1/me/calendar-link", "/v1/me/api-keys"] {
        let answer = answer(school.service.request(Method::POST, &key, path)).await;
        assert_eq!(refused(&answer), (403, "out_of_scope"), "{path}");
    }
}

#[tokio::test]
async fn a_key_that_names_commands_issues_those_and_does_not_read() {
    let school = School::open().await;
    let (_, session) = admin(&school).await;
    let key = key(&school, &session, json!(["FoundHub", "GrantRole"])).await;
    assert_eq!(school.service.send(&key, "FoundHub", json!({"name": "North"})).await.status, 200);
    let closing = school.service.send(&key, "CloseHub", json!({"hub_id": school.north})).await;
    assert_eq!(refused(&closing), (403, "out_of_scope"));
    for path in ["/v1/me", "/v1/people", "/v1/events", "/v1/me/sessions"] {
        assert_eq!(refused(&school.service.ask(&key, path).await), (403, "out_of_scope"), "{path}");
    }
    // It is never more than its person.
    let grant = json!({"person_id": school.coordinator_id, "role": "owner"});
    assert_eq!(refused(&school.service.send(&key, "GrantRole", grant).await), (403, "not_allowed"));
}

#[tokio::test]
async fn no_key_touches_an_account() {
    let school = School::open().await;
    let (admin, session) = admin(&school).await;
    for scope in [json!("read"), json!(["FoundHub"])] {
        let key = key(&school, &session, scope).await;
        for (method, path) in [
            (Method::POST, "/v1/sign-out"),
            (Method::POST, "/v1/sign-out-everywhere"),
            (Method::POST, "/v1/me/password"),
            (Method::POST, "/v1/me/email"),
            (Method::POST, "/v1/me/api-keys"),
            (Method::GET, "/v1/me/api-keys"),
            (Method::GET, "/v1/me/sessions"),
            (Method::DELETE, "/v1/me/token"),
            (Method::POST, &format!("/v1/people/{admin}/invitation")),
        ] {
            let answer = answer(school.service.request(method, &key, path)).await;
            assert_eq!(refused(&answer), (403, "out_of_scope"), "{path}");
        }
    }
    assert_eq!(school.service.ask(&session, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn keys_are_made_listed_and_ended() {
    let school = School::open().await;
    let service = &school.service;
    let (admin, session) = admin(&school).await;
    let made = make(&school, &session, json!(["HoldStudent", "AdvanceStudent"]), NEXT_MONTH).await;
    let (key, id) = (made.json["key"].as_str().expect("a key"), made.json["key_id"].as_str().expect("an id"));
    let listed = service.get(&session, "/v1/me/api-keys").await;
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["scope"], json!(["AdvanceStudent", "HoldStudent"]));
    assert!(!listed.to_string().contains(key), "it is shown once");
    let end = |token: &str| answer(service.request(Method::DELETE, token, &format!("/v1/me/api-keys/{id}")));
    assert_eq!(refused(&end(&school.owner).await), (404, "not_found"), "somebody else's");
    // Signing out leaves it, and its end leaves the session.
    assert_eq!(end(&session).await.status, 204);
    assert_eq!(refused(&end(&session).await), (404, "not_found"));
    assert_eq!(service.send(key, "HoldStudent", json!({})).await.status, 401);
    let said = audit(service, &admin).await;
    let made = said.iter().find(|(action, _)| action == "api_key_created").expect("an entry");
    assert_eq!(made.1, format!("key {id}, Table: AdvanceStudent, HoldStudent, until 2026-03-01"));
    assert!(said.contains(&("api_key_revoked".to_owned(), format!("key {id}"))));
}

#[tokio::test]
async fn a_key_runs_out_and_ends_where_its_person_signs_out_everywhere() {
    let school = School::open().await;
    let service = &school.service;
    let (_, session) = admin(&school).await;
    let key = key(&school, &session, json!("read")).await;
    let other = self::key(&school, &session, json!("read")).await;
    assert_eq!(service.ask(&key, "/v1/me").await.status, 200);
    service.now(NEXT_MONTH);
    assert_eq!(service.ask(&key, "/v1/me").await.status, 401);
    service.now("2026-02-01T20:00:00Z");
    assert_eq!(service.ask(&other, "/v1/me").await.status, 200);
    assert_eq!(answer(service.request(Method::POST, &session, "/v1/sign-out-everywhere")).await.status, 204);
    assert_eq!(service.ask(&other, "/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused_with_what_is_wrong() {
    let school = School::open().await;
    let (_, session) = admin(&school).await;
    for scope in [json!("write"), json!([]), json!(["NoSuchCommand"]), json!(["SetPassword"]), json!(7), json!({})] {
        let answer = make(&school, &session, scope.clone(), NEXT_MONTH).await;
        assert_eq!(refused(&answer), (422, "invalid_fields"), "{scope}");
        assert_eq!(answer.json["errors"][0]["pointer"], "/scope", "{}", answer.text);
    }
    let past = make(&school, &session, json!("read"), "2026-02-01T00:00:00Z").await;
    assert_eq!(refused(&past), (409, "api_key_expired"));
    let far = make(&school, &session, json!("read"), "2027-03-01T00:00:00Z").await;
    assert_eq!(refused(&far), (409, "api_key_too_long"));
    let unnamed = json!({"name": " ", "scope": "read", "expires_at": NEXT_MONTH});
    assert_eq!(refused(&post(&school.service, &session, "/v1/me/api-keys", unnamed).await), (422, "invalid_fields"));
}

#[tokio::test]
async fn a_stream_ends_with_the_session_or_the_key_that_it_was_opened_with() {
    let school = School::open().await;
    let service = &school.service;
    let (person, session) = admin(&school).await;
    let made = make(&school, &session, json!("read"), NEXT_MONTH).await.json;
    let (key, key_id) = (made["key"].as_str().expect("a key"), made["key_id"].as_str().expect("an id"));
    let head = service.executor.store().head().await.expect("the head");
    let here = format!("?after={head}");
    let mut by_session = Subscription::open(service, &session, &here, None).await;
    let mut by_key = Subscription::open(service, key, &here, None).await;
    let ended = answer(service.request(Method::DELETE, &session, &format!("/v1/me/api-keys/{key_id}"))).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    assert!(by_key.end().await <= 1, "the key is over");
    assert_eq!(by_session.next().await.expect("an event").kind, "ApiKeyRevoked");
    assert_eq!(post(service, &session, "/v1/sign-out-everywhere", json!({})).await.status, 204);
    by_session.end().await;
    let again = signs_in(service, &email_of(service, &person).await, PASSWORD).await;
    let again = again.json["token"].as_str().expect("a token").to_owned();
    let mut last = Subscription::open(service, &again, &here, None).await;
    school.command("DeactivatePerson", json!({"person_id": person, "reason": "left the school"})).await;
    last.end().await;
}
