//! `manifest.csv`: which files an export has, and of which version of the standard they are.

use std::collections::HashMap;

use super::{ONEROSTER_FILES, required};
use crate::FileError;
use crate::archive::Files;
use crate::sheet::Sheet;
use crate::text::shown;

/// What the export says of itself.
pub struct Manifest {
    /// Of `OneRoster`.
    pub version: String,
    properties: HashMap<String, String>,
}

impl Manifest {
    /// Reads it.
    pub fn read(files: &Files) -> Result<Self, FileError> {
        let bytes = files.get("manifest.csv").ok_or_else(|| FileError::MissingFile {
            file: "manifest.csv",
            why: "is this a OneRoster export, and are its files at the top?".to_owned(),
        })?;
        let mut sheet = Sheet::open("manifest.csv", bytes, |name| ["propertyname", "value"].contains(&name))?;
        let name = required(&sheet, "propertyName")?;
        let value = required(&sheet, "value")?;
        let mut properties = HashMap::new();
        while let Some(record) = sheet.next_record()? {
            if properties.len() >= 1_000 {
                return Err(FileError::Manifest("has more than 1000 properties".to_owned()));
            }
            properties.insert(record.cell(name).to_lowercase(), record.cell(value).to_owned());
        }
        let version = properties.get("oneroster.version").cloned().unwrap_or_default();
        if !["1.1", "1.2"].iter().any(|known| version == *known || version.starts_with(&format!("{known}."))) {
            let found = if version.is_empty() { "is not given".to_owned() } else { format!("is {}", shown(&version)) };
            return Err(FileError::Manifest(format!("oneroster.version {found}; 1.1 and 1.2 are read")));
        }
        Ok(Self { version: shown(&version), properties })
    }

    /// A file, if the manifest says that it is there.
    pub fn file<'f>(&self, files: &'f Files, name: &'static str) -> Result<Option<&'f [u8]>, FileError> {
        let file = ONEROSTER_FILES.iter().find(|file| file.strip_suffix(".csv") == Some(name)).copied().unwrap_or(name);
        let mode = self.properties.get(&format!("file.{name}")).map_or("absent", String::as_str);
        match mode.to_lowercase().as_str() {
            "absent" => Ok(None),
            "bulk" | "delta" => files.get(file).map(|bytes| Some(bytes.as_slice())).ok_or_else(|| {
                FileError::MissingFile { file, why: format!("the manifest says that it is {}", shown(mode)) }
            }),
            _ => Err(FileError::Manifest(format!("file.{name} is {}; it must be bulk, delta or absent", shown(mode)))),
        }
    }
}
