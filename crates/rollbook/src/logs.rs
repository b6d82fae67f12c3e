//! Structured logs to stderr: human lines, or JSON with `ROLLBOOK_LOG=json`; `RUST_LOG` says how much.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// What is logged without `RUST_LOG`: what an operator has to know, and no more.
const DEFAULT: &str = "warn,sqlx=error";

/// Begins logging.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if std::env::var("ROLLBOOK_LOG").is_ok_and(|format| format == "json") {
        lines.json().init();
    } else {
        lines.with_ansi(stderr().is_terminal()).init();
    }
}
