//! The columns of what is exported: where in a row each value stands, and its type.

use serde_json::Value;

use crate::cli::Exported;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; ids too, which every reader of Parquet takes as text and not all as 16 bytes.
    Text,
    /// A small number.
    Int,
    /// A position or a version.
    Big,
    /// Yes or no.
    Bool,
    /// An instant, in microseconds and UTC.
    Instant,
    /// Something with parts, as JSON text.
    Json,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// A field of the row, or a field of a field after a dot.
    pub path: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether every row has one.
    pub required: bool,
}

impl Column {
    const fn new(path: &'static str, kind: Kind) -> Self {
        Self { path, kind, required: true }
    }

    const fn optional(path: &'static str, kind: Kind) -> Self {
        Self { path, kind, required: false }
    }

    /// Its name: the path with underscores.
    pub fn name(&self) -> String {
        self.path.replace('.', "_")
    }

    /// Its value in a row.
    pub fn value<'v>(&self, row: &'v Value) -> &'v Value {
        self.path.split('.').fold(row, |value, field| value.get(field).unwrap_or(&Value::Null))
    }
}

/// The columns of a table.
pub fn columns(what: Exported) -> &'static [Column] {
    match what {
        Exported::Events => EVENTS,
        Exported::Roster => ROSTER,
        Exported::Audit => AUDIT,
    }
}

const EVENTS: &[Column] = &[
    Column::new("position", Kind::Big),
    Column::new("recorded_at", Kind::Instant),
    Column::new("stream_type", Kind::Text),
    Column::new("stream", Kind::Text),
    Column::new("sequence", Kind::Big),
    Column::new("type", Kind::Text),
    Column::new("version", Kind::Text),
    Column::optional("actor.id", Kind::Text),
    Column::optional("actor.name", Kind::Text),
    Column::optional("authority", Kind::Text),
    Column::new("command_id", Kind::Text),
    Column::new("data", Kind::Json),
];

const ROSTER: &[Column] = &[
    Column::new("enrolment_id", Kind::Text),
    Column::new("cohort_id", Kind::Text),
    Column::new("cohort", Kind::Text),
    Column::new("person_id", Kind::Text),
    Column::new("name", Kind::Text),
    Column::new("email", Kind::Text),
    Column::optional("hub_id", Kind::Text),
    Column::optional("hub", Kind::Text),
    Column::new("status", Kind::Text),
    Column::new("week", Kind::Int),
    Column::new("held", Kind::Bool),
    Column::optional("held_reason", Kind::Text),
    Column::new("attendance", Kind::Json),
    Column::new("absences", Kind::Int),
    Column::new("flagged", Kind::Bool),
    Column::optional("marker_id", Kind::Text),
    Column::optional("marker", Kind::Text),
    Column::new("reflections", Kind::Json),
    Column::optional("moved_from", Kind::Text),
    Column::optional("moved_to", Kind::Text),
    Column::new("enrolled_at", Kind::Instant),
];

const AUDIT: &[Column] = &[
    Column::new("at", Kind::Instant),
    Column::optional("actor.id", Kind::Text),
    Column::optional("actor.name", Kind::Text),
    Column::optional("authority", Kind::Text),
    Column::new("action", Kind::Text),
    Column::optional("subject.enrolment_id", Kind::Text),
    Column::new("subject.name", Kind::Text),
    Column::optional("subject.person_id", Kind::Text),
    Column::optional("subject.cohort_id", Kind::Text),
    Column::optional("subject.hub_id", Kind::Text),
    Column::optional("subject.module_id", Kind::Text),
    Column::optional("from_week", Kind::Int),
    Column::optional("to_week", Kind::Int),
    Column::optional("reason", Kind::Text),
    Column::new("command_id", Kind::Text),
    Column::new("position", Kind::Big),
];

#[cfg(test)]
mod tests {
    use rollbook_projections::models::audit_trail::AuditItem;

    use super::*;

    #[test]
    fn the_audit_has_the_columns_that_it_has_elsewhere() {
        assert!(AUDIT.iter().map(|column| column.path).eq(AuditItem::COLUMNS.iter().copied()));
    }
}
