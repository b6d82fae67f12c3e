//! The command line of imports: which file, into which cohort, and whether it is done or only shown.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rollbook_domain::CohortId;

/// `rollbook import`
#[derive(Debug, Subcommand)]
pub enum Import {
    /// A cohort's students: a CSV with name, email and perhaps external_id and hub, or a OneRoster export
    Roster(ImportRoster),
    /// Who was there: a CSV with a week a column, or a mark a row
    Attendance(ImportAttendance),
}

/// What every import takes.
#[derive(Debug, Args)]
pub struct Importing {
    /// The file; of a OneRoster export, its folder or its ZIP
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Into which cohort
    #[arg(long, value_name = "ID")]
    pub cohort: CohortId,
    /// Do it; otherwise what it would do is shown
    #[arg(long)]
    pub commit: bool,
    /// Whose decision the log says that it is, and whose rights count; otherwise the installation's own
    #[arg(long = "as", value_name = "EMAIL")]
    pub actor: Option<String>,
    /// Show every row, and not only those that there is something to say about
    #[arg(long)]
    pub all: bool,
}

/// `rollbook import roster`
#[derive(Debug, Args)]
pub struct ImportRoster {
    /// What every import takes.
    #[command(flatten)]
    pub importing: Importing,
    /// The sourcedId of the class, where a OneRoster export has several
    #[arg(long, value_name = "ID")]
    pub class: Option<String>,
}

/// `rollbook import attendance`
#[derive(Debug, Args)]
pub struct ImportAttendance {
    /// What every import takes.
    #[command(flatten)]
    pub importing: Importing,
}
