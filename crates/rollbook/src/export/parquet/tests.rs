//! What is written is read back.

use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use serde_json::json;

use super::*;

const COLUMNS: &[Column] = &[
    Column { path: "position", kind: Kind::Big, required: true },
    Column { path: "at", kind: Kind::Instant, required: true },
    Column { path: "actor.name", kind: Kind::Text, required: false },
    Column { path: "week", kind: Kind::Int, required: false },
    Column { path: "held", kind: Kind::Bool, required: true },
    Column { path: "data", kind: Kind::Json, required: true },
];

fn week(position: usize) -> Option<i32> {
    position.is_multiple_of(2).then_some(3)
}

fn held(position: usize) -> bool {
    position.is_multiple_of(3)
}

fn row(position: usize, name: &Value) -> Value {
    json!({ "position": position, "at": "2026-02-03T08:00:00.123456Z", "actor": { "name": name },
        "week": week(position), "held": held(position), "data": { "n": position } })
}

fn written(rows: impl IntoIterator<Item = Value>) -> SerializedFileReader<bytes_of::Bytes> {
    let notes = [("rollbook.position", "7".to_owned())];
    let mut parquet = Parquet::start(COLUMNS, &notes, Vec::new()).ok().unwrap();
    for row in rows {
        parquet.row(&row).ok().unwrap();
    }
    SerializedFileReader::new(bytes_of::Bytes::from(parquet.end().ok().unwrap())).unwrap()
}

/// The bytes that the reader reads from are of a crate that Parquet brings.
mod bytes_of {
    pub use axum::body::Bytes;
}

#[test]
fn every_value_is_read_back_with_its_type() {
    let names = [json!("Łukasz \"Ł\" Żak\n"), Value::Null, json!("")];
    let file = written((0..3).map(|nth| row(nth, &names[nth])));
    let schema = file.metadata().file_metadata().schema_descr();
    assert_eq!(schema.column(1).logical_type_ref(), Some(&LogicalType::timestamp(true, TimeUnit::MICROS)));
    assert_eq!(schema.column(2).logical_type_ref(), Some(&LogicalType::String));
    assert_eq!(schema.column(5).logical_type_ref(), Some(&LogicalType::Json));
    let notes = file.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(notes.iter().any(|note| note.key == "rollbook.position" && note.value.as_deref() == Some("7")));
    let rows: Vec<Vec<(String, Field)>> =
        file.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()).collect();
    for (nth, row) in rows.iter().enumerate() {
        let (columns, fields): (Vec<&str>, Vec<&Field>) =
            row.iter().map(|(name, field)| (name.as_str(), field)).unzip();
        assert_eq!(columns, ["position", "at", "actor_name", "week", "held", "data"]);
        let name = names[nth].as_str().map_or(Field::Null, |name| Field::Str(name.to_owned()));
        let week = week(nth).map_or(Field::Null, Field::Int);
        let expected = [
            Field::Long(i64::try_from(nth).unwrap()),
            Field::TimestampMicros(1_770_105_600_123_456),
            name,
            week,
            Field::Bool(held(nth)),
            Field::Str(format!("{{\"n\":{nth}}}")),
        ];
        assert!(fields.iter().copied().eq(&expected), "{row:?}");
    }
    assert_eq!(rows.len(), 3);
}

#[test]
fn a_group_is_written_when_it_is_large_enough() {
    let long = json!("x".repeat(GROUP_BYTES / 10));
    let file = written((0..25).map(|nth| row(nth, &long)));
    let groups: Vec<_> = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(groups.len(), 3, "{groups:?}");
    assert_eq!(groups.iter().sum::<i64>(), 25);
    let file = written((0..=GROUP_ROWS).map(|nth| row(nth, &Value::Null)));
    let groups: Vec<_> = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(groups, [50_000, 1]);
}

#[test]
fn a_table_without_rows_is_a_file_too() {
    let file = written([]);
    assert_eq!(file.metadata().file_metadata().num_rows(), 0);
    assert_eq!(file.get_row_iter(None).unwrap().count(), 0);
}

#[test]
fn a_value_of_another_type_is_said_and_not_guessed() {
    let mut parquet = Parquet::start(COLUMNS, &[], Vec::new()).ok().unwrap();
    let mut wrong = row(1, &Value::Null);
    wrong["position"] = json!("one");
    assert_eq!(parquet.row(&wrong).err().unwrap().to_string(), "a value of position is not of its type");
}
