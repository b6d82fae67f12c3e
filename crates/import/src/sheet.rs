//! A CSV as a sheet: a heading that tells the separator, and records with the number of the line on which each begins.

use csv::{ReaderBuilder, StringRecord};

use crate::FileError;
use crate::text::{decode, shown};

/// How many names of columns a note lists.
const MOST_NOTED: usize = 20;

/// A sheet, read record by record.
pub struct Sheet<'t> {
    file: String,
    text: &'t str,
    heading: Vec<String>,
    records: Records<'t>,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The line on which it begins; the first of the file is 1.
    pub number: u32,
    /// Its cells.
    pub cells: StringRecord,
    /// Why it is none, where something about its shape is wrong.
    pub misshapen: Option<&'static str>,
}

impl Record {
    /// A cell, trimmed; empty where the column or the cell is not there.
    pub fn cell(&self, column: Option<usize>) -> &str {
        column.and_then(|column| self.cells.get(column)).unwrap_or_default().trim()
    }
}

impl<'t> Sheet<'t> {
    /// Opens a sheet. The separator is the one under which the heading has the most of the names that are looked for.
    pub fn open(file: &str, bytes: &'t [u8], is_known: impl Fn(&str) -> bool) -> Result<Self, FileError> {
        let text = decode(file, bytes)?;
        let mut best: Option<(usize, StringRecord, Records<'t>)> = None;
        for separator in [b',', b';', b'\t'] {
            let mut records = Records::new(text, separator);
            let Some(heading) = records.next_cells().transpose().map_err(|()| FileError::Empty)? else { continue };
            let known = heading.iter().filter(|name| is_known(&key(name))).count();
            if best.as_ref().is_none_or(|(most, ..)| known > *most) {
                best = Some((known, heading, records));
            }
        }
        let (_, heading, records) = best.ok_or(FileError::Empty)?;
        let heading = heading.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Self { file: file.to_owned(), text, heading, records })
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of the columns.
    pub fn heading(&self) -> &[String] {
        &self.heading
    }

    /// The column of a name, in any case and with or without spaces.
    pub fn column(&self, name: &'static str) -> Result<Option<usize>, FileError> {
        let wanted = key(name);
        let mut found = self.heading.iter().enumerate().filter(|(_, heading)| key(heading) == wanted);
        let first = found.next();
        match found.next() {
            Some((_, heading)) => Err(FileError::ColumnTwice { file: self.file.clone(), column: shown(heading) }),
            None => Ok(first.map(|(column, _)| column)),
        }
    }

    /// A note on the columns that nothing is taken from.
    pub fn ignored(&self, used: &[Option<usize>]) -> Option<String> {
        let names: Vec<_> = self
            .heading
            .iter()
            .enumerate()
            .filter(|(column, name)| !name.is_empty() && !used.contains(&Some(*column)))
            .map(|(_, name)| shown(name))
            .collect();
        let (first, rest) = names.split_at(names.len().min(MOST_NOTED));
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        (!names.is_empty()).then(|| format!("columns of {} that are not used: {}{more}", self.file, first.join(", ")))
    }

    /// The next record that is not blank.
    pub fn next_record(&mut self) -> Option<Record> {
        loop {
            // Text was checked to be text, and that is all that can be wrong with it.
            let cells = self.records.next_cells()?.ok()?;
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let beyond = cells.iter().skip(self.heading.len()).any(|cell| !cell.trim().is_empty());
            let misshapen = if self.records.is_last_unclosed(self.text) {
                Some("a quotation mark is opened here and never closed; everything after it is one row")
            } else {
                beyond.then_some("has more cells than the first line; put cells that contain the separator in quotes")
            };
            return Some(Record { number: self.records.line, cells, misshapen });
        }
    }
}

/// A column's name as names are compared.
pub fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The records of a text, and where the last one began.
struct Records<'t> {
    text: &'t str,
    reader: csv::Reader<&'t [u8]>,
    begin: usize,
    line: u32,
    counted: usize,
}

impl<'t> Records<'t> {
    fn new(text: &'t str, separator: u8) -> Self {
        let reader =
            ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(text.as_bytes());
        Self { text, reader, begin: 0, line: 1, counted: 0 }
    }

    fn next_cells(&mut self) -> Option<Result<StringRecord, ()>> {
        let mut cells = StringRecord::new();
        match self.reader.read_record(&mut cells) {
            Ok(false) => None,
            Ok(true) => {
                let position = cells.position().map_or(0, csv::Position::byte);
                self.begin_at(usize::try_from(position).unwrap_or(usize::MAX));
                Some(Ok(cells))
            }
            Err(_) => Some(Err(())),
        }
    }

    /// The reader counts from the end of the record before, and counts a lone carriage return as no line.
    fn begin_at(&mut self, position: usize) {
        let bytes = self.text.as_bytes();
        let blank = bytes.iter().skip(position).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.begin = position.saturating_add(blank).min(bytes.len());
        let passed = bytes.get(self.counted..self.begin).unwrap_or_default();
        let after = |at: usize| bytes.get(self.counted + at + 1);
        let breaks = passed
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'\n' || (**byte == b'\r' && after(*at) != Some(&b'\n')))
            .count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.counted = self.begin;
    }

    /// Whether the record that was read last is the last one, and goes over several lines because of a quotation mark that
    /// has no other.
    fn is_last_unclosed(&self, text: &str) -> bool {
        if !self.reader.is_done() && usize::try_from(self.reader.position().byte()).is_ok_and(|at| at < text.len()) {
            return false;
        }
        let record = text.get(self.begin..).unwrap_or_default().trim_end();
        record.contains(['\n', '\r']) && record.matches('"').count() % 2 == 1
    }
}
