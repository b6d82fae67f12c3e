//! Transactions that leave nothing open when whoever began them is given up half-way: a client that goes away, a time-out, a task
//! that is aborted. Nothing else in the workspace begins one by itself; clippy holds that.
//!
//! sqlx 0.8.4 to 0.9.0 counts a transaction only after the round trip of `BEGIN`. A future that is dropped in between leaves the
//! session in a transaction that nothing rolls back, and the pool lends the connection on: what its next borrowers write is
//! acknowledged, and gone when the connection is (transact-rs/sqlx issues 4385 and 4393; mended by its pull request 4394, which is
//! in no release yet). Once the sqlx that postgres-es is built on has that, [`begin`] is `pool.begin()` again.
#![expect(clippy::disallowed_methods, reason = "this is where transactions begin")]

use metrics::Unit;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Postgres, Row as _, Transaction};

/// How many connections came back to a pool in a transaction, and were closed.
const LEFT_OPEN: &str = "rollbook_connections_left_in_transaction_total";

/// How many statements may have been given up on a connection whose errors nobody has read: one, and the end of its transaction.
const GIVEN_UP: u32 = 2;

/// SQLSTATE of a statement in a transaction that has failed before.
const ABORTED: &str = "25P02";

/// Begins a transaction on a connection of a pool. It can be given up at any moment: `BEGIN` is sent by a task of its own, which
/// ends as soon as the server has answered, and rolls back what nobody takes.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let connection = pool.acquire().await?;
    // A task that panics or ends with its runtime takes its connection along, and with it the transaction.
    tokio::spawn(Transaction::begin(connection, None)).await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// Begins a transaction on a connection that no pool lends. Whoever gives this up drops the connection with it, and does not use
/// it again: it is a local of the same future, or is taken out of its place for as long as that runs.
pub async fn begin_alone(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    connection.begin().await
}

/// Begins a savepoint in a transaction. Given up, or failed, it takes the whole transaction along: sqlx counts the savepoint only
/// after its round trip, too, and rolls back what is around it. Whoever meets an error here goes no further in the transaction.
pub async fn savepoint(tx: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    if !tx.is_in_transaction() {
        return Err(sqlx::Error::InvalidSavePointStatement);
    }
    tx.begin().await
}

/// Has a pool close connections that come back to it in a transaction, and lend none of them: whatever has begun it, nobody else
/// writes in it. It takes a round trip after each use of a connection, for which no user waits.
#[must_use]
pub(crate) fn lending_none_in_transaction(options: PgPoolOptions) -> PgPoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            let at_rest = is_at_rest(connection).await?;
            if !at_rest {
                metrics::counter!(LEFT_OPEN).increment(1);
                tracing::error!("a connection came back in a transaction, which is rolled back: somebody left it open");
            }
            Ok(at_rest)
        })
    })
}

/// Whether a session is in no transaction. What sqlx has counted says nothing of a transaction that it has not counted, and it
/// shows nobody what the server said last. The server dates a transaction by its first statement: of a statement that is alone,
/// both instants are the same, and `BEGIN` was a round trip before this. Only as a simple query: the extended protocol's parts
/// are dated one by one.
async fn is_at_rest(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // What a statement comes to that was given up is read before the answer to this, as if it were that.
    for _ in 0..GIVEN_UP {
        match ask(connection).await {
            Err(sqlx::Error::Database(_)) => {}
            answered => return answered,
        }
    }
    match ask(connection).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(ABORTED) => Ok(false),
        answered => answered,
    }
}

async fn ask(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = connection.fetch_one(sqlx::raw_sql("select now() = statement_timestamp()")).await?;
    row.try_get_unchecked::<&str, _>(0).map(|text| text == "t")
}

/// Says what the metrics of this module mean, once a recorder is there.
pub fn describe_metrics() {
    metrics::describe_counter!(LEFT_OPEN, Unit::Count, "Connections that came back to their pool in a transaction");
    // None yet is an answer too.
    metrics::counter!(LEFT_OPEN).increment(0);
}
