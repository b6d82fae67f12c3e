//! The figures of the service as ratios, each measured in one run on one machine: `cargo bench -p rollbook-benches`, or with
//! the names of some parts after `--`. Nothing here is a test, and no figure is asserted.

mod commands;
mod cpu;
mod flood;
mod growth;
mod http;
mod machine;
mod rebuild;
mod roster;
mod school;
mod server;
mod statements;
mod stock;
mod terms;
mod timing;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

/// As in the program: under many callers a tenth of the time goes into small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A part of the benchmark, by name.
const PARTS: &[&str] = &["commands", "http", "roster", "flood", "rebuild", "growth"];

#[tokio::main]
async fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = asked.iter().find(|name| !PARTS.contains(&name.as_str())) {
        eprintln!("there is no part `{unknown}`; there are: {}", PARTS.join(", "));
        return ExitCode::from(2);
    }
    let parts = PARTS.iter().filter(|part| asked.is_empty() || asked.iter().any(|name| name == *part));
    let server = server::Server::start().await;
    machine::describe(&server).await;
    for part in parts {
        match *part {
            "commands" => commands::run(&server, seconds()).await,
            "http" => http::run(&server, seconds()).await,
            "roster" => roster::run(&server, seconds()).await,
            "flood" => flood::run(&server, seconds()).await,
            "rebuild" => rebuild::run(&server).await,
            "growth" => growth::run(&server, seconds()).await,
            _ => {}
        }
    }
    server.stop().await;
    ExitCode::SUCCESS
}

/// How long each figure is measured: `ROLLBOOK_BENCH_SECONDS`, or 5 seconds.
fn seconds() -> Duration {
    Duration::from_secs(asked("ROLLBOOK_BENCH_SECONDS").unwrap_or(5))
}

/// What the environment says, if it says something that can be read.
fn asked<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}
