//! Lists as CSV that a spreadsheet can open without running anything in it: RFC 4180, formulas disarmed.

use std::collections::BTreeSet;
use std::io;

use ::csv::{StringRecord, Terminator, WriterBuilder};
use serde::Serialize;
use serde_json::Value;

/// The media type.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// Writes rows under the named columns. `actor.name` reads a field of a field; a column whose values are objects becomes
/// one column per key that occurs (`attendance 1`, `attendance 2`); lists are joined by spaces.
pub fn write<T: Serialize>(columns: &[&'static str], rows: &[T]) -> io::Result<Vec<u8>> {
    let rows = rows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let sheet = Sheet(columns.iter().flat_map(|name| expand(name, &rows)).collect());
    Ok([sheet.heading()?, sheet.lines(&rows)?].concat())
}

/// Columns for rows that come little by little.
#[derive(Clone, Debug)]
pub struct Sheet(Vec<Column>);

impl Sheet {
    /// The named columns, as [`write`] reads them, but a value that is an object is written as JSON: which keys there are
    /// would be known only at the end.
    pub fn new(columns: &[&'static str]) -> Self {
        Self(columns.iter().map(|path| Column { path, key: None }).collect())
    }

    /// The first line.
    pub fn heading(&self) -> io::Result<Vec<u8>> {
        records([self.0.iter().map(Column::heading).collect()])
    }

    /// The lines of some rows.
    pub fn lines<T: Serialize>(&self, rows: &[T]) -> io::Result<Vec<u8>> {
        let rows = rows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        records(rows.iter().map(|row| self.0.iter().map(|column| column.cell(row)).collect()))
    }
}

fn records(records: impl IntoIterator<Item = StringRecord>) -> io::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        writer.write_record(&record)?;
    }
    writer.into_inner().map_err(::csv::IntoInnerError::into_error)
}

/// A column: a dotted path, and the key where its values are objects.
#[derive(Clone, Debug)]
struct Column {
    path: &'static str,
    key: Option<String>,
}

fn expand(path: &'static str, rows: &[Value]) -> Vec<Column> {
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

impl Column {
    fn heading(&self) -> String {
        let path = self.path.replace('.', "_");
        self.key.as_ref().map_or_else(|| path.clone(), |key| format!("{path} {key}"))
    }

    fn cell(&self, row: &Value) -> String {
        let value = at(row, self.path);
        let value = self.key.as_ref().map_or(value, |key| value.get(key).unwrap_or(&Value::Null));
        disarmed(&text(value))
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

/// The text of a cell; what a spreadsheet would take for a formula is marked as text by an apostrophe before it. A program may take
/// another character for the separator, as Excel does in many countries, so that is looked for behind each of them, and behind line
/// breaks.
pub fn disarmed(cell: &str) -> String {
    let mut disarmed = String::with_capacity(cell.len());
    let mut begins = true;
    for (at, character) in cell.char_indices() {
        if begins && is_invisible(character) {
            continue;
        }
        let separates = matches!(character, ';' | '\t' | '\r' | '\n');
        if begins && (is_a_formulas(character) || (at == 0 && separates && character != ';')) {
            disarmed.push('\'');
        }
        disarmed.push(character);
        begins = separates || (begins && character == ' ');
    }
    disarmed
}

/// What formulas begin with, also in the width in which East Asian spreadsheets take it for the same.
fn is_a_formulas(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
}

/// What nobody sees, and some programs leave out: soft hyphens, zero-width characters, marks of direction and byte order.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn csv(columns: &[&'static str], rows: &[Value]) -> String {
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
    fn disarms_what_a_spreadsheet_would_run_that_takes_another_character_for_the_separator() {
        for (written, disarmed) in [
            ("Dear;=HYPERLINK(A1)", "Dear;'=HYPERLINK(A1)"),
            ("Dear\n=1+40+1", "Dear\n'=1+40+1"),
            ("a\t@SUM(A1);\r\n+1", "a\t'@SUM(A1);\r\n'+1"),
            ("Dear; \u{200b}-1", "Dear; '-1"),
            ("\u{feff}\u{200b}=1", "'=1"),
            ("\u{ff1d}1\u{ff0b}1", "'\u{ff1d}1\u{ff0b}1"),
            ("one; two\nthree - four", "one; two\nthree - four"),
            ("Māori\u{200d}", "Māori\u{200d}"),
        ] {
            assert_eq!(super::disarmed(written), disarmed, "{written:?}");
        }
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
