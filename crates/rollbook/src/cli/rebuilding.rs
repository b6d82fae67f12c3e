//! The command line of rebuilding: which read models, of which moment, and where to.

use chrono::{DateTime, Utc};
use clap::Args;
use rollbook_store::Position;

use super::parse_instant;

/// One read model, or all.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The read model's name, as `projections list` shows it
    pub name: Option<String>,
    /// All of them
    #[arg(long)]
    pub all: bool,
}

/// `rollbook projections rebuild`
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Which
    #[command(flatten)]
    pub which: Which,
    /// Replace rows that are not what the log says, instead of showing them and changing nothing
    #[arg(long)]
    pub accept_differences: bool,
}

/// `rollbook projections as-of`
#[derive(Debug, Args)]
pub struct AsOf {
    /// A position of the log, or an instant: 2026-03-01T18:00:00Z, or a date in UTC
    #[arg(value_name = "TIME|POSITION", value_parser = parse_when)]
    pub when: When,
    /// Where to: a schema that is not there yet, or that was made by this before and is replaced
    #[arg(long, value_name = "NAME")]
    pub schema: String,
}

/// A moment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After the event at this position.
    Position(Position),
    /// At this instant.
    Instant(DateTime<Utc>),
}

fn parse_when(text: &str) -> Result<When, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(position) = text.parse()
    {
        return Ok(When::Position(position));
    }
    parse_instant(text)
        .map(When::Instant)
        .map_err(|why| format!("must be a position, or {}", why.trim_start_matches("must be ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_an_instant() {
        assert_eq!(parse_when("4711"), Ok(When::Position(4711)));
        assert_eq!(parse_when("2026-03-01"), parse_instant("2026-03-01").map(When::Instant));
        assert!(parse_when("-1").is_err() && parse_when("").is_err() && parse_when("yesterday").is_err());
    }
}
