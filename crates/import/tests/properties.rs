//! Whatever the bytes are, reading them ends in rows or in an error; and a row has the number of the line on which it begins.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rollbook_import::{Files, Limits, ONEROSTER_FILES, read_attendance, read_oneroster, read_roster, unzip};

/// Text that looks enough like a file to get past the first line.
fn nearly(heading: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop_oneof![",", ";", "\t", "\"", "\n", "\r\n", "\r", "zoe@example.org", "Zoë", "1", "present", "student"]
            .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
        1 => any::<String>().prop_map(String::into_bytes),
    ];
    (any::<bool>(), vec(piece, 0..60)).prop_map(move |(whole, pieces)| {
        let heading = if whole { heading.as_bytes() } else { b"" };
        [heading.to_vec(), pieces.concat()].concat()
    })
}

fn cell() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "[a-zä ]{0,5}",
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("\"".to_owned()),
            Just(";,".to_owned())
        ],
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn rosters_are_read_or_refused(bytes in nearly("name,email,external_id,hub\n")) {
        if let Ok(read) = read_roster(&bytes) {
            prop_assert!(read.people.len() == read.len());
        }
    }

    #[test]
    fn registers_are_read_or_refused(wide in nearly("email,1,2,3\n"), long in nearly("external_id;week;status\n")) {
        for bytes in [wide, long] {
            if let Ok(read) = read_attendance(&bytes) {
                let mut numbers = read.marks.iter().filter_map(|mark| mark.number).chain(read.told.iter().map(|row| row.number));
                prop_assert!(numbers.all(|number| read.people.contains_key(&number)));
            }
        }
    }

    #[test]
    fn exports_are_read_or_refused(
        users in nearly("sourcedId,status,enabledUser,givenName,familyName,email\nu-1,,true,Zoë,Ek,zoe@example.org\n"),
        enrolments in nearly("classSourcedId,userSourcedId,role\nc-1,u-1,student\n"),
        classes in nearly("sourcedId,title\nc-1,Ako\n"),
        manifest in nearly("propertyName,value\noneroster.version,1.2\nfile.users,bulk\nfile.classes,delta\nfile.enrollments,bulk\n"),
    ) {
        let files: Files = ONEROSTER_FILES.iter().map(|name| (*name).to_owned()).zip([manifest, users, enrolments, classes]).collect();
        for class in [None, Some("c-1")] {
            if let Ok(read) = read_oneroster(&files, class) {
                prop_assert!(!read.notes.is_empty());
            }
        }
    }

    #[test]
    fn archives_are_unpacked_or_refused(bytes in vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let mut near = b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0".to_vec();
        near.splice(0..0, bytes.iter().copied());
        for bytes in [bytes.clone(), near.clone(), near[..at.index(near.len())].to_vec()] {
            prop_assert!(unzip(&bytes, ONEROSTER_FILES, &Limits::default()).map_or(true, |files| files.len() <= 64));
        }
    }

    /// Blank lines and lines inside quotes count as lines: the number is where the record begins.
    #[test]
    fn a_row_is_numbered_by_the_line_on_which_it_begins(
        rows in vec((cell(), cell(), 0..3_usize), 0..20),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        separator in prop_oneof![Just(","), Just(";"), Just("\t")],
    ) {
        let mut text = format!("name{separator}email{separator}phone{end}");
        let mut expected = Vec::new();
        let lines = |text: &str| {
            let feeds = text.matches('\n').count();
            let returns = text.matches('\r').count() - text.matches("\r\n").count();
            u32::try_from(feeds + returns).unwrap() + 1
        };
        for (name, phone, blank) in rows {
            text.push_str(&end.repeat(blank));
            expected.push(lines(&text));
            let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
            text.push_str(&[quoted(&name), "a@example.org".to_owned(), quoted(&phone)].join(separator));
            text.push_str(end);
        }
        let read = read_roster(text.as_bytes()).unwrap();
        prop_assert_eq!(read.people.keys().copied().collect::<Vec<_>>(), expected);
    }

    /// What is written comes back, whatever is in the cells.
    #[test]
    fn what_is_wrong_is_told_by_its_row(names in btree_map(2_u32..200, "[A-Za-zäöü]{1,20}", 0..40)) {
        let mut text = "email,name\n".to_owned();
        let mut line = 2;
        for (number, name) in &names {
            text.push_str(&"\n".repeat(usize::try_from(number - line).unwrap()));
            text.extend(["not an address,", name, "\n"]);
            line = number + 1;
        }
        let read = read_roster(text.as_bytes()).unwrap();
        let told: BTreeMap<u32, Option<&str>> = read.told.iter().map(|row| (row.number, row.column.as_deref())).collect();
        prop_assert_eq!(told, names.keys().map(|number| (*number, Some("email"))).collect::<BTreeMap<_, _>>());
    }
}
