//! `rollbook-torture`: `check` proves a database from outside, `run` treats the service badly and then checks it,
//! `hostile` has schools mean harm to another one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use rollbook_torture::check::{Report, check};
use rollbook_torture::hostile::{self, Attack};
use rollbook_torture::run::{Outcome, Plan, run};
use rollbook_torture::{Error, receipts};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

/// Whether Rollbook keeps its promises when it is treated badly.
#[derive(Debug, Parser)]
#[command(name = "rollbook-torture", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a database from outside: its log, commands, claims, receipts and read models
    Check(Check),
    /// Load the service, kill under it at random moments, and check what is left
    Run(Run),
    /// Attack the service, as people and servers of some schools may, and tell how another school fares meanwhile
    Hostile(Hostile),
    /// What `hostile` runs beside itself
    #[command(hide = true)]
    HostileAttack,
}

#[derive(Debug, Args)]
struct Hostile {
    /// How long each attack lasts, in seconds; all at once last as long again
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "N")]
    seconds: u64,
    /// One attack, and again for others; all of them where none is named
    #[arg(long, value_name = "NAME")]
    only: Vec<Attack>,
    /// How many requests a second the people of the other school send, all of them below what one of them may
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=150), value_name = "N")]
    rate: u32,
    /// The service's binary; it is built where this is not given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// A PostgreSQL and a role that may make databases there, of which two are made and dropped; a private one without
    /// it
    #[arg(long, env = "ROLLBOOK_HOSTILE_SERVER", hide_env_values = true, value_name = "URL")]
    server: Option<Url>,
    /// Keep the folder with the logs and the receipts
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Args)]
struct Check {
    /// The database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// What was acknowledged: a receipt a line, as the service answered it
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Run {
    /// How often to kill
    #[arg(long, default_value_t = 20, value_name = "N")]
    kills: u32,
    /// Kill nobody: have clients go away in the middle of whatever they ask for, so many times
    #[arg(long, value_name = "N", conflicts_with_all = ["kills", "postgres"])]
    give_up: Option<u64>,
    /// What decides whom and when; the clock does where it is not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many clients send commands
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    clients: u64,
    /// How many processes of the service there are
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..), value_name = "N")]
    processes: u8,
    /// Kill PostgreSQL as well, every other time
    #[arg(long)]
    postgres: bool,
    /// The service's binary; it is built where this is not given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Keep the folder with the database, the receipts and the service's log
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The first is the only one, and whoever sends anything needs one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let done = match Cli::parse().command {
        Command::Check(arguments) => checked(&arguments).await,
        Command::Run(arguments) => tortured(arguments).await,
        Command::Hostile(arguments) => attacked(arguments).await,
        Command::HostileAttack => hostile::attack(std::io::stdin(), std::io::stdout()).await.map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("rollbook-torture: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn checked(arguments: &Check) -> Result<bool, Error> {
    let receipts = arguments.receipts.as_deref().map(receipts::read).transpose()?.unwrap_or_default();
    Ok(told(&check(&arguments.database_url, &receipts).await?))
}

async fn attacked(arguments: Hostile) -> Result<bool, Error> {
    let binary = service(arguments.binary)?;
    let program = std::env::current_exe().map_err(Error::io("finding this program"))?;
    let mut folder = temporary(arguments.keep)?;
    let mut attacks = arguments.only;
    if attacks.is_empty() {
        attacks = Attack::all().to_vec();
    }
    let plan = hostile::Plan {
        attacks,
        lasts: Duration::from_secs(arguments.seconds),
        per_second: arguments.rate,
        binary,
        attacker: vec![program.into(), "hostile-attack".into()],
        server: arguments.server,
        folder: folder.path().to_owned(),
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listening for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("listening for signals"))?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let outcome = hostile::run(&plan, stop, say).await;
    if outcome.is_err() {
        folder.disable_cleanup(true);
    }
    let hostile::Outcome { quiet, rows, report, .. } = outcome?;
    say(&format!("\n{}", hostile::table(&quiet, &rows)));
    let mut holds = true;
    for row in std::iter::once(&quiet).chain(&rows) {
        for what in [row.faults(), row.slow(&quiet)].concat() {
            say(&format!("NOT HELD {}: {what}", row.name()));
            holds = false;
        }
    }
    Ok(told(&report) && holds)
}

async fn tortured(arguments: Run) -> Result<bool, Error> {
    let binary = service(arguments.binary)?;
    let seed = arguments.seed.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    let mut folder = temporary(arguments.keep)?;
    say(&format!("seed {seed}"));
    let plan = Plan {
        kills: arguments.kills,
        give_up: arguments.give_up,
        seed,
        clients: arguments.clients,
        processes: arguments.processes.into(),
        postgres: arguments.postgres,
        binary,
        folder: folder.path().to_owned(),
    };
    let outcome = run(&plan, reqwest::Client::new(), say).await;
    if outcome.is_err() {
        folder.disable_cleanup(true);
    }
    let Outcome { figures, killed, longest_recovery, given_up, took, report } = outcome?;
    say(&format!(
        "\n{} s, {} clients, {} processes; the service was killed {} times, PostgreSQL {} times\n\
         {} commands acknowledged, {} refused by a rule; {} answers 503, {} requests without an answer, {} sent twice, \
         {} reads of one's own writes\n\
         the longest silence was {} ms; the longest recovery of PostgreSQL {} ms",
        took.as_secs(),
        plan.clients,
        plan.processes,
        killed.0,
        killed.1,
        figures.acknowledged,
        figures.refused,
        figures.unavailable,
        figures.unanswered,
        figures.doubled,
        figures.reads,
        figures.longest_silence.as_millis(),
        longest_recovery.as_millis(),
    ));
    if plan.give_up.is_some() {
        say(&format!(
            "clients gave up {} times; {} rows beside the log were acknowledged and are there",
            given_up.0, given_up.1
        ));
    }
    Ok(told(&report))
}

/// Says what was checked and found; whether all is well.
fn told(report: &Report) -> bool {
    let Report { events, streams, commands, receipts, claims, rows, violations } = report;
    for violation in violations {
        say(&format!("VIOLATION {violation}"));
    }
    let found =
        if violations.is_empty() { "all as it must be".to_owned() } else { format!("{} violations", violations.len()) };
    say(&format!(
        "checked {events} events of {streams} streams, {commands} commands, {receipts} receipts, {claims} claims, \
         {rows} rows of read models: {found}"
    ));
    violations.is_empty()
}

/// The service's binary: the one that was named, or one that is built.
fn service(named: Option<PathBuf>) -> Result<PathBuf, Error> {
    std::path::absolute(named.map_or_else(build, Ok)?).map_err(Error::io("finding the service's binary"))
}

/// A folder, which is said, and goes away unless it is kept.
fn temporary(keep: bool) -> Result<TempDir, Error> {
    let made = tempfile::Builder::new().prefix("rollbook-torture-").tempdir();
    let mut folder = made.map_err(Error::io("making a folder"))?;
    folder.disable_cleanup(keep);
    say(&format!("in {}", folder.path().display()));
    Ok(folder)
}

/// Builds the service as this program was built, and says where it is: beside it.
fn build() -> Result<PathBuf, Error> {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "-p", "rollbook", "--locked"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().map_err(Error::io("running cargo"))?;
    let own = std::env::current_exe().map_err(Error::io("finding this program"))?;
    match own.parent().map(|folder: &Path| folder.join("rollbook")) {
        Some(binary) if status.success() && binary.exists() => Ok(binary),
        _ => Err(Error::Broken("the service cannot be built; name its binary with --binary".to_owned())),
    }
}

fn say(line: &str) {
    // Nobody reads it any more: no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
}
