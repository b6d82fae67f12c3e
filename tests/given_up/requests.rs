//! A client that goes away: what its request has begun to change is carried to its end.

use reqwest::Method;
use rollbook_store::transaction::begin;
use serde_json::json;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::eventually;
use crate::read_models::SOON;
use crate::school::School;

/// Who waits for an advisory lock, such as the log's.
pub const WAITING: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";

/// Waits until a statement counts as many rows.
pub async fn counts(pool: &PgPool, sql: &str, wanted: i64) {
    eventually(SOON, &format!("{sql} comes to {wanted}"), async || {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count");
        (count == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_request_has_begun_is_ended_though_its_client_goes_away() {
    let school = School::open().await;
    let (service, pool) = (&school.service, &school.service.database.pool);
    let person = school.person("Kiri").await;
    // Nothing is appended as long as somebody else has the log's lock.
    let mut lock = begin(pool).await.expect("a transaction");
    sqlx::query("select lock_events()").execute(&mut *lock).await.expect("the lock");

    let address = service.url.trim_start_matches("http://");
    let body = json!({"send": true}).to_string();
    let request = format!(
        "POST /v1/people/{person}/invitation HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        service.owner,
        body.len()
    );
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(request.as_bytes()).await.expect("a request");
    counts(pool, WAITING, 1).await;
    drop(client);
    // Whoever is answered on a new connection comes after the end of the old one.
    let mut other = TcpStream::connect(address).await.expect("a connection");
    other.write_all(format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await.expect("a request");
    other.read_exact(&mut [0; 12]).await.expect("an answer");

    lock.rollback().await.expect("the lock is released");
    counts(pool, "select count(*) from events where event_type = 'InvitationIssued'", 1).await;
    counts(pool, "select count(*) from account_letters", 1).await;
    let still = service.request(Method::GET, &service.owner, "/v1/me").send().await.expect("an answer");
    assert_eq!(still.status().as_u16(), 200);
}
