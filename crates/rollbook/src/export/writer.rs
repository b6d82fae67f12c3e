//! Rows in the form that was asked for, written as they come.

use std::io::Write;

use rollbook_http::Sheet;
use serde_json::Value;

use super::parquet::Parquet;
use super::table::Column;
use crate::cli::ExportFormat;
use crate::failure::Done;

/// What rows are written with. It ends with [`Writer::end`], and is not whole without.
pub enum Writer<W: Write + Send> {
    /// As Parquet.
    Parquet(Box<Parquet<W>>),
    /// As CSV.
    Csv(Sheet, W),
    /// As JSON, one a line.
    Ndjson(W),
}

impl<W: Write + Send> Writer<W> {
    /// Begins; `notes` are for forms that have a place for them.
    pub fn start(format: ExportFormat, columns: &[Column], notes: &[(&str, String)], mut out: W) -> Done<Self> {
        Ok(match format {
            ExportFormat::Parquet => Self::Parquet(Box::new(Parquet::start(columns, notes, out)?)),
            ExportFormat::Csv => {
                let paths: Vec<_> = columns.iter().map(|column| column.path).collect();
                let sheet = Sheet::new(&paths);
                out.write_all(&sheet.heading()?)?;
                Self::Csv(sheet, out)
            }
            ExportFormat::Ndjson => Self::Ndjson(out),
        })
    }

    /// Writes rows.
    pub fn rows(&mut self, rows: &[Value]) -> Done {
        match self {
            Self::Parquet(parquet) => rows.iter().try_for_each(|row| parquet.row(row)),
            Self::Csv(sheet, out) => Ok(out.write_all(&sheet.lines(rows)?)?),
            Self::Ndjson(out) => {
                for row in rows {
                    serde_json::to_writer(&mut *out, row).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                Ok(())
            }
        }
    }

    /// Ends; what was written to.
    pub fn end(self) -> Done<W> {
        Ok(match self {
            Self::Parquet(parquet) => parquet.end()?,
            Self::Csv(_, out) | Self::Ndjson(out) => out,
        })
    }
}
