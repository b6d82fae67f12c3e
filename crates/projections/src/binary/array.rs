//! An array of values of one type.

use serde::Serialize;
use serde::ser::{SerializeSeq, SerializeTuple};

use super::Unwritable;
use super::column::{Type, put_value};

/// An array under way.
pub(super) struct ArrayWriter<'o> {
    element: Type,
    at: usize,
    count: i32,
    out: &'o mut Vec<u8>,
}

impl<'o> ArrayWriter<'o> {
    /// Begins an array of a type.
    pub fn begin(element: Type, out: &'o mut Vec<u8>) -> Self {
        let at = out.len();
        // Length of the value, dimensions, whether there are nulls, element type, elements, lower bound: see `end`.
        out.extend_from_slice(&[0; 24]);
        out[at + 12..at + 16].copy_from_slice(&element.oid().to_be_bytes());
        Self { element, at, count: 0, out }
    }
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
