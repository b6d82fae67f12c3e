//! The append as the log grows: what a command costs behind 100 thousand, a million and ten million events.

use std::time::Duration;

use crate::commands::{play, students_for};
use crate::cpu::CPU_EACH;
use crate::school::School;
use crate::server::{Database, Server};
use crate::timing::{Measured, millis};
use crate::{asked, terms};

/// How long the logs are, unless `ROLLBOOK_BENCH_SIZES` says otherwise.
const SIZES: &str = "100000,1000000,10000000";
const CALLERS: usize = 16;
/// How often each log is measured, in turns; the best counts, which is the one that others disturbed least.
const ROUNDS: usize = 3;

struct Log {
    events: i64,
    database: Database,
    schools: Vec<School>,
    best: Option<Measured>,
}

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    let sizes: String = asked("ROLLBOOK_BENCH_SIZES").unwrap_or_else(|| SIZES.to_owned());
    println!("commands in process behind a log that is there already, {CALLERS} callers, the best of {ROUNDS}");
    println!(
        "{:>12} {:>12} {:>9} {:>9} {:>12} {:>12}   {CPU_EACH:>14}",
        "events", "commands/s", "p50 ms", "p99 ms", "× first", "our MiB"
    );
    let mut logs = Vec::new();
    for size in sizes.split(',') {
        let events: i64 = size.trim().parse().expect("a number of events");
        let database = server.database(&format!("bench_growth_{events}"), true).await;
        terms::fill(&database.pool, events).await;
        sqlx::raw_sql("vacuum analyze").execute(&database.pool).await.expect("the tables are analysed");
        let mut schools = Vec::new();
        let all = School::open(&database.pool, students_for(20_000, length, CALLERS) * ROUNDS).await;
        for students in all.students.chunks(all.students.len().div_ceil(ROUNDS)) {
            schools.push(School { students: students.to_vec(), ..all.clone() });
        }
        logs.push(Log { events, database, schools, best: None });
    }
    for round in 0..ROUNDS {
        for log in &mut logs {
            let measured = play(log.schools[round].clone(), CALLERS, length).await;
            if log.best.as_ref().is_none_or(|best| best.rate < measured.rate) {
                log.best = Some(measured);
            }
        }
    }
    let first = logs.first().and_then(|log| log.best.as_ref()).map_or(1.0, |best| best.rate);
    for Log { events, database, schools: _, best } in logs {
        let Measured { rate, p50, p99, cpu } = best.expect("it was measured");
        let (p50, p99) = (millis(p50), millis(p99));
        let (times, memory) = (rate / first, resident_mib());
        println!("{events:>12} {rate:>12.0} {p50:>9} {p99:>9} {times:>12.2} {memory:>12}   {cpu:>14}");
        database.pool.close().await;
    }
    println!();
}

/// How much memory this process has now, which is all of the service.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
