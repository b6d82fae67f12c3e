//! How rows are found: by their keys, also by statements that were planned while there was nothing yet, and were not planned anew.
//! The database's own counts say so; nothing is timed.

use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{answer, eventually};
use crate::read_models::SOON;
use crate::school::School;

/// How many rows are put in, one after the other or in pieces.
const ROWS: i64 = 2_000;

/// Waits until a key has been asked for so often, by what the sessions have told by now, and says which other indexes of the tables
/// were read, and how many entries of each.
async fn read_beside_the_key(pool: &PgPool, key: &str, times: i64, tables: &[&str]) -> Vec<(String, i64)> {
    eventually(SOON, &format!("rows are found by {key}"), async || {
        let sql = "select coalesce(max(idx_scan), 0) from pg_stat_user_indexes where indexrelname = $1";
        let scans: i64 = sqlx::query_scalar(sql).bind(key).fetch_one(pool).await.expect("a count");
        (scans >= times).then_some(())
    })
    .await;
    let sql =
        "select s.indexrelname::text, s.idx_tup_read from pg_stat_user_indexes s join pg_index i using (indexrelid)
        where not i.indisprimary and s.relname = any($1)";
    sqlx::query_as(sql).bind(tables).fetch_all(pool).await.expect("counts")
}

#[tokio::test]
async fn rows_of_read_models_are_found_by_their_key_from_the_first_on() {
    let school = School::with(json!({})).await;
    let file = (0..ROWS).fold("name,email\n".to_owned(), |file, n| file + &format!("S {n},s{n}@example.org\n"));
    let path = format!("/v1/cohorts/{}/roster-import?commit=true", school.cohort);
    let request = school.service.request(Method::POST, &school.admin, &path).header("content-type", "text/csv");
    let done = answer(request.body(file)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let pool = school.service.executor.store().pool();
    for key in ["roster_pkey", "people_pkey"] {
        for (index, read) in read_beside_the_key(pool, key, ROWS, &["roster", "people"]).await {
            assert!(read < ROWS * 10, "{index}: {read}");
        }
    }
}

#[tokio::test]
async fn a_token_is_found_by_its_hash_from_the_first_on() {
    let school = School::with(json!({})).await;
    let person = school.person("Somebody with Many").await;
    let tokens = ROWS / 10;
    for _ in 0..tokens {
        let token = school.service.token(&person).await;
        assert_eq!(answer(school.service.request(Method::GET, &token, "/v1/me")).await.status, 200);
    }
    let pool = school.service.executor.store().pool();
    for (index, read) in read_beside_the_key(pool, "tokens_pkey", tokens, &["tokens"]).await {
        assert!(read < tokens * 10, "{index}: {read}");
    }
}
