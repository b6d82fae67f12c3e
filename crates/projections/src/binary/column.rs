//! One column's value in binary form. Each type that a read model may use has its line in [`Type`].

use std::fmt::{Display, Write as _};

use serde::ser::{Impossible, SerializeSeq, SerializeTuple};
use serde::{Serialize, Serializer};

use super::Unwritable;
use super::text::{self, Short};

/// The columns of a table, `site_id` first, then in the order of the row's fields.
#[derive(Clone, Debug)]
pub struct Columns(pub Vec<Column>);

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Type,
}

/// What a column holds, named as in `pg_type.typname`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
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
    /// The type of an array's elements, with its oid, which PostgreSQL never changes.
    fn element(self) -> Option<(Self, i32)> {
        match self {
            Self::Int2Array => Some((Self::Int2, 21)),
            Self::TextArray => Some((Self::Text, 25)),
            Self::UuidArray => Some((Self::Uuid, 2950)),
            _ => None,
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

fn put_null(out: &mut Vec<u8>) {
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

struct ValueWriter<'o> {
    kind: Type,
    out: &'o mut Vec<u8>,
}

impl ValueWriter<'_> {
    fn unfit<T>(&self, what: &str) -> Result<T, Unwritable> {
        Err(unfit(self.kind, what))
    }

    fn integer(self, value: i64) -> Result<(), Unwritable> {
        let fits = match self.kind {
            Type::Int2 => i16::try_from(value).map(|value| put(self.out, &value.to_be_bytes())).is_ok(),
            Type::Int4 => i32::try_from(value).map(|value| put(self.out, &value.to_be_bytes())).is_ok(),
            Type::Int8 => {
                put(self.out, &value.to_be_bytes());
                true
            }
            _ => false,
        };
        if fits { Ok(()) } else { self.unfit("a number") }
    }
}

fn unfit(kind: Type, what: &str) -> Unwritable {
    Unwritable(format!("is {what}, which does not fit {kind:?}"))
}

macro_rules! integers {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<(), Unwritable> {
            match i64::try_from(value) {
                Ok(value) => self.integer(value),
                Err(_) => self.unfit("a large number"),
            }
        }
    )*};
}

impl<'o> Serializer for ValueWriter<'o> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = ArrayWriter<'o>;
    type SerializeTuple = ArrayWriter<'o>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Impossible<(), Unwritable>;
    type SerializeStruct = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    /// So that ids come as their bytes.
    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        match self.kind {
            Type::Bool => put(self.out, &[u8::from(value)]),
            _ => return self.unfit("true or false"),
        }
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        self.unfit("a float")
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        self.unfit("a float")
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        let out = self.out;
        let written = match self.kind {
            Type::Text => Some(value.as_bytes()).map(|text| put(out, text)),
            Type::Timestamptz => text::instant(value).map(|micros| put(out, &micros.to_be_bytes())),
            Type::Date => text::date(value).map(|days| put(out, &days.to_be_bytes())),
            Type::Time => text::time(value).map(|micros| put(out, &micros.to_be_bytes())),
            Type::Uuid => uuid::Uuid::parse_str(value).ok().map(|id| put(out, id.as_bytes())),
            _ => None,
        };
        written.ok_or_else(|| unfit(self.kind, "a text"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        // Instants come this way, some for every row: their text never outgrows what is on the stack.
        let mut text = Short::default();
        match write!(text, "{value}") {
            Ok(()) => self.serialize_str(text.as_str()),
            Err(_) => self.serialize_str(&value.to_string()),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        match self.kind {
            Type::Uuid if value.len() == 16 => put(self.out, value),
            _ => return self.unfit("bytes"),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        put_null(self.out);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        self.unfit("a variant with a value")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ArrayWriter<'o>, Unwritable> {
        let Some((element, oid)) = self.kind.element() else { return self.unfit("a list") };
        let at = self.out.len();
        // Length of the value, dimensions, whether there are nulls, element type, elements, lower bound: see `end`.
        self.out.extend_from_slice(&[0; 24]);
        self.out[at + 12..at + 16].copy_from_slice(&oid.to_be_bytes());
        Ok(ArrayWriter { element, at, count: 0, out: self.out })
    }

    fn serialize_tuple(self, length: usize) -> Result<ArrayWriter<'o>, Unwritable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unwritable> {
        self.unfit("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        self.unfit("a variant with values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        self.unfit("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Unwritable> {
        self.unfit("an object")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        self.unfit("a variant with fields")
    }
}

/// An array under way.
pub(super) struct ArrayWriter<'o> {
    element: Type,
    at: usize,
    count: i32,
    out: &'o mut Vec<u8>,
}

impl SerializeSeq for ArrayWriter<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.count += 1;
        put_value(self.element, value, self.out)
    }

    fn end(self) -> Result<(), Unwritable> {
        let at = self.at;
        if self.count == 0 {
            // An empty array has no dimension.
            self.out.truncate(at + 16);
        } else {
            self.out[at + 4..at + 8].copy_from_slice(&1_i32.to_be_bytes());
            self.out[at + 16..at + 20].copy_from_slice(&self.count.to_be_bytes());
            self.out[at + 20..at + 24].copy_from_slice(&1_i32.to_be_bytes());
        }
        let length = i32::try_from(self.out.len() - at - 4).unwrap_or(i32::MAX);
        self.out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

impl SerializeTuple for ArrayWriter<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        SerializeSeq::end(self)
    }
}
