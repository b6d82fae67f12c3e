//! How much a value weighs: what is kept in memory is bounded in bytes, whatever it is made of.

use std::io;

use serde::Serialize;

/// How many bytes a value has as JSON, without writing it anywhere. What cannot be JSON weighs what came before.
pub fn bytes<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut counted = Counted(0);
    // A writer that only counts never fails, and neither do this crate's values.
    let _ = serde_json::to_writer(&mut counted, value);
    counted.0
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighs_what_it_is_as_json() {
        assert_eq!(bytes("kia ora"), 9);
        assert_eq!(bytes(&["字", "a"]), 11);
    }
}
