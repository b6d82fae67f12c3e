//! Where the server's time goes, statement by statement: printed for commands, reads and rebuilds, if
//! `ROLLBOOK_BENCH_STATEMENTS` is set. It takes a little of the time itself, so figures are given without it.

use sqlx::{Connection, Row};

use crate::server::Server;

/// What the server needs for it.
pub const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "all"),
    ("pg_stat_statements.track_planning", "on"),
];
/// How many statements are printed, and how much of each.
const MOST: i64 = 16;
const WIDTH: usize = 110;

/// Whether it is asked for.
pub fn wanted() -> bool {
    std::env::var_os("ROLLBOOK_BENCH_STATEMENTS").is_some()
}

/// Forgets what has been counted so far.
pub async fn reset(server: &Server) {
    if wanted() {
        let mut connection = server.superuser().await;
        let sql = "create extension if not exists pg_stat_statements; select pg_stat_statements_reset()";
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the server counts statements");
        connection.close().await.expect("the superuser leaves");
    }
}

/// Prints the statements that took most, those within functions by themselves.
pub async fn print(server: &Server) {
    if !wanted() {
        return;
    }
    let mut connection = server.superuser().await;
    let sql = "select calls, total_exec_time, total_plan_time, total_exec_time / calls * 1000 as each,
            regexp_replace(query, '\\s+', ' ', 'g') as query
        from pg_stat_statements where calls > 0 order by total_exec_time + total_plan_time desc limit $1";
    let rows = sqlx::query(sql).bind(MOST).fetch_all(&mut connection).await.expect("what was counted");
    println!("{:>12} {:>12} {:>10} {:>10}  statement", "executed ms", "planned ms", "calls", "µs each");
    for row in rows {
        let query: String = row.get("query");
        let query: String = query.chars().take(WIDTH).collect();
        let number = |column| row.get::<f64, _>(column);
        let (executed, planned, each) = (number("total_exec_time"), number("total_plan_time"), number("each"));
        println!("{executed:>12.0} {planned:>12.0} {:>10} {each:>10.0}  {query}", row.get::<i64, _>("calls"));
    }
    println!();
    connection.close().await.expect("the superuser leaves");
}
