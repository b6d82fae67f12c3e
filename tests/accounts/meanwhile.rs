//! What a session makes, and what ends the session meanwhile: whichever comes first, nothing is left that was made by what has ended.

use reqwest::Method;
use rollbook_domain::PersonId;
use rollbook_store::StoreError;
use rollbook_store::transaction::begin;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::second_factor::{App, somebody};
use super::{ANOTHER, PASSWORD, lets_in, post, refused};
use crate::given_up::requests::{WAITING, counts};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

/// Who waits for a row or a table.
const WAITING_FOR_ROWS: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and wait_event <> 'advisory'";

const ENDED: (u16, &str) = (401, "unauthenticated");

fn id(person: &str) -> PersonId {
    PersonId(person.parse().expect("an id"))
}

fn key() -> Value {
    json!({"name": "sheet", "scope": "read", "expires_at": "2026-06-01T00:00:00Z", "password": PASSWORD})
}

/// How much there is that outlives a session.
async fn made(service: &Service) -> (i64, Vec<Vec<u8>>) {
    let sql = "select (select count(*) from tokens where kind = 'api_key' and revoked_at is null)
        + (select count(*) from calendar_links) + (select count(*) from events where event_type = 'SecondFactorAdded')";
    let count = sqlx::query_scalar(sql).fetch_one(&service.database.pool).await.expect("a count");
    let codes = sqlx::query_scalar("select code_hash from recovery_codes order by 1").fetch_all(&service.database.pool);
    (count, codes.await.expect("hashes"))
}

/// Asks, and has the session end while a table holds the request up: what it is answered.
async fn ends_while(
    service: &Service,
    (token, person): (&str, &str),
    (path, body, table): (&str, Value, &str),
) -> Answer {
    let pool = &service.database.pool;
    let mut held = begin(pool).await.expect("a transaction");
    let lock = format!("lock table {table} in access exclusive mode");
    sqlx::query(&lock).execute(&mut *held).await.expect("the lock");
    let asked = tokio::spawn(answer(service.request(Method::POST, token, path).json(&body)));
    counts(pool, WAITING_FOR_ROWS, 1).await;
    let (store, now) = (service.executor.store(), service.clock.now());
    store.sign_out_everywhere(service.site, id(person), now).await.expect("it ends");
    held.rollback().await.expect("the lock is released");
    asked.await.expect("an answer")
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_makes_nothing() {
    let school = School::open().await;
    let service = &school.service;
    let who = somebody(service, school.person("Anahera").await).await;
    let proof = json!({"password": PASSWORD});
    for (path, body) in
        [("/v1/me/api-keys", key()), ("/v1/me/calendar-link", proof.clone()), ("/v1/me/recovery-codes", proof.clone())]
    {
        let token = service.token(&who.person).await;
        let before = made(service).await;
        let asked = ends_while(service, (&token, &who.person), (path, body, "credentials")).await;
        assert_eq!(refused(&asked), ENDED, "{path}: {}", asked.text);
        assert_eq!(made(service).await, before, "{path}");
    }
    let token = service.token(&who.person).await;
    let app = App::of(&post(service, &token, "/v1/me/second-factors/totp", proof).await.json);
    let before = made(service).await;
    let first = json!({"factor_id": app.factor_id, "code": app.code(service, 0)});
    let confirm = ("/v1/me/second-factors/totp/confirm", first, "second_factors");
    let asked = ends_while(service, (&token, &who.person), confirm).await;
    assert_eq!(refused(&asked), ENDED, "{}", asked.text);
    assert_eq!(made(service).await, before);
}

/// Changes a password where nobody is asked for the one before; whoever does so stays in.
async fn changes(service: &Service, person: PersonId, stays: Uuid) {
    let phc: String = sqlx::query_scalar("select phc from credentials where person_id = $1")
        .bind(person.0)
        .fetch_one(&service.database.pool)
        .await
        .expect("a password");
    let (phc, new) = (SecretString::from(phc), SecretString::from(ANOTHER));
    let told = async { Ok::<_, StoreError>(()) };
    let (store, now) = (service.executor.store(), service.clock.now());
    let changed = store.change_password((service.site, person), (&phc, &new), Some(stays), now, told).await;
    assert!(changed.expect("a change"), "it is the password");
}

/// The id of a token.
async fn id_of(service: &Service, token: &str) -> Uuid {
    let bearer = service.executor.store().bearer(service.site, token, service.clock.now()).await;
    bearer.expect("a look-up").expect("a token").token_id.expect("an id")
}

#[tokio::test]
async fn a_key_is_not_made_by_the_password_before_though_its_session_stays() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let person = school.person("Anna").await;
    let session = lets_in(service, &person).await;
    let stays = id_of(service, &session).await;
    // The password is found right, and then the log is not told for a while.
    let mut held = begin(pool).await.expect("a transaction");
    sqlx::query("select lock_events()").execute(&mut *held).await.expect("the lock");
    let asked = tokio::spawn(answer(service.request(Method::POST, &session, "/v1/me/api-keys").json(&key())));
    counts(pool, WAITING, 1).await;
    changes(service, id(&person), stays).await;
    held.rollback().await.expect("the lock is released");
    let asked = asked.await.expect("an answer");
    assert_eq!(refused(&asked), ENDED, "{}", asked.text);
    assert_eq!(made(service).await.0, 0);
}

#[tokio::test]
async fn a_calendars_address_that_was_being_made_ends_with_the_password() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let person = school.person("Anna").await;
    let session = lets_in(service, &person).await;
    let (stays, person) = (id_of(service, &session).await, id(&person));
    // Another address of hers that is being made holds this one up until it is given up.
    let mut held = begin(pool).await.expect("a transaction");
    let sql =
        "insert into calendar_links (site_id, person_id, link_hash, created_at) values ($1, $2, 'another', now())";
    sqlx::query(sql).bind(service.site.0).bind(person.0).execute(&mut *held).await.expect("a row");
    let proof = json!({"password": PASSWORD});
    let asked = tokio::spawn(answer(service.request(Method::POST, &session, "/v1/me/calendar-link").json(&proof)));
    counts(pool, WAITING_FOR_ROWS, 1).await;
    let change = async {
        changes(service, person, stays).await;
    };
    // Either the change is done first, or it waits.
    tokio::pin!(change);
    let done = tokio::select! {
        () = &mut change => true,
        () = counts(pool, WAITING_FOR_ROWS, 2) => false,
    };
    held.rollback().await.expect("the row goes");
    if !done {
        change.await;
    }
    let asked = asked.await.expect("an answer");
    assert!(matches!(asked.status, 200 | 401), "{}", asked.text);
    if let Some(address) = asked.json["path"].as_str() {
        assert_eq!(service.ask("", address).await.status, 404, "it outlives the password");
    }
    assert_eq!(made(service).await.0, 0);
}
