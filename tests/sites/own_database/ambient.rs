//! What the environment of the process says of databases is for its own, and for no school's.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use super::A;
use super::fake::{CLEARTEXT, Fake};
use crate::binary::program::Home;

const SECRET: &str = "secret-of-the-installation";

/// The binary, with everything in its environment that PostgreSQL's clients look at.
fn run(home: &Home, arguments: &[&str], input: &str) -> Output {
    let passwords = home.folder.join(".pgpass");
    fs::write(&passwords, format!("*:*:*:*:{SECRET}\n")).expect("a file");
    fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
    let mut command = home.command(arguments);
    command.env("ROLLBOOK_KEYS", A).env("HOME", &home.folder);
    for (name, value) in [
        ("PGPASSWORD", SECRET),
        ("PGUSER", "ambient-user"),
        ("PGDATABASE", "ambient-database"),
        ("PGAPPNAME", "ambient-name"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGSSLMODE", "disable"),
    ] {
        command.env(name, value);
    }
    command.env("PGPASSFILE", &passwords).env("PGSSLROOTCERT", &passwords);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("its end")
}

#[test]
fn a_schools_server_gets_nothing_that_its_url_does_not_say() {
    let home = Home::new();
    let open = ["sites", "open", "north", "--name", "Te Kura", "--owner-email", "hemi@example.org", "--own-database"];
    let opened = run(&home, &open, "");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let fake = Fake::start(|_, mut guest| {
        let begun = guest.begins()?;
        guest.tell(&String::from_utf8_lossy(&begun));
        guest.sends(b'R', &CLEARTEXT)?;
        let (_, sent) = guest.hears()?;
        guest.tell(&String::from_utf8_lossy(&sent));
        Ok(())
    });
    let url = fake.url();
    for (url, why) in [
        (url.replace(":given@", "@"), "the URL has no password"),
        (url.replace("north:given@", ""), "the URL cannot be read"),
        (url, "cannot be reached, or does not let us in"),
    ] {
        let given = run(&home, &["sites", "database", "north"], &url);
        let said = String::from_utf8_lossy(&given.stderr).into_owned();
        assert!(!given.status.success() && said.contains(why), "{said}");
        assert!(!said.contains("given") && !said.contains(SECRET), "{said}");
    }
    let told = fake.all_told();
    let [begun] = &told[..] else { panic!("one connection, and no password: {told:?}") };
    for said in ["user\0north\0", "database\0north\0", "application_name\0rollbook\0", "-c rollbook.site=every"] {
        assert!(begun.contains(said), "{begun:?}");
    }
    for unsaid in [SECRET, "ambient", "geqo", "rollbook.relay"] {
        assert!(!begun.contains(unsaid), "{begun:?}");
    }
}
