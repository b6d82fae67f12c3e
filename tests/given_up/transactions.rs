//! The beginning of a transaction, given up at each of its polls; and the pool, which lends no connection that is in one,
//! whoever began it.

use rollbook_store::connect::pool_options;
use rollbook_store::isolation::every_site;
use rollbook_store::transaction::{begin, savepoint};
use sqlx::PgPool;

use super::{Witness, at_each_poll, given_up_after};
use crate::harness::Database;

/// How often the beginning is given up at each of its polls: the server's answer may be faster than a drop.
const ROUNDS: u32 = 25;

/// A pool of one connection: whatever is left on it, the next borrower has.
async fn pool_of_one(database: &Database) -> PgPool {
    let options = every_site(database.url.parse().expect("a URL that sqlx reads"));
    pool_options(1).connect_with(options).await.expect("a connection")
}

/// The server's process of the one connection.
async fn session(pool: &PgPool) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(pool).await.expect("a number")
}

#[tokio::test]
async fn a_transaction_whose_beginning_is_given_up_at_any_moment_is_not_left_open() {
    let database = Database::create().await;
    let pool = pool_of_one(&database).await;
    let mut witness = Witness::of(&database, &pool).await;
    let session = session(&pool).await;
    for _ in 0..ROUNDS {
        at_each_poll(async |polls| {
            let begun = given_up_after(polls, begin(&pool)).await;
            let done = begun.is_some();
            drop(begun);
            witness.finds_nothing_open(&format!("{polls} polls of a beginning")).await;
            done
        })
        .await;
    }
    assert_eq!(session, self::session(&pool).await, "the pool had no reason to close its connection");
}

#[tokio::test]
async fn a_savepoint_that_is_given_up_takes_its_transaction_along() {
    let database = Database::create().await;
    let pool = pool_of_one(&database).await;
    let mut witness = Witness::of(&database, &pool).await;
    at_each_poll(async |polls| {
        let mut tx = begin(&pool).await.expect("a transaction");
        sqlx::raw_sql("insert into witnessed values (0)").execute(&mut *tx).await.expect("a row");
        let done = given_up_after(polls, savepoint(&mut tx)).await.is_some();
        drop(tx);
        witness.finds_nothing_open(&format!("{polls} polls of a savepoint")).await;
        done
    })
    .await;
    let sql = "select count(*) from witnessed where number = 0";
    let kept: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.expect("a count");
    assert_eq!(kept, 0, "nothing of a transaction that was not committed is kept");
}

#[tokio::test]
async fn a_savepoint_is_refused_where_there_is_no_transaction() {
    let database = Database::create().await;
    let mut connection = database.pool.acquire().await.expect("a connection");
    let refused = savepoint(&mut connection).await;
    assert!(matches!(refused, Err(sqlx::Error::InvalidSavePointStatement)), "{refused:?}");
}

#[tokio::test]
async fn a_pool_lends_no_connection_that_is_in_a_transaction_whoever_began_it() {
    let database = Database::create().await;
    let pool = pool_of_one(&database).await;
    let mut witness = Witness::of(&database, &pool).await;
    let by_hand = [
        "begin",
        "begin; insert into witnessed values (0)",
        "begin; do $$ begin raise 'no' using errcode = '22000'; end $$",
    ];
    for sql in by_hand {
        let mut connection = pool.acquire().await.expect("a connection");
        let begun = sqlx::raw_sql(sql).execute(&mut *connection).await;
        assert_eq!(begun.is_err(), sql.contains("raise"), "{sql}");
        drop(connection);
        witness.finds_nothing_open(sql).await;
    }
    at_each_poll(async |polls| {
        #[expect(clippy::disallowed_methods, reason = "this is what the pool is to be proof against")]
        let begun = given_up_after(polls, pool.begin()).await;
        let done = begun.is_some();
        drop(begun);
        witness.finds_nothing_open(&format!("{polls} polls of a beginning by sqlx")).await;
        done
    })
    .await;
    let sql = "select count(*) from witnessed where number = 0";
    let kept: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await.expect("a count");
    assert_eq!(kept, 0, "nothing of a transaction that was not committed is kept");
}
