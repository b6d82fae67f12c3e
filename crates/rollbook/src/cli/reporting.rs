//! The command line of reports.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use rollbook_domain::CohortId;

/// `rollbook report …`
#[derive(Debug, Subcommand)]
pub enum Report {
    /// Who came, who wrote, who was held when and why, and who came to the end
    Cohort(CohortReport),
}

/// `rollbook report cohort`
#[derive(Debug, Args)]
pub struct CohortReport {
    /// Which cohort
    #[arg(value_name = "ID")]
    pub cohort: CohortId,
    /// How to print it
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
    /// The file, which is there when it is whole and which only its owner may read; otherwise it goes to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For reading in a terminal
    Table,
    /// The students, safe to open in a spreadsheet
    Csv,
    /// A page with charts, to read in a browser and print
    Html,
    /// Everything, for programs
    Json,
}
