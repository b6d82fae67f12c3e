//! Rosters as spreadsheets export them, and rows that are wrong.

use super::*;

fn read(text: &str) -> RosterFile {
    read_roster(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// Row, column and code of what is wrong.
fn wrong(text: &str) -> Vec<(u32, Option<String>, String)> {
    read(text).told.into_iter().map(|row| (row.number, row.column, row.code.unwrap())).collect()
}

fn names(read: &RosterFile) -> Vec<(u32, &str)> {
    read.rows.iter().map(|row| (row.number.unwrap(), row.name.as_ref().unwrap().reveal().as_str())).collect()
}

#[test]
fn reads_columns_in_any_order_and_lists_those_it_does_not_use() {
    let read = read("Phone,EMAIL,External ID,name,Colour\n1,zoe@example.org,LW-1,Zoë,red\n");
    assert_eq!(names(&read), [(2, "Zoë")]);
    assert_eq!(read.rows[0].external_id.as_ref().unwrap().reveal().as_str(), "LW-1");
    assert_eq!(read.notes, ["columns of the file that are not used: Phone, Colour"]);
}

#[test]
fn reads_semicolons_a_byte_order_mark_and_lines_inside_quotes() {
    let bytes = include_bytes!("../../../../fixtures/rosters/semicolons.csv");
    let read = read_roster(bytes).unwrap();
    assert_eq!(names(&read), [(2, "Ek; Zoë"), (4, "Maria José"), (6, "Lars")]);
    assert_eq!(read.rows[0].hub.as_ref().unwrap().as_str(), "Northland");
    assert!(read.told.is_empty() && read.notes.is_empty(), "{read:?}");
}

#[test]
fn reads_tabs_and_every_kind_of_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["", "name\temail", "", "Zoë, Dr\tzoe@example.org", "", "", "Lars\tlars@example.org", ""].join(end);
        assert_eq!(names(&read(&text)), [(4, "Zoë, Dr"), (7, "Lars")], "{end:?}");
    }
}

#[test]
fn names_the_row_the_column_and_the_reason() {
    let long = "x".repeat(201);
    let text = format!(
        "name,email,external_id,hub\n,a@example.org,,\nZoë,,,\nZoë,zoe,,\n{long},b@example.org,,\n\
         Zoë,c@example.org,{long},\n\"Z\u{0}\",d@example.org,,\nZoë,e@example.org,,{long}\nHo, Anna,f@example.org,,\n\
         Zoë,g@example.org,,,surplus\n"
    );
    let at = |number, column: &str, code: &str| (number, Some(column.to_owned()), code.to_owned());
    let expected = [
        at(2, "name", "missing"),
        at(3, "email", "missing"),
        at(4, "email", "not_an_email"),
        at(5, "name", "too_long"),
        at(6, "external_id", "too_long"),
        at(7, "name", "control_character"),
        at(8, "hub", "too_long"),
        at(9, "email", "not_an_email"),
        (10, None, "misshapen".to_owned()),
    ];
    assert_eq!(wrong(&text), expected);
}

#[test]
fn a_mebibyte_in_a_name_is_an_error_of_its_row_and_is_not_repeated() {
    let text = format!("name,email\n{},zoe@example.org\nLars,lars@example.org\n", "n".repeat(1 << 20));
    let read = read(&text);
    assert_eq!(names(&read), [(3, "Lars")]);
    assert_eq!(read.told[0].reason.as_deref(), Some("must be at most 200 characters; this has 1048576"));
    assert_eq!(read.people[&2].name, None);
    let report = serde_json::to_string(&read.report([])).unwrap();
    assert!(report.len() < 1_000, "{} bytes", report.len());
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_found() {
    let text = "name,email\nZoë,zoe@example.org\n\"Lars,lars@example.org\nAnna,anna@example.org\n";
    assert_eq!(names(&read(text)), [(2, "Zoë")]);
    assert_eq!(wrong(text), [(3, None, "misshapen".to_owned())]);
    assert!(wrong("name,email\n5\" Zoë,zoe@example.org\n").is_empty(), "a mark inside a cell is a mark");
}

#[test]
fn says_which_column_is_missing_or_there_twice() {
    let refusal = |text: &str| read_roster(text.as_bytes()).unwrap_err();
    assert!(matches!(refusal("Zoë,zoe@example.org\n"), FileError::MissingColumn { missing: "name", .. }));
    assert!(matches!(refusal("name,mail\n"), FileError::MissingColumn { missing: "email", .. }));
    assert!(matches!(refusal("name,email,e-mail\n"), FileError::ColumnTwice { .. }));
    assert_eq!(refusal("\r\n \r\n"), FileError::Empty);
}

#[test]
fn a_file_of_more_rows_than_one_command_takes_is_refused() {
    let row = "Zoë,zoe@example.org\n";
    assert!(read_roster(format!("name,email\n{}", row.repeat(MAX_ROWS)).as_bytes()).is_ok());
    let refusal = read_roster(format!("name,email\n{}", row.repeat(MAX_ROWS + 1)).as_bytes()).unwrap_err();
    assert!(matches!(refusal, FileError::TooMany { limit: MAX_ROWS, .. }));
}
