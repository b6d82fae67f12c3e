//! Registers as CSV: a student a row with a column for each week, or a mark a row with its week and status.

use std::collections::BTreeMap;

use rollbook_domain::Personal;
use rollbook_domain::cohort::Week;
use rollbook_domain::cohort::{ImportedMark, ImportedRow, MAX_MARKS};
use rollbook_domain::enrolment::AttendanceStatus;
use rollbook_domain::text::{Email, ExternalId};

use crate::report::Shown;
use crate::roster::{Misread, is_one_of, misshapen, optional, shown};
use crate::sheet::{Record, Sheet, key};
use crate::text;
use crate::{FileError, Report};

/// A file of registers that was read.
#[derive(Clone, Debug, Default)]
pub struct AttendanceFile {
    /// The cells that can be asked for.
    pub marks: Vec<ImportedMark>,
    /// What is wrong with the others.
    pub told: Vec<ImportedRow>,
    /// Who the rows are about.
    pub people: BTreeMap<u32, Shown>,
    /// What there is to say of the file as a whole.
    pub notes: Vec<String>,
    /// The names of the columns of weeks; empty where weeks are rows.
    columns: BTreeMap<u8, String>,
}

/// Reads registers in either form.
pub fn read_attendance(bytes: &[u8]) -> Result<AttendanceFile, FileError> {
    const NEEDED: &str = "email or external_id, and either the weeks (1, 2, 3, …) or week and status";
    let mut sheet = Sheet::open("the file", bytes, |name| {
        is_one_of(name, &["email", "external_id", "week", "status"]) || week_of(name).is_some()
    })?;
    let missing = |missing| FileError::MissingColumn { file: "the file".to_owned(), missing, needed: NEEDED };
    let (email, external_id) = (sheet.column("email")?, sheet.column("external_id")?);
    if email.is_none() && external_id.is_none() {
        return Err(missing("email"));
    }
    let (week, status) = (sheet.column("week")?, sheet.column("status")?);
    let weeks = weeks(&sheet)?;
    let form = match (week, status, weeks.is_empty()) {
        (Some(_), _, false) => return Err(FileError::TwoForms),
        (_, _, false) => Form::Wide,
        (Some(_), Some(_), true) => Form::Long { week, status },
        (Some(_), None, true) => return Err(missing("status")),
        (None, _, true) => return Err(missing("week")),
    };
    let name = sheet.column("name")?;
    let mut used: Vec<_> = weeks.iter().map(|(_, column)| Some(*column)).chain([email, external_id, name]).collect();
    if form != Form::Wide {
        used.extend([week, status]);
    }
    let mut read = AttendanceFile {
        notes: sheet.ignored(&used).into_iter().collect(),
        columns: weeks.iter().map(|(week, column)| (week.get(), text::shown(&sheet.heading()[*column]))).collect(),
        ..AttendanceFile::default()
    };
    while let Some(record) = sheet.next_record()? {
        if read.marks.len() + read.told.len() >= MAX_MARKS {
            return Err(FileError::TooMany { file: "the file".to_owned(), what: "marks", limit: MAX_MARKS });
        }
        let student = Student { email: record.cell(email), external_id: record.cell(external_id) };
        read.people.insert(record.number, shown(record.cell(name), student.email));
        let added = match form {
            Form::Wide => read.add_weeks(&record, &student, &weeks),
            Form::Long { week, status } => read.add_mark(&record, &student, record.cell(week), record.cell(status)),
        };
        if let Err(misread) = added {
            read.told.push(misread.told(record.number));
        }
    }
    if read.marks.len() > MAX_MARKS {
        return Err(FileError::TooMany { file: "the file".to_owned(), what: "marks", limit: MAX_MARKS });
    }
    Ok(read)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Wide,
    Long { week: Option<usize>, status: Option<usize> },
}

/// Whom a row is about.
struct Student<'c> {
    email: &'c str,
    external_id: &'c str,
}

impl Student<'_> {
    fn mark(&self, number: u32, week: Week, status: AttendanceStatus) -> Result<ImportedMark, Misread> {
        let external_id = optional(self.external_id, ExternalId::try_new);
        let email = optional(self.email, Email::try_new);
        Ok(ImportedMark {
            number: Some(number),
            email: email.map_err(|error| Misread::text("email", &error))?.map(Personal::new),
            external_id: external_id.map_err(|error| Misread::text("external_id", &error))?.map(Personal::new),
            week,
            status,
        })
    }
}

impl AttendanceFile {
    /// A row of a student: an empty cell says nothing, and a wrong one leaves the others.
    fn add_weeks(&mut self, record: &Record, student: &Student<'_>, weeks: &[(Week, usize)]) -> Result<(), Misread> {
        misshapen(record)?;
        for (week, column) in weeks {
            let cell = record.cell(Some(*column));
            if cell.is_empty() {
                continue;
            }
            if let Some(status) = status_of(cell) {
                self.marks.push(student.mark(record.number, *week, status)?);
            } else {
                let wrong = ImportedRow::wrong(record.number, self.column(*week), "unknown_status", STATUSES);
                self.told.push(ImportedRow { week: Some(week.get()), ..wrong });
            }
        }
        Ok(())
    }

    /// A row of one mark.
    fn add_mark(&mut self, record: &Record, student: &Student<'_>, week: &str, status: &str) -> Result<(), Misread> {
        misshapen(record)?;
        if status.is_empty() {
            return Ok(());
        }
        let week = week_of(&key(week))
            .ok_or_else(|| Misread::new(Some("week"), "no_such_week", "must be the number of a week, from 1 to 52"))?;
        let status = status_of(status).ok_or_else(|| Misread::new(Some("status"), "unknown_status", STATUSES))?;
        self.marks.push(student.mark(record.number, week, status)?);
        Ok(())
    }

    fn column(&self, week: Week) -> Option<&str> {
        self.columns.get(&week.get()).map(String::as_str)
    }

    /// The report on the cells, with what the domain says of those that were asked for.
    pub fn report(&self, decided: impl IntoIterator<Item = ImportedRow>) -> Report {
        let placed = decided.into_iter().map(|row| {
            let long = self.columns.is_empty().then_some("week");
            let column = row.week.and_then(|week| self.columns.get(&week).map(String::as_str).or(long));
            ImportedRow { column: row.column.or_else(|| column.map(str::to_owned)), ..row }
        });
        Report::new(self.notes.clone(), &self.people, self.told.iter().cloned().chain(placed))
    }
}

const STATUSES: &str = "must be present, absent, late or excused (or p, a, l, e, ✓), or empty";

fn status_of(cell: &str) -> Option<AttendanceStatus> {
    Some(match cell.to_lowercase().as_str() {
        "present" | "p" | "✓" | "✔" => AttendanceStatus::Present,
        "absent" | "a" => AttendanceStatus::Absent,
        "late" | "l" => AttendanceStatus::Late,
        "excused" | "e" => AttendanceStatus::Excused,
        _ => return None,
    })
}

/// The columns of weeks: `1`, `Week 1`, `W1`, or `attendance 1` as the roster is exported.
fn weeks(sheet: &Sheet<'_>) -> Result<Vec<(Week, usize)>, FileError> {
    let mut weeks: Vec<(Week, usize)> = Vec::new();
    for (column, name) in sheet.heading().iter().enumerate() {
        let Some(week) = week_of(&key(name)) else { continue };
        if weeks.iter().any(|(other, _)| *other == week) {
            return Err(FileError::ColumnTwice { file: sheet.file().to_owned(), column: text::shown(name) });
        }
        weeks.push((week, column));
    }
    Ok(weeks)
}

fn week_of(name: &str) -> Option<Week> {
    let digits = ["week", "attendance", "session", "w"].iter().find_map(|word| name.strip_prefix(word)).unwrap_or(name);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    Week::try_new(digits.parse().ok().filter(|_| plain)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(read: &AttendanceFile) -> Vec<(u32, u8, AttendanceStatus)> {
        read.marks.iter().map(|mark| (mark.number.unwrap(), mark.week.get(), mark.status)).collect()
    }

    #[test]
    fn reads_weeks_as_columns_and_leaves_empty_cells_alone() {
        use AttendanceStatus::{Absent, Excused, Late, Present};
        let read = read_attendance(
            "Name;E-Mail;Week 1;2;attendance 3\nZoë;z@example.org;✓;;A\n;y@example.org;late;E;".as_bytes(),
        );
        let read = read.unwrap();
        assert_eq!(cells(&read), [(2, 1, Present), (2, 3, Absent), (3, 1, Late), (3, 2, Excused)]);
        assert!(read.told.is_empty() && read.notes.is_empty(), "{read:?}");
    }

    #[test]
    fn reads_a_mark_a_row() {
        let read = read_attendance(b"external_id,week,status,colour\nLW-1,W2,present,red\nLW-1,3,\nLW-2,x,a").unwrap();
        assert_eq!(cells(&read), [(2, 2, AttendanceStatus::Present)]);
        assert_eq!(
            read.told,
            [Misread::new(Some("week"), "no_such_week", "must be the number of a week, from 1 to 52").told(4)]
        );
        assert_eq!(read.notes, ["columns of the file that are not used: colour"]);
    }

    #[test]
    fn a_cell_that_is_no_status_is_wrong_by_row_and_column() {
        let read = read_attendance(b"email,1,2\nz@example.org,maybe,p").unwrap();
        assert_eq!(cells(&read), [(2, 2, AttendanceStatus::Present)]);
        assert_eq!((read.told[0].number, read.told[0].week, read.told[0].column.as_deref()), (2, Some(1), Some("1")));
    }

    #[test]
    fn says_which_column_is_missing_there_twice_or_too_many() {
        assert!(matches!(read_attendance(b"name,1\nZ,p"), Err(FileError::MissingColumn { missing: "email", .. })));
        assert!(matches!(
            read_attendance(b"email,week\nz@e.org,1"),
            Err(FileError::MissingColumn { missing: "status", .. })
        ));
        assert!(matches!(
            read_attendance(b"email,status\nz@e.org,1"),
            Err(FileError::MissingColumn { missing: "week", .. })
        ));
        assert!(matches!(read_attendance(b"email,1,week 1\n"), Err(FileError::ColumnTwice { .. })));
        assert_eq!(read_attendance(b"email,1,week,status\n").unwrap_err(), FileError::TwoForms);
    }
}
