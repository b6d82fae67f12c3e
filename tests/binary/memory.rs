//! Long answers take no more memory than short ones.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use rollbook_domain::SiteId;

use super::program::Home;
use crate::harness::Database;

/// Runs a command that writes to a file; the most memory that it had, in KiB.
fn peak_kib(command: &mut Command, out: &Path) -> u64 {
    let file = File::create(out).expect("a file");
    let mut child = command.stdout(file).stderr(Stdio::null()).spawn().expect("the binary starts");
    let mut peak = 0;
    // A process that has ended, and was not waited for, has a status without memory.
    while let Some(line) = fs::read_to_string(format!("/proc/{}/status", child.id()))
        .expect("a status")
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
    {
        peak = line.trim().trim_end_matches(" kB").parse().expect("a number");
        std::thread::yield_now();
    }
    assert!(child.wait().expect("its end").success());
    peak
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_of_any_length_takes_the_same_memory() {
    let database = Database::create().await;
    let decide = async |decisions: i64| {
        let sql = "insert into audit_trail (site_id, position, at, action, reason, command_id)
            select $1, n + coalesce((select max(position) from audit_trail), 0), '2026-02-03T08:00:00Z', 'held',
                repeat('because ', 40), gen_random_uuid()
            from generate_series(1, $2) n";
        sqlx::query(sql).bind(SiteId::DEFAULT.0).bind(decisions).execute(&database.pool).await.expect(sql);
    };
    let home = Home::new();
    let out = home.folder.join("audit");
    let peak = || peak_kib(home.command(&["audit", "--format", "ndjson"]).env("DATABASE_URL", &database.url), &out);
    decide(5_000).await;
    let little = peak();
    decide(120_000).await;
    let much = peak();
    let written = fs::metadata(&out).expect("a file").len() / 1024;
    assert!(written > 60 * 1024, "{written} KiB");
    assert!(much < little + 8 * 1024, "{little} KiB for 5,000 decisions, {much} KiB for 125,000");
}
