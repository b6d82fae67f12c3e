//! A ZIP as the files in it, read on the assumption that it lies: about sizes, about names, about how many there are.
//! Nothing of it is ever written anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::read::ZipFile;

use crate::FileError;
use crate::text::shown;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a ZIP may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most entries.
    pub entries: usize,
    /// The most bytes of one entry, unpacked.
    pub entry_bytes: u64,
    /// The most bytes of all of them, unpacked.
    pub total_bytes: u64,
    /// The most bytes that one packed byte may stand for. Text comes to some twenty.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 64, entry_bytes: 64 << 20, total_bytes: 128 << 20, ratio: 200 }
    }
}

/// An entry that is small cannot do harm, however well it is packed.
const RATIO_COUNTS_FROM_BYTES: u64 = 1 << 20;

/// Unpacks the wanted files. An entry that is not wanted is not read, but must be harmless too.
pub fn unzip(bytes: &[u8], wanted: &[&str], limits: &Limits) -> Result<Files, FileError> {
    listed_once(bytes, limits)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut files = Files::new();
    let mut total = 0;
    for index in 0..archive.len() {
        let name = {
            let entry = archive.by_index_raw(index).map_err(unreadable)?;
            harmless(&entry)?
        };
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        let entry = archive.by_index(index).map_err(unreadable)?;
        let content = read(entry, &name, limits)?;
        total += u64::try_from(content.len()).unwrap_or(u64::MAX);
        if total > limits.total_bytes {
            return Err(refused(&name, format!("all together unpack to more than {} bytes", limits.total_bytes)));
        }
        files.insert(name, content);
    }
    Ok(files)
}

/// The name of an entry that is a plain file at the top, in the clear.
fn harmless(entry: &ZipFile<'_, Cursor<&[u8]>>) -> Result<String, FileError> {
    let name = entry.name().map_err(unreadable)?.into_owned();
    let why = if entry.encrypted() {
        "it is encrypted; zip the files without a password"
    } else if entry.is_symlink() {
        "it is a link"
    } else if name.contains("..") || name.starts_with(['/', '\\']) || name.contains(':') {
        "its name leads out of the ZIP file"
    } else if entry.is_dir() || name.contains(['/', '\\']) {
        "it is in a folder; zip the files themselves, not the folder that they are in"
    } else {
        return Ok(name);
    };
    Err(refused(&name, why))
}

/// Reads an entry as far as it may go, whatever it says of its size.
fn read(entry: ZipFile<'_, Cursor<&[u8]>>, name: &str, limits: &Limits) -> Result<Vec<u8>, FileError> {
    let packed = entry.compressed_size().max(1);
    let most = limits.entry_bytes.min(packed.saturating_mul(limits.ratio).max(RATIO_COUNTS_FROM_BYTES));
    let mut content = Vec::new();
    entry
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(|error| refused(name, format!("it cannot be unpacked: {error}")))?;
    if u64::try_from(content.len()).is_ok_and(|length| length <= most) {
        return Ok(content);
    }
    let why = if most == limits.entry_bytes {
        format!("it unpacks to more than {} bytes", limits.entry_bytes)
    } else {
        format!("it unpacks to more than {} times its size", limits.ratio)
    };
    Err(refused(name, why))
}

/// Walks the directory at the end, before anything is made of it: how many entries it lists, and each name once. A reader
/// that keeps entries by name would show the last one of several.
fn listed_once(bytes: &[u8], limits: &Limits) -> Result<(), FileError> {
    const END: [u8; 4] = *b"PK\x05\x06";
    const ENTRY: [u8; 4] = *b"PK\x01\x02";
    const END_BYTES: usize = 22;
    const ENTRY_BYTES: usize = 46;
    let torn = || FileError::Zip("it has no directory; is it a ZIP file, and is it whole?".to_owned());
    let end = bytes.windows(4).rposition(|window| window == END).ok_or_else(torn)?;
    let tail = bytes.get(end..).filter(|tail| tail.len() >= END_BYTES).ok_or_else(torn)?;
    let count = usize::from(u16_at(tail, 10).ok_or_else(torn)?);
    if count > limits.entries {
        return Err(FileError::Zip(format!("it has {count} entries; at most {} are taken", limits.entries)));
    }
    let begin = u32_at(tail, 16).and_then(|begin| usize::try_from(begin).ok()).ok_or_else(torn)?;
    let mut rest = bytes.get(begin..end).ok_or_else(torn)?;
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let lengths: Option<Vec<usize>> = [28, 30, 32].iter().map(|at| u16_at(rest, *at).map(usize::from)).collect();
        let lengths = lengths.filter(|_| rest.starts_with(&ENTRY)).ok_or_else(torn)?;
        let name = rest.get(ENTRY_BYTES..ENTRY_BYTES + lengths[0]).ok_or_else(torn)?;
        if !names.insert(name) {
            return Err(refused(&String::from_utf8_lossy(name), "it is there twice"));
        }
        rest = rest.get(ENTRY_BYTES + lengths.iter().sum::<usize>()..).ok_or_else(torn)?;
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn refused(name: &str, why: impl Into<String>) -> FileError {
    FileError::Entry { entry: shown(name), why: why.into() }
}

fn unreadable(error: impl std::fmt::Display) -> FileError {
    FileError::Zip(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, content) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        unzip(bytes, &["users.csv"], &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn unpacks_what_is_wanted() {
        let files = unzip(&zipped(&[("users.csv", b"a"), ("logo.png", b"b")]), &["users.csv"], &Limits::default());
        assert_eq!(files.unwrap(), Files::from([("users.csv".to_owned(), b"a".to_vec())]));
    }

    #[test]
    fn refuses_what_unpacks_to_far_more_than_it_is() {
        let bomb = zipped(&[("users.csv", &vec![b'a'; 30 << 20])]);
        assert!(bomb.len() < 100_000, "a bomb is small: {}", bomb.len());
        assert!(refusal(&bomb).contains("more than 200 times its size"), "{}", refusal(&bomb));
    }

    #[test]
    fn refuses_what_lies_about_its_size() {
        let mut bomb = zipped(&[("users.csv", &vec![b'a'; 30 << 20])]);
        // The directory says that it unpacks to one byte.
        let at = bomb.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
        bomb[at + 24..at + 28].copy_from_slice(&1_u32.to_le_bytes());
        assert!(unzip(&bomb, &["users.csv"], &Limits::default()).is_err());
    }

    #[test]
    fn refuses_more_bytes_than_it_takes_in_one_and_in_all() {
        let content: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let limits = Limits { entry_bytes: 500_000, ..Limits::default() };
        let one = zipped(&[("users.csv", &content)]);
        assert!(unzip(&one, &["users.csv"], &limits).unwrap_err().to_string().contains("more than 500000 bytes"));
        let limits = Limits { total_bytes: 1_000_000, ..Limits::default() };
        let two = zipped(&[("users.csv", &content), ("classes.csv", &content)]);
        let refused = unzip(&two, &["users.csv", "classes.csv"], &limits).unwrap_err().to_string();
        assert!(refused.contains("all together"), "{refused}");
    }

    #[test]
    fn refuses_names_that_lead_elsewhere() {
        for name in ["../users.csv", "/users.csv", "C:\\users.csv", "a/../../users.csv"] {
            assert!(refusal(&zipped(&[(name, b"a")])).contains("leads out"), "{name}");
        }
        assert!(refusal(&zipped(&[("export/users.csv", b"a")])).contains("in a folder"));
    }

    #[test]
    fn refuses_an_entry_that_is_there_twice() {
        // Writers refuse this too, so the second name is changed to the first where it is written: twice.
        let mut twice = zipped(&[("users.csv", b"first"), ("usera.csv", b"second")]);
        for at in 0..twice.len() - 9 {
            if twice[at..].starts_with(b"usera.csv") {
                twice[at..at + 9].copy_from_slice(b"users.csv");
            }
        }
        assert!(refusal(&twice).contains("there twice"), "{}", refusal(&twice));
    }

    #[test]
    fn refuses_an_encrypted_entry() {
        let mut locked = zipped(&[("users.csv", b"secret")]);
        for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
            let at = locked.windows(4).position(|window| window == signature).unwrap();
            locked[at + flags] |= 1;
        }
        assert!(refusal(&locked).contains("encrypted"), "{}", refusal(&locked));
    }

    #[test]
    fn refuses_more_entries_than_it_takes() {
        let names: Vec<_> = (0..65).map(|n| format!("{n}.csv")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), &b"a"[..])).collect();
        assert!(refusal(&zipped(&many)).contains("65 entries"));
    }

    #[test]
    fn a_file_cut_short_is_said_to_be_no_zip() {
        let whole = zipped(&[("users.csv", b"sourcedId\n1")]);
        for length in 0..whole.len() {
            assert!(unzip(&whole[..length], &["users.csv"], &Limits::default()).is_err(), "{length}");
        }
    }
}
