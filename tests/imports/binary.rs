//! `rollbook import`, as a process of its own on the school's database.

use std::fs;

use serde_json::json;

use super::AUTUMN;
use crate::binary::program::{Home, Ran};
use crate::school::{AFTER, School};

/// The binary in a folder with files to import.
struct Desk<'s> {
    home: Home,
    school: &'s School,
}

impl<'s> Desk<'s> {
    fn of(school: &'s School, files: &[(&str, &str)]) -> Self {
        let home = Home::new();
        for (name, text) in files {
            let path = home.folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            fs::write(path, text).expect("a file");
        }
        Self { home, school }
    }

    fn import(&self, arguments: &[&str]) -> Ran {
        let arguments = [&["import"][..], arguments, &["--cohort", &self.school.cohort]].concat();
        let mut command = self.home.command(&arguments);
        let command = command.env("DATABASE_URL", &self.school.service.database.url).env("ROLLBOOK_CLOCK", AFTER);
        self.home.start(command).finish()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_shown_then_imported_and_a_register_after_it() {
    let school = School::open().await;
    school.knows_two().await;
    let register = "email,1,2\nnewcomer00@example.org,present,absent\nnewcomer01@example.org,perhaps,\n";
    let desk = Desk::of(&school, &[("autumn.csv", AUTUMN), ("register.csv", register)]);
    let before = school.head().await;

    let preview = desk.import(&["roster", "autumn.csv"]).done();
    assert!(
        preview.out.contains("preview: 66 new, 2 known and enrolled now, 0 updated, 0 unchanged, 2 wrong"),
        "{preview:?}"
    );
    assert!(preview.out.contains("Bad Address") && preview.out.contains("must be an email address"), "{}", preview.out);
    assert!(
        preview.out.contains("row 10 is about the same person") && !preview.out.contains("newcomer33"),
        "{}",
        preview.out
    );
    assert!(preview.err.contains("read 70 rows of autumn.csv"), "{}", preview.err);
    assert_eq!(school.head().await, before);

    let done = desk.import(&["roster", "autumn.csv", "--commit", "--all", "--as", "owner@example.org"]).done();
    assert!(done.out.contains("imported: 66 new") && done.out.contains("newcomer33"), "{}", done.out);
    let again = desk.import(&["roster", "autumn.csv", "--commit"]).done();
    assert!(again.out.contains("0 new, 0 known and enrolled now, 0 updated, 68 unchanged, 2 wrong"), "{}", again.out);

    let marked = desk.import(&["attendance", "register.csv", "--commit"]).done();
    assert!(marked.out.contains("imported: 2 marks new, 0 changed, 0 unchanged, 1 wrong"), "{}", marked.out);
    let audit =
        school.service.items(&school.owner, &format!("/v1/audit?cohort_id={}&action=enrolled", school.cohort)).await;
    assert_eq!((audit.len(), &audit[0]["actor"]["name"]), (68, &json!("Ọlá Owner")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_a_oneroster_export() {
    let school = School::open().await;
    let manifest =
        "propertyName,value\noneroster.version,1.2\nfile.users,bulk\nfile.enrollments,bulk\nfile.classes,bulk\n";
    let users =
        "sourcedId,status,dateLastModified,enabledUser,givenName,familyName,email\nu-1,,,true,Zoë,Ek,zoe@example.org\n";
    let enrolments = "sourcedId,classSourcedId,userSourcedId,role\ne-1,c-2,u-1,student\n";
    let files = [
        ("export/manifest.csv", manifest),
        ("export/users.csv", users),
        ("export/enrollments.csv", enrolments),
        ("export/classes.csv", "sourcedId,title\nc-1,Ako\nc-2,Whare\n"),
    ];
    let desk = Desk::of(&school, &files);
    let which = desk.import(&["roster", "export"]).failed();
    assert!(which.contains("c-1 (Ako), c-2 (Whare)"), "{which}");
    let done = desk.import(&["roster", "export", "--class", "c-2", "--commit"]).done();
    assert!(done.out.contains("imported: 1 new"), "{}", done.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_said_with_status_1_or_2() {
    let school = School::open().await;
    let desk = Desk::of(&school, &[("a.csv", "name,email\nZoë,zoe@example.org\n"), ("b.csv", "who\n")]);
    assert!(desk.import(&["roster", "gone.csv"]).failed().starts_with("gone.csv: "));
    assert!(desk.import(&["roster", "b.csv"]).failed().contains("no column name"));
    assert!(desk.import(&["roster", "a.csv", "--class", "c-1"]).failed().contains("OneRoster"));
    let nobody = desk.import(&["roster", "a.csv", "--as", "nemo@example.org"]).failed();
    assert!(nobody.contains("nobody here has the address nemo@example.org"), "{nobody}");
    let refused = desk.import(&["roster", "a.csv", "--commit", "--as", "person0@example.org"]).done();
    assert!(refused.out.contains("1 new"), "an admin may: {}", refused.out);
    let refused = desk.import(&["roster", "a.csv", "--commit", "--as", "person1@example.org"]).failed();
    assert!(refused.contains("only an owner or an admin"), "{refused}");
    assert_eq!(desk.home.run(&["import", "roster", "a.csv"]).code, Some(2));
    assert_eq!(desk.home.run(&["import", "people", "a.csv"]).code, Some(2));
}
