//! One class of a OneRoster 1.1 or 1.2 export as a roster: its students, known by their `sourcedId`. Bulk and delta alike;
//! what is to be deleted there is told and not removed here. A school is no hub, so the file says nothing about hubs.

mod manifest;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::Personal;
use rollbook_domain::cohort::{ImportedRow, MAX_ROWS, RosterRow, RowOutcome};
use rollbook_domain::text::ExternalId;

use self::manifest::Manifest;
use self::users::{User, users_of};
use crate::FileError;
use crate::archive::Files;
use crate::roster::{Cells, Misread, RosterFile, misshapen};
use crate::sheet::{Record, Sheet, key};
use crate::text::shown;

/// The files that are looked at.
pub const ONEROSTER_FILES: &[&str] = &["manifest.csv", "users.csv", "enrollments.csv", "classes.csv"];

/// How many classes an error lists.
const MOST_LISTED: usize = 10;
/// The most records of one file: a district of a quarter of a million.
const MAX_RECORDS: usize = 250_000;

/// Reads a class: the one that is named, or the only one.
pub fn read_oneroster(files: &Files, class: Option<&str>) -> Result<RosterFile, FileError> {
    let manifest = Manifest::read(files)?;
    let enrolments = manifest.file(files, "enrollments")?.ok_or_else(|| FileError::MissingFile {
        file: "enrollments.csv",
        why: "the manifest says that it is absent, and nobody would be enrolled".to_owned(),
    })?;
    let enrolments = enrolments_of(enrolments)?;
    let classes = manifest.file(files, "classes")?.map(classes_of).transpose()?.unwrap_or_default();
    let class = chosen(class, &classes, &enrolments)?;
    let students: Vec<_> = enrolments.iter().filter(|e| e.class == class && e.role == "student").collect();
    if students.len() > MAX_ROWS {
        return Err(FileError::TooMany { file: "enrollments.csv".to_owned(), what: "students", limit: MAX_ROWS });
    }
    let wanted: BTreeSet<&str> = students.iter().map(|student| student.user.as_str()).collect();
    let users = manifest.file(files, "users")?.map(|bytes| users_of(bytes, &wanted)).transpose()?.unwrap_or_default();

    let mut read = RosterFile::default();
    read.notes.push(format!(
        "OneRoster {}, class {}; rows are lines of enrollments.csv",
        manifest.version,
        shown(classes.get(&class).filter(|title| !title.is_empty()).unwrap_or(&class))
    ));
    let others = enrolments.iter().filter(|e| e.class == class && e.role != "student").count();
    if others > 0 {
        read.notes.push(format!("enrolments of the class in other roles than student, which are not used: {others}"));
    }
    for student in students {
        add(&mut read, student, users.get(&student.user));
    }
    Ok(read)
}

/// A line of enrollments.csv.
struct Enrolment {
    number: u32,
    class: String,
    user: String,
    role: String,
    to_be_deleted: bool,
    misread: Option<Misread>,
}

fn enrolments_of(bytes: &[u8]) -> Result<Vec<Enrolment>, FileError> {
    let mut enrolments = Vec::new();
    let mut sheet = Sheet::open("enrollments.csv", bytes, |name| ["classsourcedid", "usersourcedid"].contains(&name))?;
    let [class, user, role] =
        [required(&sheet, "classSourcedId")?, required(&sheet, "userSourcedId")?, required(&sheet, "role")?];
    let status = sheet.column("status")?;
    while let Some(record) = next(&mut sheet, enrolments.len())? {
        enrolments.push(Enrolment {
            number: record.number,
            class: record.cell(class).to_owned(),
            user: record.cell(user).to_owned(),
            role: record.cell(role).to_lowercase(),
            to_be_deleted: key(record.cell(status)) == "tobedeleted",
            misread: misshapen(&record).err(),
        });
    }
    Ok(enrolments)
}

/// The classes that are not to be deleted, with their titles.
fn classes_of(bytes: &[u8]) -> Result<BTreeMap<String, String>, FileError> {
    let mut classes = BTreeMap::new();
    let mut sheet = Sheet::open("classes.csv", bytes, |name| ["sourcedid", "title"].contains(&name))?;
    let id = required(&sheet, "sourcedId")?;
    let (title, status) = (sheet.column("title")?, sheet.column("status")?);
    while let Some(record) = next(&mut sheet, classes.len())? {
        if key(record.cell(status)) != "tobedeleted" {
            classes.insert(record.cell(id).to_owned(), record.cell(title).to_owned());
        }
    }
    Ok(classes)
}

/// The class to import.
fn chosen(
    named: Option<&str>,
    classes: &BTreeMap<String, String>,
    enrolments: &[Enrolment],
) -> Result<String, FileError> {
    let enrolled: BTreeSet<&str> = enrolments.iter().map(|e| e.class.as_str()).collect();
    let known: BTreeSet<&str> = classes.keys().map(String::as_str).collect();
    // A delta may enrol into a class that has not changed and so is not in it.
    let candidates: BTreeSet<&str> = if known.is_empty() { enrolled.clone() } else { known.clone() };
    let listed = || {
        let mut list: Vec<_> = candidates
            .iter()
            .take(MOST_LISTED)
            .map(|id| match classes.get(*id).filter(|title| !title.is_empty()) {
                Some(title) => format!("{} ({})", shown(id), shown(title)),
                None => shown(id),
            })
            .collect();
        if candidates.len() > MOST_LISTED {
            list.push(format!("and {} more", candidates.len() - MOST_LISTED));
        }
        list.join(", ")
    };
    match named {
        Some(named) if known.contains(named) || enrolled.contains(named) => Ok(named.to_owned()),
        Some(named) => {
            Err(FileError::Class(format!("there is no class {} in the export; it has {}", shown(named), listed())))
        }
        None => match candidates.iter().collect::<Vec<_>>()[..] {
            [only] => Ok((*only).to_owned()),
            [] => Err(FileError::Class("there is no class in the export".to_owned())),
            _ => Err(FileError::Class(format!("name one of the export's classes by its sourcedId: {}", listed()))),
        },
    }
}

fn add(read: &mut RosterFile, student: &Enrolment, user: Option<&User>) {
    let Enrolment { number, user: id, .. } = student;
    let cells = user.map_or_else(Cells::default, |user| Cells {
        name: &user.name,
        email: &user.email,
        external_id: id,
        hub: "",
    });
    let gone = if student.to_be_deleted {
        Some("the enrolment is to be deleted there; nobody is removed here by a file: withdraw the student by hand")
    } else {
        user.and_then(|user| user.gone)
    };
    let row = match (&student.misread, gone, user) {
        (Some(misread), ..) => Err(misread.clone()),
        (None, Some(why), _) => {
            read.people.insert(*number, crate::roster::shown(cells.name, cells.email));
            read.told.push(ImportedRow {
                code: Some("gone_there".to_owned()),
                reason: Some(why.to_owned()),
                ..ImportedRow::new(*number, RowOutcome::Unchanged)
            });
            return;
        }
        (None, None, Some(user)) => {
            cells.row(*number).map_err(|misread| misread.in_line(&format!("users.csv, line {}", user.number)))
        }
        // A delta has only the users who have changed: whoever is known here by that id needs nothing else.
        (None, None, None) => {
            ExternalId::try_new(id).map_err(|error| Misread::text("userSourcedId", &error)).map(|external_id| {
                RosterRow {
                    number: Some(*number),
                    name: None,
                    email: None,
                    external_id: Some(Personal::new(external_id)),
                    hub: None,
                    new_ids: None,
                }
            })
        }
    };
    read.add(*number, row, &cells);
}

fn required(sheet: &Sheet<'_>, name: &'static str) -> Result<Option<usize>, FileError> {
    match sheet.column(name)? {
        Some(column) => Ok(Some(column)),
        None => Err(FileError::MissingColumn {
            file: sheet.file().to_owned(),
            missing: name,
            needed: "the columns of OneRoster",
        }),
    }
}

fn next(sheet: &mut Sheet<'_>, read: usize) -> Result<Option<Record>, FileError> {
    if read >= MAX_RECORDS {
        return Err(FileError::TooMany { file: sheet.file().to_owned(), what: "rows", limit: MAX_RECORDS });
    }
    sheet.next_record()
}

#[cfg(test)]
mod tests;
