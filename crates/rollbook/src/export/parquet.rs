//! Rows as Parquet, row group by row group: a group is written as soon as it is large enough, so that no more than one is
//! held.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::table::{Column, Kind};
use crate::failure::{Done, Failure};

/// The most rows in a group.
const GROUP_ROWS: usize = 50_000;
/// The most bytes of text in a group, nearly.
const GROUP_BYTES: usize = 16 << 20;

/// A Parquet file that is being written.
pub struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<(Column, Values)>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in this group; of an optional one also which rows have one.
struct Values {
    present: Vec<i16>,
    values: Typed,
}

enum Typed {
    Bytes(Vec<ByteArray>),
    Int(Vec<i32>),
    Big(Vec<i64>),
    Bool(Vec<bool>),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self::new(error)
    }
}

impl<W: Write + Send> Parquet<W> {
    /// A file of these columns; `notes` are kept in its metadata.
    pub fn start(columns: &[Column], notes: &[(&str, String)], out: W) -> Done<Self> {
        let schema = Arc::new(parse_message_type(&schema(columns))?);
        let notes = notes.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("rollbook {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(notes))
            .build();
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        let columns = columns.iter().map(|column| (*column, Values::empty(column.kind))).collect();
        Ok(Self { writer, columns, rows: 0, bytes: 0 })
    }

    /// Takes a row.
    pub fn row(&mut self, row: &Value) -> Done {
        for (column, values) in &mut self.columns {
            self.bytes += values.push(column, column.value(row))?;
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.end_group() } else { Ok(()) }
    }

    /// Ends the file; what it was written to.
    pub fn end(mut self) -> Done<W> {
        self.end_group()?;
        Ok(self.writer.into_inner()?)
    }

    fn end_group(&mut self) -> Done {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, values) in &mut self.columns {
            let mut writer =
                group.next_column()?.ok_or_else(|| Failure::new("the file has fewer columns than the table"))?;
            let values = std::mem::replace(values, Values::empty(column.kind));
            values.write(&mut writer, column.required)?;
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

/// The schema in Parquet's own language.
fn schema(columns: &[Column]) -> String {
    let fields = columns.iter().map(|column| {
        let repetition = if column.required { "required" } else { "optional" };
        let name = column.name();
        match column.kind {
            Kind::Text => format!("{repetition} binary {name} (string);"),
            Kind::Json => format!("{repetition} binary {name} (json);"),
            Kind::Int => format!("{repetition} int32 {name};"),
            Kind::Big => format!("{repetition} int64 {name};"),
            Kind::Bool => format!("{repetition} boolean {name};"),
            Kind::Instant => format!("{repetition} int64 {name} (timestamp(micros,true));"),
        }
    });
    format!("message rollbook {{ {} }}", fields.collect::<Vec<_>>().join(" "))
}

impl Values {
    fn empty(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text | Kind::Json => Typed::Bytes(Vec::new()),
            Kind::Int => Typed::Int(Vec::new()),
            Kind::Big | Kind::Instant => Typed::Big(Vec::new()),
            Kind::Bool => Typed::Bool(Vec::new()),
        };
        Self { present: Vec::new(), values }
    }

    /// Takes the value of one row; how many bytes of text it has.
    fn push(&mut self, column: &Column, value: &Value) -> Done<usize> {
        if value.is_null() && !column.required {
            self.present.push(0);
            return Ok(0);
        }
        let other = || Failure::new(format!("a value of {} is not of its type", column.path));
        self.present.push(1);
        match &mut self.values {
            Typed::Bytes(values) => {
                let text = match (column.kind, value) {
                    (Kind::Text, Value::String(text)) => text.clone(),
                    (Kind::Json, value) => value.to_string(),
                    _ => return Err(other()),
                };
                let length = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                return Ok(length);
            }
            Typed::Int(values) => {
                values.push(value.as_i64().and_then(|value| value.try_into().ok()).ok_or_else(other)?);
            }
            Typed::Big(values) if column.kind == Kind::Instant => {
                let instant = value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
                values.push(instant.ok_or_else(other)?.timestamp_micros());
            }
            Typed::Big(values) => values.push(value.as_i64().ok_or_else(other)?),
            Typed::Bool(values) => values.push(value.as_bool().ok_or_else(other)?),
        }
        Ok(0)
    }

    fn write(self, writer: &mut SerializedColumnWriter<'_>, required: bool) -> Result<(), ParquetError> {
        fn all<T: DataType>(
            writer: &mut SerializedColumnWriter<'_>,
            values: &[T::T],
            present: Option<&[i16]>,
        ) -> Result<(), ParquetError> {
            writer.typed::<T>().write_batch(values, present, None).map(drop)
        }
        let present = (!required).then_some(self.present.as_slice());
        match &self.values {
            Typed::Bytes(values) => all::<ByteArrayType>(writer, values, present),
            Typed::Int(values) => all::<Int32Type>(writer, values, present),
            Typed::Big(values) => all::<Int64Type>(writer, values, present),
            Typed::Bool(values) => all::<BoolType>(writer, values, present),
        }
    }
}

#[cfg(test)]
mod tests;
