//! What is given up half-way, by a client that goes away, a time-out or an abort, leaves nothing open: no transaction, no lock,
//! and nothing that somebody else writes in it by mistake.

mod operations;
pub mod requests;
mod transactions;

use std::future::{Future, poll_fn};
use std::task::Poll;

use sqlx::{Connection as _, PgConnection, PgPool};

use crate::harness::Database;

/// Drives a future until it has been polled so often, and drops it then; what it came to, if it was done before.
async fn given_up_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut polled) = (Box::pin(work), 0);
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Has something tried with one poll, with two, and so on, until it says that it was done before it was given up; where that takes
/// many, not with every number.
async fn at_each_poll(mut tried: impl AsyncFnMut(u32) -> bool) {
    let mut polls = 1;
    while !tried(polls).await {
        polls += 1 + polls / 8;
    }
}

/// Somebody who writes down numbers over a pool, and looks for them over a connection of their own.
struct Witness {
    pool: PgPool,
    outside: PgConnection,
    written: i64,
}

impl Witness {
    async fn of(database: &Database, pool: &PgPool) -> Self {
        sqlx::raw_sql("create table witnessed (number bigint not null)").execute(pool).await.expect("a table");
        let outside = PgConnection::connect(&database.url).await.expect("a connection");
        Self { pool: pool.clone(), outside, written: 0 }
    }

    /// Nothing is left open by what was given up, and what is acknowledged now is there.
    async fn finds_nothing_open(&mut self, after: &str) {
        self.written += 1;
        // All of the pool's connections: whichever one something was left on, it is among them.
        let most = self.pool.options().get_max_connections();
        let mut lent = Vec::new();
        for _ in 0..most {
            lent.push(self.pool.acquire().await.expect("a connection"));
        }
        for connection in &mut lent {
            let sql = "insert into witnessed values ($1)";
            sqlx::query(sql).bind(self.written).execute(&mut **connection).await.expect("it is written");
        }
        let sql = "select count(*) from witnessed where number = $1";
        let found: i64 =
            sqlx::query_scalar(sql).bind(self.written).fetch_one(&mut self.outside).await.expect("a count");
        assert_eq!(found, i64::from(most), "what was acknowledged is there, after {after}");
        let sql = "select count(*) from pg_stat_activity
            where datname = current_database() and state like 'idle in transaction%'";
        let open: i64 = sqlx::query_scalar(sql).fetch_one(&mut self.outside).await.expect("a count");
        assert_eq!(open, 0, "sessions that are idle in a transaction, after {after}");
    }
}
