//! A CSV as a sheet: a heading that tells the separator, and records with the number of the line on which each begins.

use std::mem;

use csv::StringRecord;
use csv_core::ReadRecordResult;

use crate::FileError;
use crate::text::{decode, shown};

/// The most cells of a record: the columns of `OneRoster` with a system's own beside them, or a year of weeks.
const MOST_CELLS: usize = 200;

/// The most bytes of the heading, and of another record, which may hold a long remark.
const MOST_HEADING_BYTES: usize = 64 << 10;
const MOST_BYTES: usize = 2 << 20;

/// How many names of columns a note lists.
const MOST_NOTED: usize = 20;

/// A sheet, read record by record.
pub struct Sheet<'t> {
    file: String,
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
            let Some(heading) = records.next_cells(MOST_HEADING_BYTES).map_err(|unread| records.why(file, &unread))?
            else {
                continue;
            };
            let known = heading.iter().filter(|name| is_known(&key(name))).count();
            if best.as_ref().is_none_or(|(most, ..)| known > *most) {
                best = Some((known, heading, records));
            }
        }
        let (_, heading, records) = best.ok_or(FileError::Empty)?;
        let heading = heading.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Self { file: file.to_owned(), heading, records })
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
    pub fn next_record(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            let cells = self.records.next_cells(MOST_BYTES).map_err(|unread| self.records.why(&self.file, &unread))?;
            let Some(cells) = cells else { return Ok(None) };
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let beyond = cells.iter().skip(self.heading.len()).any(|cell| !cell.trim().is_empty());
            let misshapen = if self.records.is_last_unclosed() {
                Some("a quotation mark is opened here and never closed; everything after it is one row")
            } else {
                beyond.then_some("has more cells than the first line; put cells that contain the separator in quotes")
            };
            return Ok(Some(Record { number: self.records.line, cells, misshapen }));
        }
    }
}

/// A column's name as names are compared.
pub fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The records of a text, and where the last one began. Nothing of a record is kept beyond its bounds.
struct Records<'t> {
    text: &'t str,
    reader: csv_core::Reader,
    /// What has been read of the text.
    position: usize,
    /// What cells consist of, and where each ends. There is room for one more of either than there may be.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    begin: usize,
    line: u32,
    counted: usize,
}

/// A record that is not read.
enum Unread {
    TooWide,
    TooLong(usize),
}

impl<'t> Records<'t> {
    fn new(text: &'t str, separator: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
        let (bytes, ends) = (Vec::new(), vec![0; MOST_CELLS + 1]);
        Self { text, reader, position: 0, bytes, ends, begin: 0, line: 1, counted: 0 }
    }

    /// The cells of the next record, which has at most so many bytes.
    fn next_cells(&mut self, most: usize) -> Result<Option<StringRecord>, Unread> {
        self.bytes.resize(most + 1, 0);
        let (position, mut bytes, mut cells) = (self.position, 0, 0);
        let read = loop {
            // At the end of the text nothing is left, which ends the record, too.
            let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
            let room = self.bytes.get_mut(bytes..).unwrap_or_default();
            let ends = self.ends.get_mut(cells..).unwrap_or_default();
            let (read, taken, written, ended) = self.reader.read_record(rest, room, ends);
            self.position += taken;
            (bytes, cells) = (bytes + written, cells + ended);
            if read != ReadRecordResult::InputEmpty {
                break read;
            }
        };
        if read == ReadRecordResult::End {
            return Ok(None);
        }
        self.begin_at(position);
        if cells > MOST_CELLS {
            return Err(Unread::TooWide);
        }
        if read != ReadRecordResult::Record || bytes > most {
            return Err(Unread::TooLong(most));
        }
        // Separators and quotes are left out, none of which is in the middle of a character.
        let text = String::from_utf8_lossy(self.bytes.get(..bytes).unwrap_or_default());
        let mut begin = 0;
        let cells = self.ends.iter().take(cells).map(|end| text.get(mem::replace(&mut begin, *end)..*end));
        Ok(Some(cells.map(Option::unwrap_or_default).collect()))
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

    /// Why the file is not taken, of the record that was read last.
    fn why(&self, file: &str, unread: &Unread) -> FileError {
        let (file, line) = (file.to_owned(), self.line);
        match unread {
            Unread::TooWide => FileError::TooWide { file, line, limit: MOST_CELLS },
            Unread::TooLong(limit) => FileError::TooLong { file, line, limit: *limit },
        }
    }

    /// Whether the record that was read last is the last one, and goes over several lines because of a quotation mark that
    /// has no other.
    fn is_last_unclosed(&self) -> bool {
        if self.position < self.text.len() {
            return false;
        }
        let record = self.text.get(self.begin..).unwrap_or_default().trim_end();
        record.contains(['\n', '\r']) && record.matches('"').count() % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use crate::{read_attendance, read_roster};

    /// What is said of a file that is not taken.
    fn refusal(text: &str) -> [String; 2] {
        let [roster, attendance] = [read_roster(text.as_bytes()).map(drop), read_attendance(text.as_bytes()).map(drop)];
        [roster, attendance].map(|read| read.unwrap_err().to_string())
    }

    fn all_say(text: &str, said: &str) {
        for refusal in refusal(text) {
            assert!(refusal.contains(said), "{refusal}");
        }
    }

    #[test]
    fn a_row_has_at_most_200_cells() {
        let wide = |cells: usize| "name,email,1".to_owned() + &",".repeat(cells - 3) + "\n";
        assert!(read_roster(wide(200).as_bytes()).is_ok());
        all_say(&wide(201), "the file has more than 200 cells in the row that begins in line 1");
        all_say(&wide(2_000_000), "more than 200 cells");
        // Also where it is another row, or another separator.
        all_say(&("name,email,1\n\nZoë,z@e.org".to_owned() + &";;".repeat(3) + &",".repeat(200)), "begins in line 3");
        all_say(&wide(2_000).replace(',', ";"), "more than 200 cells");
    }

    #[test]
    fn a_row_has_at_most_two_mebibytes_and_the_first_64_kibibytes() {
        let long = |bytes: usize| "name,email,1,".to_owned() + &"x".repeat(bytes);
        assert!(read_roster(long(60_000).as_bytes()).is_ok());
        all_say(&long(70_000), "the file has more than 65536 bytes in the row that begins in line 1");
        let unclosed = "name,email,1\nZoë,z@e.org,\n\"Ana,a@e.org,\n".to_owned() + &"Moana,m@e.org,p\n".repeat(150_000);
        all_say(
            &unclosed,
            "more than 2097152 bytes in the row that begins in line 3; is a quotation mark opened there and never closed?",
        );
    }
}
