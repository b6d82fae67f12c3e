//! The columns of a table, and how their values are laid out. Each type that a read model may use has its line in [`Type`].

use serde::Serialize;

use super::Unwritable;
use super::value::ValueWriter;

/// The columns of a table, `site_id` first, then in the order of the row's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(pub Vec<Column>);

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Type,
}

/// What a column holds, named as in `pg_type.typname`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Text,
    Uuid,
    Timestamptz,
    Date,
    Time,
    Jsonb,
    #[strum(serialize = "_int2")]
    Int2Array,
    #[strum(serialize = "_text")]
    TextArray,
    #[strum(serialize = "_uuid")]
    UuidArray,
}

impl Type {
    /// The type of an array's elements.
    pub(super) fn element(self) -> Option<Self> {
        match self {
            Self::Int2Array => Some(Self::Int2),
            Self::TextArray => Some(Self::Text),
            Self::UuidArray => Some(Self::Uuid),
            _ => None,
        }
    }

    /// Its oid, which PostgreSQL never changes.
    pub(super) fn oid(self) -> u32 {
        self.oids().0
    }

    /// The oid of arrays of it; of an array its own, because an array of arrays is no other type.
    pub(super) fn array_oid(self) -> u32 {
        self.oids().1
    }

    fn oids(self) -> (u32, u32) {
        match self {
            Self::Bool => (16, 1000),
            Self::Int2 => (21, 1005),
            Self::Int4 => (23, 1007),
            Self::Int8 => (20, 1016),
            Self::Text => (25, 1009),
            Self::Uuid => (2950, 2951),
            Self::Timestamptz => (1184, 1185),
            Self::Date => (1082, 1182),
            Self::Time => (1083, 1183),
            Self::Jsonb => (3802, 3807),
            Self::Int2Array => (1005, 1005),
            Self::TextArray => (1009, 1009),
            Self::UuidArray => (2951, 2951),
        }
    }
}

/// Appends a value with its length.
pub(super) fn put(out: &mut Vec<u8>, value: &[u8]) {
    // No value comes near 2 GiB: it came out of the database.
    out.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// Appends what a function writes, with its length before it.
fn put_with<E>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

pub(super) fn put_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

/// Writes one value of a type.
pub(super) fn put_value<T: Serialize + ?Sized>(kind: Type, value: &T, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    if kind != Type::Jsonb {
        return value.serialize(ValueWriter { kind, out });
    }
    let at = out.len();
    put_with(out, |out| {
        // The version of jsonb's binary form.
        out.push(1);
        serde_json::to_writer(&mut *out, value).map_err(|_| Unwritable("is no JSON".to_owned()))
    })?;
    // A column that is null, and not the JSON value of that name: so does the live engine, through jsonb_populate_recordset.
    if &out[at + 4..] == b"\x01null" {
        out.truncate(at);
        put_null(out);
    }
    Ok(())
}
