//! Exports as systems write them, and as they should not.

use super::*;

const MANIFEST: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.users,bulk\n\
    file.enrollments,bulk\nfile.classes,bulk\nfile.orgs,bulk\n";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,email,preferredGivenName\n\
    u-1,,,true,zoe,Zoë,Ek,zoe@example.org,\n\
    u-2,,,true,maria,María José,Ñandú,mj@example.org,Majo\n\
    u-3,,,false,off,Ófeigur,Off,off@example.org,\n\
    u-4,,,true,none,Noa,Nomail,,\n\
    u-9,,,true,teacher,Tui,Teacher,tui@example.org,\n";
const ENROLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary\n\
    e-1,,,c-1,s-1,u-1,student,\n\
    e-2,,,c-1,s-1,u-2,student,\n\
    e-3,,,c-1,s-1,u-3,student,\n\
    e-4,,,c-1,s-1,u-4,student,\n\
    e-5,,,c-1,s-1,u-9,teacher,true\n\
    e-6,,,c-2,s-1,u-1,student,\n";
const CLASSES: &str = "sourcedId,status,dateLastModified,title\nc-1,,,Ako 1\nc-2,,,Ako 2\n";

fn export(files: &[(&str, &str)]) -> Files {
    let whole =
        [("manifest.csv", MANIFEST), ("users.csv", USERS), ("enrollments.csv", ENROLMENTS), ("classes.csv", CLASSES)];
    whole.iter().chain(files).map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

fn names(read: &RosterFile) -> Vec<&str> {
    read.rows.iter().filter_map(|row| row.name.as_ref()).map(|name| name.reveal().as_str()).collect()
}

fn refusal(files: &[(&str, &str)], class: Option<&str>) -> String {
    read_oneroster(&export(files), class).unwrap_err().to_string()
}

#[test]
fn takes_the_students_of_a_class_by_their_preferred_names() {
    let read = read_oneroster(&export(&[]), Some("c-1")).unwrap();
    assert_eq!(names(&read), ["Zoë Ek", "Majo Ñandú"]);
    assert_eq!(read.rows[0].external_id.as_ref().map(|id| id.reveal().as_str()), Some("u-1"));
    assert!(read.notes.iter().any(|note| note.contains("other roles than student") && note.ends_with(": 1")));
}

#[test]
fn tells_who_is_disabled_and_who_has_no_address() {
    let read = read_oneroster(&export(&[]), Some("c-1")).unwrap();
    let told: Vec<_> = read.told.iter().map(|row| (row.number, row.outcome, row.code.as_deref())).collect();
    let expected = [(4, RowOutcome::Unchanged, Some("gone_there")), (5, RowOutcome::Wrong, Some("missing"))];
    assert_eq!(told, expected);
    assert!(read.told[1].reason.as_deref().is_some_and(|reason| reason.contains("users.csv, line 5")));
}

#[test]
fn a_delta_enrols_whoever_is_known_and_removes_nobody() {
    let manifest = MANIFEST.replace("bulk", "delta");
    let users = "sourcedId,status,dateLastModified,enabledUser,givenName,familyName,email\n\
        u-1,tobedeleted,2026-01-01T00:00:00Z,true,Zoë,Ek,zoe@example.org\n";
    let enrolments = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\n\
        e-1,active,2026-01-01T00:00:00Z,c-7,s-1,u-1,student\n\
        e-2,tobedeleted,2026-01-01T00:00:00Z,c-7,s-1,u-2,student\n\
        e-3,active,2026-01-01T00:00:00Z,c-7,s-1,u-3,student\n";
    let files = [("manifest.csv", &*manifest), ("users.csv", users), ("enrollments.csv", enrolments)];
    let read = read_oneroster(&export(&files), Some("c-7")).unwrap();
    assert_eq!(read.rows.len(), 1);
    assert_eq!((read.rows[0].number, read.rows[0].name.is_none()), (Some(4), true));
    assert_eq!(
        read.told.iter().map(|row| (row.number, row.outcome)).collect::<Vec<_>>(),
        [(2, RowOutcome::Unchanged), (3, RowOutcome::Unchanged)]
    );
}

#[test]
fn asks_which_class_where_there_are_several() {
    assert!(refusal(&[], None).contains("c-1 (Ako 1), c-2 (Ako 2)"), "{}", refusal(&[], None));
    assert!(refusal(&[], Some("c-3")).contains("no class c-3"));
    let one = [("classes.csv", "sourcedId,title,status\nc-1,Ako 1,\nc-2,Ako 2,tobedeleted\n")];
    assert_eq!(names(&read_oneroster(&export(&one), None).unwrap()).len(), 2);
}

#[test]
fn says_what_is_missing_of_an_export() {
    let mut files = export(&[]);
    files.remove("manifest.csv");
    assert!(read_oneroster(&files, None).unwrap_err().to_string().contains("no manifest.csv"));
    let mut files = export(&[]);
    files.remove("users.csv");
    assert!(read_oneroster(&files, Some("c-1")).unwrap_err().to_string().contains("says that it is bulk"));
    let absent = MANIFEST.replace("file.enrollments,bulk", "file.enrollments,absent");
    assert!(refusal(&[("manifest.csv", &absent)], None).contains("absent"));
    let older = MANIFEST.replace("oneroster.version,1.2", "oneroster.version,1.0");
    assert!(refusal(&[("manifest.csv", &older)], None).contains("1.1 and 1.2 are read"));
    let odd = MANIFEST.replace("file.users,bulk", "file.users,some");
    assert!(refusal(&[("manifest.csv", &odd)], Some("c-1")).contains("bulk, delta or absent"));
    assert!(refusal(&[("users.csv", "sourcedId,givenName\nu-1,Zoë")], Some("c-1")).contains("no column familyName"));
}
