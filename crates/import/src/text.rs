//! Bytes as text: UTF-8 with or without a byte order mark. Anything else is named, never guessed at.

use crate::FileError;

/// The text of a file.
pub fn decode<'b>(file: &str, bytes: &'b [u8]) -> Result<&'b str, FileError> {
    let encoding = |looks_like: String| Err(FileError::Encoding { file: file.to_owned(), looks_like });
    let not_csv = |looks_like| Err(FileError::NotCsv { file: file.to_owned(), looks_like });
    match bytes {
        [0xFF, 0xFE, ..] => return encoding("UTF-16 (little endian)".to_owned()),
        [0xFE, 0xFF, ..] => return encoding("UTF-16 (big endian)".to_owned()),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => return not_csv("a ZIP file or an Excel workbook"),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => return not_csv("an old Excel workbook"),
        [b'%', b'P', b'D', b'F', ..] => return not_csv("a PDF"),
        _ => {}
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    // Latin letters in UTF-16 have a zero in every other byte; no text of a roster has many.
    let start = &bytes[..bytes.len().min(1_000)];
    if start.len() >= 8 && start.split(|byte| *byte == 0).count() * 3 > start.len() {
        return encoding("UTF-16 without a byte order mark".to_owned());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Err(FileError::Empty),
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.valid_up_to();
            let line = bytes[..at].split(|byte| *byte == b'\n').count();
            let byte = bytes.get(at).copied().unwrap_or_default();
            encoding(format!("Latin-1 or Windows-1252 (byte {byte:#04x} in line {line})"))
        }
    }
}

/// A column's or a file's name as an error or a note shows it.
pub fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = clean(text).chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// The text without control characters, which a terminal could obey.
pub fn clean(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_like(bytes: &[u8]) -> String {
        match decode("a.csv", bytes) {
            Err(FileError::Encoding { looks_like, .. }) => looks_like,
            Err(FileError::NotCsv { looks_like, .. }) => looks_like.to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_utf_8_with_and_without_a_byte_order_mark() {
        assert_eq!(decode("a.csv", "\u{FEFF}näme".as_bytes()), Ok("näme"));
        assert_eq!(decode("a.csv", "näme".as_bytes()), Ok("näme"));
    }

    #[test]
    fn names_what_else_it_looks_like() {
        let utf_16: Vec<u8> = "name,email\nZoë".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(looks_like(&[&[0xFF, 0xFE], &*utf_16].concat()).starts_with("UTF-16 (little"));
        assert!(looks_like(&utf_16).starts_with("UTF-16 without"));
        assert!(
            looks_like(b"name,email\nZo\xEB,z@example.org").contains("Latin-1 or Windows-1252 (byte 0xeb in line 2)")
        );
        assert!(looks_like(b"PK\x03\x04rest").contains("Excel"));
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        for bytes in [&b""[..], b" \r\n\n", b"\xEF\xBB\xBF"] {
            assert_eq!(decode("a.csv", bytes), Err(FileError::Empty));
        }
    }
}
