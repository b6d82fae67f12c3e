//! A `OneRoster` export as a ZIP: bulk, then a delta.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{counts, wrong};
use crate::school::School;

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(content.as_bytes()).expect("its content");
    }
    writer.finish().expect("a ZIP").into_inner()
}

fn export(mode: &str, users: &str, enrolments: &str) -> Vec<u8> {
    let manifest = format!(
        "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.academicSessions,absent\n\
         file.classes,{mode}\nfile.enrollments,{mode}\nfile.orgs,{mode}\nfile.users,{mode}\n"
    );
    let users = format!("sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,email\n{users}");
    let enrolments =
        format!("sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\n{enrolments}");
    zipped(&[
        ("manifest.csv", &manifest),
        ("users.csv", &users),
        ("enrollments.csv", &enrolments),
        ("classes.csv", "sourcedId,status,dateLastModified,title\nc-1,,,Ako\nc-2,,,Whare\n"),
        ("orgs.csv", "sourcedId,status,dateLastModified,name,type\ns-1,,,Northland,school\n"),
    ])
}

async fn import(school: &School, file: Vec<u8>) -> Value {
    let answer = school.file(&school.admin, "roster-import?commit=true&class=c-1", "application/zip", file).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_class_is_imported_in_bulk_and_followed_by_deltas() {
    let school = School::open().await;
    let users = "u-1,,,true,zoe,Zoë,Ek,zoe@example.org\nu-2,,,true,lars,Lars,Ny,lars@example.org\n\
        u-3,,,true,tui,Tui,Rua,tui@example.org\n";
    let enrolments = "e-1,,,c-1,s-1,u-1,student\ne-2,,,c-1,s-1,u-2,student\ne-3,,,c-2,s-1,u-3,student\n\
        e-4,,,c-1,s-1,u-3,teacher\n";
    let bulk = export("bulk", users, enrolments);
    let done = import(&school, bulk.clone()).await;
    assert_eq!(counts(&done), [2, 0, 0, 0, 0]);
    assert_eq!(counts(&import(&school, bulk).await), [0, 0, 0, 2, 0]);

    // One has another name there, one is to be deleted, one has only now come into the class, and one is not known.
    let users = "u-1,active,2026-02-01T00:00:00Z,true,zoe,Zoë,Ek-Berg,zoe@example.org\n";
    let at = "2026-02-01T00:00:00Z";
    let enrolments = format!(
        "e-1,active,{at},c-1,s-1,u-1,student\ne-2,tobedeleted,{at},c-1,s-1,u-2,student\n\
         e-5,active,{at},c-1,s-1,u-4,student\n"
    );
    let delta = import(&school, export("delta", users, &enrolments)).await;
    assert_eq!(counts(&delta), [0, 0, 1, 1, 1]);
    assert_eq!(delta["rows"][1]["code"], json!("gone_there"));
    assert_eq!(wrong(&delta), [(4, "name", "missing")]);

    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    let names: Vec<_> =
        roster.iter().map(|row| (row["name"].clone(), row["status"].clone(), row["hub"].clone())).collect();
    let active = |name: &str| (json!(name), json!("active"), Value::Null);
    assert_eq!(names, [active("Lars Ny"), active("Zoë Ek-Berg")]);
}

#[tokio::test]
async fn a_zip_that_is_a_trap_is_refused() {
    let school = School::open().await;
    let bomb = zipped(&[("manifest.csv", &"a".repeat(30 << 20))]);
    let nested = zipped(&[("export/manifest.csv", "propertyName,value\n")]);
    let outside = zipped(&[("../manifest.csv", "propertyName,value\n")]);
    let bare = zipped(&[("users.csv", "sourcedId\n")]);
    for (file, said) in [
        (bomb, "times its size"),
        (nested, "in a folder"),
        (outside, "leads out"),
        (bare, "there is no manifest.csv"),
        (export("bulk", "", ""), "name one of the export's classes"),
    ] {
        let refused = school.file(&school.admin, "roster-import", "application/zip", file).await;
        assert_eq!((refused.status, &refused.json["code"]), (422, &json!("unreadable_file")), "{}", refused.text);
        assert!(refused.json["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{}", refused.text);
    }
}
