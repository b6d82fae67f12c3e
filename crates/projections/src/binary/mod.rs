//! Rows as PostgreSQL's binary COPY takes them, or a statement's parameters, written from their serde form by the types of the
//! table's columns. Nothing here knows a read model or a connection.

mod array;
mod arrays;
mod column;
mod row;
mod text;
mod value;

use rollbook_domain::SiteId;
use serde::Serialize;

pub use arrays::Arrays;
pub(crate) use arrays::{Array, unnested};
pub use column::{Column, Columns, Type};

/// Begins a COPY: the signature, no flags, no extension.
pub(crate) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Ends a COPY.
pub(crate) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Appends a row: the site, and a field for each other column, in their order.
pub(crate) fn append<R: Serialize>(
    columns: &Columns,
    site: SiteId,
    row: &R,
    out: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let count =
        i16::try_from(columns.0.len()).map_err(|_| <serde_json::Error as serde::ser::Error>::custom("columns"))?;
    out.extend_from_slice(&count.to_be_bytes());
    column::put(out, site.0.as_bytes());
    row.serialize(row::RowWriter { columns, out }).map_err(<serde_json::Error as serde::ser::Error>::custom)
}

/// Why a row cannot be written. It names the column and never a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unwritable(String);

impl serde::ser::Error for Unwritable {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
