//! A row's fields, column by column. Only structs are rows.

use std::fmt::Display;

use serde::ser::{Impossible, SerializeStruct};
use serde::{Serialize, Serializer};

use super::column::put_value;
use super::{Columns, Unwritable};

/// Writes a row without its site.
pub(super) struct RowWriter<'r> {
    pub columns: &'r Columns,
    pub out: &'r mut Vec<u8>,
}

/// The fields under way.
pub(super) struct FieldsWriter<'r> {
    row: RowWriter<'r>,
    next: usize,
}

impl SerializeStruct for FieldsWriter<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
        let column = self.row.columns.0.get(self.next).filter(|column| column.name == name);
        let Some(column) = column else { return Err(Unwritable(format!("field {name} is out of the columns' order"))) };
        self.next += 1;
        put_value(column.kind, value, self.row.out).map_err(|Unwritable(why)| Unwritable(format!("{name} {why}")))
    }

    fn end(self) -> Result<(), Unwritable> {
        match self.row.columns.0.get(self.next) {
            None => Ok(()),
            Some(missing) => Err(Unwritable(format!("there is no field for {}", missing.name))),
        }
    }
}

macro_rules! no_row {
    ($($method:ident($($argument:ty),*) -> $output:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$output, Unwritable> {
            no_row()
        }
    )*};
}

fn no_row<T>() -> Result<T, Unwritable> {
    Err(Unwritable("a row is a struct".to_owned()))
}

type Never = Impossible<(), Unwritable>;

impl<'r> Serializer for RowWriter<'r> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = FieldsWriter<'r>;
    type SerializeStructVariant = Never;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<FieldsWriter<'r>, Unwritable> {
        // The first column is the site's, which is no field.
        Ok(FieldsWriter { row: self, next: 1 })
    }

    no_row! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Unwritable> {
        no_row()
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
        no_row()
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Unwritable> {
        no_row()
    }
}
