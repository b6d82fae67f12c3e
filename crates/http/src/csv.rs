//! Lists as CSV that a spreadsheet can open without running anything in it: RFC 4180, formulas disarmed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::problem::ApiError;

/// The media type.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// Writes rows under the named columns. `actor.name` reads a field of a field; a column whose values are objects becomes
/// one column per key that occurs (`attendance 1`, `attendance 2`); lists are joined by spaces.
pub fn write<T: Serialize>(columns: &[&str], rows: &[T]) -> Result<Vec<u8>, ApiError> {
    let rows =
        rows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(|e| ApiError::internal(&e))?;
    let columns: Vec<Column<'_>> = columns.iter().flat_map(|name| expand(name, &rows)).collect();
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    let written = writer.write_record(columns.iter().map(Column::heading)).and_then(|()| {
        rows.iter().try_for_each(|row| writer.write_record(columns.iter().map(|column| column.cell(row))))
    });
    written.map_err(|e| ApiError::internal(&e))?;
    writer.into_inner().map_err(|e| ApiError::internal(&e))
}

/// A column: a dotted path, and the key where its values are objects.
struct Column<'n> {
    path: &'n str,
    key: Option<String>,
}

fn expand<'n>(path: &'n str, rows: &[Value]) -> Vec<Column<'n>> {
    let objects = rows.iter().filter_map(|row| at(row, path).as_object());
    // Weeks are numbers written as text: 10 comes after 9.
    let keys: BTreeSet<(u64, &String)> =
        objects.flat_map(serde_json::Map::keys).map(|key| (key.parse().unwrap_or(u64::MAX), key)).collect();
    if keys.is_empty() {
        vec![Column { path, key: None }]
    } else {
        keys.into_iter().map(|(_, key)| Column { path, key: Some(key.clone()) }).collect()
    }
}

fn at<'v>(row: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(row, |value, field| value.get(field).unwrap_or(&Value::Null))
}

impl Column<'_> {
    fn heading(&self) -> String {
        let path = self.path.replace('.', "_");
        self.key.as_ref().map_or_else(|| path.clone(), |key| format!("{path} {key}"))
    }

    fn cell(&self, row: &Value) -> String {
        let value = at(row, self.path);
        let value = self.key.as_ref().map_or(value, |key| value.get(key).unwrap_or(&Value::Null));
        disarmed(text(value))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::Object(fields) if fields.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The text of a cell; what a spreadsheet would take for a formula is marked as text by an apostrophe before it.
pub fn disarmed(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn csv(columns: &[&str], rows: &[Value]) -> String {
        String::from_utf8(write(columns, rows).unwrap()).unwrap()
    }

    #[test]
    fn disarms_what_a_spreadsheet_would_run() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            let written = csv(&["name"], &[json!({ "name": formula })]);
            let cell = written.strip_prefix("name\r\n").unwrap().trim_start_matches('"');
            assert!(cell.starts_with('\''), "{written:?}");
        }
        assert_eq!(csv(&["name"], &[json!({ "name": "Anna = Ho" })]), "name\r\nAnna = Ho\r\n");
    }

    #[test]
    fn quotes_as_rfc_4180_says() {
        let row = json!({ "name": "Ho, \"Anna\"\nMaria", "note": null });
        assert_eq!(csv(&["name", "note"], &[row]), "name,note\r\n\"Ho, \"\"Anna\"\"\nMaria\",\r\n");
    }

    #[test]
    fn spreads_weeks_over_columns_in_their_order() {
        let rows =
            [json!({ "attendance": { "10": "late", "2": "absent" } }), json!({ "attendance": { "1": "present" } })];
        let expected = "attendance 1,attendance 2,attendance 10\r\n,absent,late\r\npresent,,\r\n";
        assert_eq!(csv(&["attendance"], &rows), expected);
    }

    #[test]
    fn reads_fields_of_fields_and_joins_lists() {
        let row = json!({ "actor": { "name": "Jo" }, "weeks": [1, 3] });
        assert_eq!(csv(&["actor.name", "weeks", "gone.away"], &[row]), "actor_name,weeks,gone_away\r\nJo,1 3,\r\n");
        assert_eq!(csv(&["attendance"], &[]), "attendance\r\n");
    }
}
