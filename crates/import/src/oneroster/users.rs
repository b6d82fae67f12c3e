//! `users.csv`: who the students of a class are, by the names that they are called by.

use std::collections::{BTreeSet, HashMap};

use super::{next, required};
use crate::FileError;
use crate::sheet::{Sheet, key};

/// A line of users.csv.
pub struct User {
    pub number: u32,
    pub name: String,
    pub email: String,
    /// Why the user is not one any more there.
    pub gone: Option<&'static str>,
}

/// The users who are wanted, by their ids.
pub fn users_of(bytes: &[u8], wanted: &BTreeSet<&str>) -> Result<HashMap<String, User>, FileError> {
    let mut users = HashMap::new();
    let mut sheet = Sheet::open("users.csv", bytes, |name| ["sourcedid", "givenname", "familyname"].contains(&name))?;
    let [id, given, family] =
        [required(&sheet, "sourcedId")?, required(&sheet, "givenName")?, required(&sheet, "familyName")?];
    let [email, status, enabled] = [sheet.column("email")?, sheet.column("status")?, sheet.column("enabledUser")?];
    // 1.2 says preferredGivenName in CSV and preferredFirstName elsewhere; exports have either.
    let preferred = [sheet.column("preferredGivenName")?, sheet.column("preferredFirstName")?];
    let preferred_family = [sheet.column("preferredFamilyName")?, sheet.column("preferredLastName")?];
    let mut read = 0;
    while let Some(record) = next(&mut sheet, read)? {
        read += 1;
        if !wanted.contains(record.cell(id)) {
            continue;
        }
        let called = |preferred: [Option<usize>; 2], otherwise| {
            let preferred = preferred.into_iter().map(|column| record.cell(column)).find(|cell| !cell.is_empty());
            preferred.unwrap_or_else(|| record.cell(otherwise))
        };
        let name = format!("{} {}", called(preferred, given), called(preferred_family, family));
        let gone = if key(record.cell(status)) == "tobedeleted" {
            Some("the user is to be deleted there; nobody is removed here by a file: withdraw the student by hand")
        } else if record.cell(enabled).eq_ignore_ascii_case("false") {
            Some("the user is disabled there; nobody is removed here by a file, and nobody enrolled")
        } else {
            None
        };
        let user =
            User { number: record.number, name: name.trim().to_owned(), email: record.cell(email).to_owned(), gone };
        users.insert(record.cell(id).to_owned(), user);
    }
    Ok(users)
}
