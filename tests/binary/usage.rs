//! Wrong usage ends with status 2 before anything is started; a failure with status 1 and one reason.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rollbook_store::isolation::url_of_every_site;

use super::demo::PLAYED;
use super::program::Home;
use crate::harness::Database;

#[test]
fn wrong_usage_is_said_with_status_2_and_starts_nothing() {
    let home = Home::new();
    let id = "0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10";
    for (arguments, said) in [
        (&["enrol"][..], "unrecognized subcommand 'enrol'"),
        (&["serve", "--port", "80"], "unexpected argument '--port'"),
        (&["serve", "--listen", "everywhere"], "invalid value 'everywhere'"),
        (&["token"], "--email <EMAIL>"),
        (&["token", "--email", "a@example.org", "--ttl", "1y"], "must be a time such as 30m, 1h or 7d"),
        (&["token", "--email", "a@example.org", "--ttl", "400d"], "of 366 days at most"),
        (&["token", "--email", "a@example.org", "--ttl", "1h", "--revoke"], "cannot be used with"),
        (&["events", "--after", "-1"], "unexpected argument '-1'"),
        (&["events", "--stream", &format!("student/{id}")], "person, module, cohort, hub or enrolment"),
        (&["audit", "--from", "yesterday"], "must be an instant such as"),
        (&["projections", "rebuild"], "<NAME|--all>"),
        (&[], "requires a subcommand"),
    ] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    let version = home.out(&["--version"]);
    assert!(version.starts_with("rollbook "), "{version}");
    assert!(home.out(&["help"]).contains("ROLLBOOK_DATA_DIR"));
    assert!(!home.data.exists(), "nothing was started");
}

#[test]
fn an_unknown_address_or_read_model_is_named() {
    let home = &PLAYED.home;
    let reason = home.run(&["token", "--email", "nemo@example.org"]).failed();
    assert!(reason.contains("nobody here has the address nemo@example.org"), "{reason}");
    for verb in ["rebuild", "verify"] {
        let reason = home.run(&["projections", verb, "rooster"]).failed();
        assert!(reason.contains("`rooster`") && reason.contains("`rollbook projections list` names them"), "{reason}");
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let home = Home::new();
    // Nobody serves port 1.
    let nobody = "127.0.0.1:1";
    let url = format!("postgres://rollbook:s3cret@{nobody}/rollbook");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["token", "--email", "a@example.org"]] {
        let ran = home.start(home.command(arguments).env("DATABASE_URL", &url)).finish();
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let reason = ran.failed();
        assert!(reason.starts_with(&format!("the database at {nobody} cannot be reached: ")), "{reason}");
        assert!(!reason.contains("s3cret"), "{reason}");
    }
    for (name, value, said) in [
        ("ROLLBOOK_SITE_DATABASE_HOSTS", "db.example.org,,other", "cannot be read at entry 2"),
        ("ROLLBOOK_SITE_DATABASE_HOSTS", "", "is empty"),
        ("ROLLBOOK_SITE_DATABASE_CA", "/nowhere", "no certificate can be read from /nowhere"),
    ] {
        let reason = home.start(home.command(&["serve", "--listen", "127.0.0.1:0"]).env(name, value)).finish().failed();
        assert!(reason.starts_with(name) && reason.contains(said), "{reason}");
    }
    let ran = home.start(home.command(&["migrate"]).env("DATABASE_URL", "mysql://here")).finish();
    let reason = ran.failed();
    assert!(reason.starts_with("DATABASE_URL cannot be read"), "{reason}");
    assert!(!home.data.exists(), "no private server is started beside the one that was named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_what_to_do() {
    let database = Database::create().await;
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    for arguments in [&["serve", "--listen", &address][..], &["demo", "--listen", &address]] {
        let ran = home.start(home.command(arguments).env("DATABASE_URL", &database.url)).finish();
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let reason = ran.failed();
        assert!(reason.starts_with(&format!("{address} is in use by another program.")), "{reason}");
        assert!(reason.contains("--listen 127.0.0.1:"), "{reason}");
    }
    let head = database.store().head().await.expect("the head");
    assert_eq!(head, 0, "whoever cannot be served hears of it before anything is played");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_ones_own_is_used_as_it_is() {
    let database = Database::create().await;
    let home = Home::new();
    let run =
        |arguments: &[&str]| home.start(home.command(arguments).env("DATABASE_URL", &database.url)).finish().done().out;
    let migrated = run(&["migrate"]);
    assert!(migrated.starts_with("PostgreSQL at 127.0.0.1:") && migrated.contains(": up to date: all "), "{migrated}");
    assert_eq!(run(&["database-url"]).trim(), url_of_every_site(&database.url));
    assert_eq!(run(&["database-url", "--service-file", "backup.conf"]), "");
    let file = home.folder.join("backup.conf");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let service = fs::read_to_string(&file).expect("a text");
    let password = database.url.split(['@', ':']).nth(2).expect("a password");
    for said in ["[rollbook]", "host=127.0.0.1", &format!("password={password}"), "options=-c rollbook.site=every"] {
        assert!(service.lines().any(|line| line == said), "{said}: {service}");
    }
    let nowhere = home
        .start(home.command(&["database-url", "--service-file", "no/backup.conf"]).env("DATABASE_URL", &database.url));
    let reason = nowhere.finish().failed();
    assert!(reason.starts_with("no/backup.conf cannot be written: ") && !reason.contains(password), "{reason}");
    let token = run(&["token", "--email", "own@example.org", "--owner-email", "own@example.org"]);
    assert_eq!(token.split_whitespace().count(), 1, "{token}");
    assert!(run(&["events"]).contains("own@example.org"));
    assert!(!home.data.exists(), "no private server is started beside it");
}
