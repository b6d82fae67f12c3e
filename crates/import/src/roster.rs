//! A roster as CSV: a person a row, under `name`, `email`, and where there are such columns `external_id` and `hub`.

use std::collections::BTreeMap;

use rollbook_domain::Personal;
use rollbook_domain::cohort::{ImportedRow, MAX_ROWS, RosterRow};
use rollbook_domain::text::{Email, ExternalId, Name, TextError};

use crate::report::Shown;
use crate::sheet::{Record, Sheet, key};
use crate::text::clean;
use crate::{FileError, Report};

/// A roster that was read.
#[derive(Clone, Debug, Default)]
pub struct RosterFile {
    /// The rows that can be asked for.
    pub rows: Vec<RosterRow>,
    /// The rows that the file itself decides: wrong ones, and those that are only told.
    pub told: Vec<ImportedRow>,
    /// Who the rows are about.
    pub people: BTreeMap<u32, Shown>,
    /// What there is to say of the file as a whole.
    pub notes: Vec<String>,
}

/// Reads a roster.
pub fn read_roster(bytes: &[u8]) -> Result<RosterFile, FileError> {
    const NEEDED: &str = "name and email, and may name external_id and hub";
    let mut sheet = Sheet::open("the file", bytes, |name| ["name", "email", "externalid", "hub"].contains(&name))?;
    let [name, email, external_id, hub] =
        [sheet.column("name")?, sheet.column("email")?, sheet.column("external_id")?, sheet.column("hub")?];
    for (column, missing) in [(name, "name"), (email, "email")] {
        if column.is_none() {
            return Err(FileError::MissingColumn { file: sheet.file().to_owned(), missing, needed: NEEDED });
        }
    }
    let mut read = RosterFile::default();
    read.notes.extend(sheet.ignored(&[name, email, external_id, hub]));
    while let Some(record) = sheet.next_record()? {
        if read.len() >= MAX_ROWS {
            return Err(FileError::TooMany { file: sheet.file().to_owned(), what: "rows", limit: MAX_ROWS });
        }
        let cells = Cells {
            name: record.cell(name),
            email: record.cell(email),
            external_id: record.cell(external_id),
            hub: record.cell(hub),
        };
        read.add(record.number, misshapen(&record).and_then(|()| cells.row(record.number)), &cells);
    }
    Ok(read)
}

/// The cells of a row, as they stand in the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cells<'c> {
    pub name: &'c str,
    pub email: &'c str,
    pub external_id: &'c str,
    pub hub: &'c str,
}

impl Cells<'_> {
    /// The row, or the first thing that is wrong with it.
    pub fn row(&self, number: u32) -> Result<RosterRow, Misread> {
        let name = Name::try_new(&one_line(self.name)).map_err(|error| Misread::text("name", &error))?;
        if self.email.is_empty() {
            return Err(Misread::text("email", &TextError::Empty));
        }
        let email = Email::try_new(self.email).map_err(|error| Misread::text("email", &error))?;
        Ok(RosterRow {
            number: Some(number),
            name: Some(Personal::new(name)),
            email: Some(Personal::new(email)),
            external_id: optional(self.external_id, ExternalId::try_new)
                .map_err(|error| Misread::text("external_id", &error))?
                .map(Personal::new),
            hub: optional(self.hub, Name::try_new).map_err(|error| Misread::text("hub", &error))?,
            new_ids: None,
        })
    }
}

impl RosterFile {
    /// How many rows there are so far.
    pub fn len(&self) -> usize {
        self.rows.len() + self.told.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a row, or what is wrong with it.
    pub fn add(&mut self, number: u32, row: Result<RosterRow, Misread>, cells: &Cells<'_>) {
        self.people.insert(number, shown(cells.name, cells.email));
        match row {
            Ok(row) => self.rows.push(row),
            Err(misread) => self.told.push(misread.told(number)),
        }
    }

    /// The report on the rows, with what the domain says of those that were asked for.
    pub fn report(&self, decided: impl IntoIterator<Item = ImportedRow>) -> Report {
        Report::new(self.notes.clone(), &self.people, self.told.iter().cloned().chain(decided))
    }
}

/// What is wrong with a row before anybody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    column: Option<&'static str>,
    code: &'static str,
    reason: String,
}

impl Misread {
    pub fn new(column: Option<&'static str>, code: &'static str, reason: impl Into<String>) -> Self {
        Self { column, code, reason: reason.into() }
    }

    /// A cell that its field does not take; the text is not repeated.
    pub fn text(column: &'static str, error: &TextError) -> Self {
        let (code, reason) = match error {
            TextError::Empty => ("missing", "is missing".to_owned()),
            TextError::TooLong { .. } => ("too_long", error.to_string()),
            TextError::ControlCharacter => ("control_character", error.to_string()),
            TextError::LineBreak => ("line_break", error.to_string()),
            TextError::Direction(_) => ("direction_of_writing", error.to_string()),
            TextError::NoCharacter(_) => ("no_character", error.to_string()),
            TextError::Unseen(_) => ("unseen_character", error.to_string()),
            TextError::LooksLikeAnother(_) => ("looks_like_another", error.to_string()),
            TextError::NotAnEmail => ("not_an_email", error.to_string()),
            TextError::MixedScripts => ("mixed_scripts", error.to_string()),
        };
        Self::new(Some(column), code, reason)
    }

    /// The same, in a line of another file.
    pub fn in_line(self, line: &str) -> Self {
        Self { reason: format!("{} ({line})", self.reason), ..self }
    }

    pub fn told(&self, number: u32) -> ImportedRow {
        ImportedRow::wrong(number, self.column, self.code, &*self.reason)
    }
}

/// Refuses a record whose shape is wrong.
pub fn misshapen(record: &Record) -> Result<(), Misread> {
    record.misshapen.map_or(Ok(()), |why| Err(Misread::new(None, "misshapen", why)))
}

/// What of a row can be shown: what is longer than a field may be is not.
pub fn shown(name: &str, email: &str) -> Shown {
    let short = |text: &str, most: usize| {
        (!text.is_empty() && text.chars().nth(most).is_none()).then(|| Personal::new(clean(&one_line(text))))
    };
    Shown { name: short(name, 200), email: short(email, Email::MAX) }
}

pub fn optional<T>(cell: &str, read: impl Fn(&str) -> Result<T, TextError>) -> Result<Option<T>, TextError> {
    if cell.is_empty() { Ok(None) } else { read(cell).map(Some) }
}

/// A name that goes over several lines of its cell is one name.
fn one_line(text: &str) -> String {
    if text.contains(['\n', '\r', '\t']) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}

/// Whether a name of a column is one of these.
pub fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| key(known) == name)
}

#[cfg(test)]
mod tests;
