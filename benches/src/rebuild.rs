//! Rebuilding read models from a log of past terms, against what the database needs only to send the same rows, and against
//! the replay of an unmodified cqrs-es.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_es::persist::{GenericQuery, QueryReplay};
use futures::TryStreamExt;
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use rollbook_domain::enrolment::Enrolment;
use rollbook_projections::Projections;
use rollbook_store::EventStore;
use sqlx::PgPool;

use crate::server::Server;
use crate::statements;
use crate::stock::RosterView;
use crate::{asked, terms};

/// How often everything is measured, in turns, unless `ROLLBOOK_BENCH_ROUNDS` says otherwise; the shortest time counts, which is
/// the one that others disturbed least.
const ROUNDS: usize = 3;
/// How many streams the unmodified replay is given.
const SAMPLE: u64 = 1_000;

/// Measures and prints. How many events is `ROLLBOOK_BENCH_EVENTS`, or a million.
pub async fn run(server: &Server) {
    let events: i64 = asked("ROLLBOOK_BENCH_EVENTS").unwrap_or(1_000_000);
    let database = server.database("bench_rebuild", true).await;
    let begun = Instant::now();
    terms::fill(&database.pool, events).await;
    println!("rebuild: {events} events, written in {:.1} s", begun.elapsed().as_secs_f64());
    let projections = Projections::new(EventStore::new(database.pool.clone()));
    projections.rebuild(None, &mut |_| {}).await.expect("the tables are filled");

    let names =
        ["COPY (select * from events) TO STDOUT (FORMAT binary)", "rebuild roster", "rebuild --all", "verify --all"];
    let mut best = [(Duration::MAX, 0); 4];
    for _ in 0..asked("ROLLBOOK_BENCH_ROUNDS").unwrap_or(ROUNDS) {
        for (nth, best) in best.iter_mut().enumerate() {
            reset_peak();
            statements::reset(server).await;
            let begun = Instant::now();
            match nth {
                0 => copy(&database.pool).await,
                1 => projections.rebuild(Some("roster"), &mut |_| {}).await.expect("a rebuild"),
                2 => projections.rebuild(None, &mut |_| {}).await.expect("a rebuild"),
                _ => {
                    let found = projections.verify(None, &mut |_| {}).await.expect("a verification");
                    assert!(found.iter().all(|found| found.differing == 0), "the tables are as the log says");
                }
            }
            *best = (*best).min((begun.elapsed(), peak_mib()));
            statements::print(server).await;
        }
    }
    let stock = stock(&database.pool, events).await;
    let bare = best[0].0.as_secs_f64();
    println!("{:<58} {:>9} {:>8} {:>12} {:>9}", "", "seconds", "ratio", "events/s", "peak MiB");
    let line = |name: &str, seconds: f64, peak: &str| {
        #[expect(clippy::cast_precision_loss, reason = "a rate is a float")]
        let rate = events as f64 / seconds;
        println!("{name:<58} {seconds:>9.2} {:>8.2} {rate:>12.0} {peak:>9}", seconds / bare);
    };
    for (name, (time, peak)) in names.iter().zip(best) {
        line(name, time.as_secs_f64(), &peak.to_string());
    }
    line(&format!("stock QueryReplay, one view ({SAMPLE} streams, extrapolated)"), stock, "");
    println!();
}

/// Reads the log as it is, and drops it.
async fn copy(pool: &PgPool) {
    let mut connection = pool.acquire().await.expect("a connection");
    let sql = "copy (select * from events) to stdout (format binary)";
    #[expect(clippy::disallowed_methods, reason = "nobody gives this up")]
    let mut rows = connection.copy_out_raw(sql).await.expect("a copy begins");
    while rows.try_next().await.expect("a row").is_some() {}
}

/// How long the unmodified replay takes for all the events, by a sample of streams.
async fn stock(pool: &PgPool, events: i64) -> f64 {
    let table =
        "create table enrolment_view (view_id text primary key, version bigint not null, payload json not null)";
    sqlx::raw_sql(table).execute(pool).await.expect("a table");
    let views = PostgresViewRepository::<RosterView, Enrolment>::new("enrolment_view", pool.clone());
    let mut query = GenericQuery::new(Arc::new(views));
    query.use_error_handler(Box::new(|error| panic!("{error}")));
    let replay: QueryReplay<_, _, Enrolment> = QueryReplay::new(PostgresEventRepository::new(pool.clone()), query);
    let begun = Instant::now();
    for student in 0..SAMPLE {
        replay.replay(&terms::id(5, student).to_string()).await.expect("a stream is replayed");
    }
    let took = begun.elapsed().as_secs_f64();
    let replayed: i64 =
        sqlx::query_scalar("select sum(version)::bigint from enrolment_view").fetch_one(pool).await.expect("a sum");
    #[expect(clippy::cast_precision_loss, reason = "a share is a float")]
    let share = events as f64 / replayed as f64;
    took * share
}

/// Forgets this process's peak of memory.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
}

/// The peak of this process's memory since, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}
