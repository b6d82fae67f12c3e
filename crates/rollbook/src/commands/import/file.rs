//! The file of an import, from the disk: a CSV, or a OneRoster export as a folder or a ZIP. Never more bytes than are taken.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use rollbook_import::{FileError, Files, Limits, MAX_FILE_BYTES, ONEROSTER_FILES, unzip};

use crate::failure::{Done, Failure};

/// What was found.
pub enum Source {
    /// A CSV.
    Csv(Vec<u8>),
    /// The files of a OneRoster export.
    OneRoster(Files),
}

/// Reads what is at a path.
pub fn read(path: &Path) -> Done<Source> {
    let failed = |error| Failure::from(error).during(path.display());
    if path.metadata().map_err(failed)?.is_dir() {
        return folder(path);
    }
    let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let bytes = bounded(path, most).map_err(failed)?.ok_or(FileError::TooLarge { limit: MAX_FILE_BYTES })?;
    if bytes.starts_with(b"PK") && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
        return Ok(Source::OneRoster(unzip(&bytes, ONEROSTER_FILES, &Limits::default())?));
    }
    Ok(Source::Csv(bytes))
}

/// The files of an export that lie in a folder; those that are not there are for the export to say something about.
fn folder(path: &Path) -> Done<Source> {
    let limit = Limits::default().entry_bytes;
    let mut files = Files::new();
    for name in ONEROSTER_FILES {
        let file = path.join(name);
        match bounded(&file, limit) {
            Ok(Some(bytes)) => drop(files.insert((*name).to_owned(), bytes)),
            Ok(None) => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                return Err(Failure::from(FileError::TooLarge { limit }).during(file.display()));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::from(error).during(file.display())),
        }
    }
    Ok(Source::OneRoster(files))
}

/// A file's bytes, unless there are more than these.
fn bounded(path: &Path, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|length| length <= most).then_some(bytes))
}
