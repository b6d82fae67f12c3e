//! What an import came to, or would: the counts, and row by row what became of it, with the name and address that the file
//! gives, for whoever may see them.

use std::collections::BTreeMap;

use rollbook_domain::cohort::{ImportedRow, RowOutcome};
use rollbook_domain::{CommandId, Personal};
use schemars::JsonSchema;
use serde::Serialize;

/// Who a row is about, as the file has it; what cannot be shown is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The name.
    pub name: Option<Personal<String>>,
    /// The address.
    pub email: Option<Personal<String>>,
}

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Registered and enrolled; of attendance, first marks.
    pub new: u32,
    /// Known, and enrolled.
    pub known: u32,
    /// Enrolled already, and changed; of attendance, other marks.
    pub updated: u32,
    /// So already.
    pub unchanged: u32,
    /// Left, with a reason.
    pub wrong: u32,
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReportRow {
    /// What became of it.
    #[serde(flatten)]
    pub row: ImportedRow,
    /// The name, as the file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<String>>,
    /// The address, as the file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<String>>,
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Whether it was done; otherwise it is what would be done now.
    pub committed: bool,
    /// The command that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// The position of the log of its last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// How many rows came to what.
    pub counts: Counts,
    /// What there is to say of the file as a whole, such as columns that are not used.
    pub notes: Vec<String>,
    /// Every row (of attendance, every cell), in the order of the file.
    pub rows: Vec<ReportRow>,
}

impl Report {
    /// A preview of rows: those that the file itself decided, and those that the domain did.
    pub fn new(notes: Vec<String>, people: &BTreeMap<u32, Shown>, rows: impl IntoIterator<Item = ImportedRow>) -> Self {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by_key(|row| (row.number, row.week));
        let mut counts = Counts::default();
        for row in &rows {
            *match row.outcome {
                RowOutcome::New => &mut counts.new,
                RowOutcome::Known => &mut counts.known,
                RowOutcome::Updated => &mut counts.updated,
                RowOutcome::Unchanged => &mut counts.unchanged,
                RowOutcome::Wrong => &mut counts.wrong,
            } += 1;
        }
        let rows = rows.into_iter().map(|row| {
            let Shown { name, email } = people.get(&row.number).cloned().unwrap_or_default();
            ReportRow { row, name, email }
        });
        Self { committed: false, command_id: None, position: None, counts, notes, rows: rows.collect() }
    }

    /// The same, done by a command.
    #[must_use]
    pub fn committed(self, command_id: CommandId, position: i64) -> Self {
        Self { committed: true, command_id: Some(command_id), position: Some(position), ..self }
    }
}
