//! One value that is no JSON, from its serde form.

use std::fmt::{Display, Write as _};

use serde::ser::Impossible;
use serde::{Serialize, Serializer};

use super::Unwritable;
use super::array::ArrayWriter;
use super::column::{Type, put, put_null};
use super::text::{self, Short};

/// Writes a value of a type.
pub(super) struct ValueWriter<'o> {
    pub kind: Type,
    pub out: &'o mut Vec<u8>,
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
        let Some(element) = self.kind.element() else { return self.unfit("a list") };
        Ok(ArrayWriter::begin(element, self.out))
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
