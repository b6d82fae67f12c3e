//! The command line of what analysts ask: the audit, why a row is as it is, and everything as a file.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use rollbook_domain::{CohortId, EnrolmentId, PersonId};
use rollbook_projections::models::audit_trail::AuditAction;
use std::path::PathBuf;

use super::parse_instant;

/// `rollbook audit`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    /// Step through a student's history instead
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Only what concerns this cohort
    #[arg(long, value_name = "ID")]
    pub cohort: Option<CohortId>,
    /// Only what concerns this person
    #[arg(long, value_name = "ID")]
    pub person: Option<PersonId>,
    /// Only what concerns this enrolment
    #[arg(long, value_name = "ID")]
    pub enrolment: Option<EnrolmentId>,
    /// Only what this person decided
    #[arg(long, value_name = "ID")]
    pub actor: Option<PersonId>,
    /// Only decisions of this kind: held, advanced, enrolled, role_granted, …
    #[arg(long, value_name = "ACTION")]
    pub action: Option<AuditAction>,
    /// Only from this instant on: 2026-03-01T00:00:00Z, or a date in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub from: Option<DateTime<Utc>>,
    /// Only before this instant
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub to: Option<DateTime<Utc>>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Table,
    /// Safe to open in a spreadsheet
    Csv,
    /// One array
    Json,
    /// One object a line
    Ndjson,
}

/// `rollbook audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Step through a student's history: every event, and where the student stands after it
    Replay(Replay),
}

/// `rollbook audit replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// Whose history
    #[arg(long, value_name = "ID")]
    pub enrolment: EnrolmentId,
    /// How to print it
    #[arg(long, value_enum, default_value_t = ReplayFormat::Table)]
    pub format: ReplayFormat,
}

/// How a history is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For reading; what an event has changed has a mark
    Table,
    /// One object a line
    Ndjson,
}

/// `rollbook explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// Whose row
    #[arg(long, value_name = "ID")]
    pub enrolment: EnrolmentId,
    /// The row of this absence flag instead of the roster's; the first is 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub flag: Option<u16>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = ExplainFormat::Table)]
    pub format: ExplainFormat,
}

/// How an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For reading
    Table,
    /// One array
    Json,
}

/// `rollbook export`
#[derive(Debug, Args)]
pub struct Export {
    /// What to export
    #[arg(value_enum)]
    pub what: Exported,
    /// The form of the file
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The file, which is there when it is whole and which only its owner may read; otherwise it goes to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only what concerns this cohort
    #[arg(long, value_name = "ID")]
    pub cohort: Option<CohortId>,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// The log, event by event; of a cohort, its own events and those of its enrolments
    Events,
    /// Every enrolment there ever was, as it stands
    Roster,
    /// Every decision
    Audit,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Columns with types, for pandas, DuckDB and their like
    Parquet,
    /// Safe to open in a spreadsheet
    Csv,
    /// One object a line
    Ndjson,
}
