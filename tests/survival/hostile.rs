//! Schools that mean harm, in short: whatever they do, another school's people are answered, nothing that was
//! acknowledged to them is lost, and the service stays within its memory. How long they wait is told by the long form,
//! and never asserted here: `cargo run --release -p rollbook-torture -- hostile`.

use std::ffi::OsString;
use std::future::pending;
use std::time::Duration;

use rollbook_torture::hostile::{Attack, Plan, attack, run, table};

use crate::binary::program::BINARY;

/// How long each attack lasts.
const LASTS: Duration = Duration::from_secs(2);
/// How many requests a second the other school's people send.
const PER_SECOND: u32 = 10;
/// What the environment of the processes has that attack: they run this test as well.
const ATTACKS: &str = "ROLLBOOK_TESTS_ATTACK";

/// The command line that has this very program attack.
fn attacker() -> Vec<OsString> {
    let program = std::env::current_exe().expect("a program");
    let test = "survival::hostile::whatever_a_school_does_another_one_is_answered";
    vec!["env".into(), format!("{ATTACKS}=1").into(), program.into(), "--quiet".into(), "--exact".into(), test.into()]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_school_does_another_one_is_answered() {
    crate::harness::client();
    if std::env::var_os(ATTACKS).is_some() {
        attack(std::io::stdin(), std::io::stdout()).await.expect("it attacks");
        // The tests' own words would come after those that are waited for.
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = Plan {
        attacks: Attack::all().to_vec(),
        lasts: LASTS,
        per_second: PER_SECOND,
        binary: BINARY.into(),
        attacker: attacker(),
        server: None,
        folder: folder.path().to_owned(),
    };
    let outcome = run(&plan, pending(), |line| println!("{line}")).await.expect("it comes to its end");
    println!("{}", table(&outcome.quiet, &outcome.rows));
    assert_eq!(outcome.rows.len(), Attack::all().len() + 1, "each, and all at once");
    for row in std::iter::once(&outcome.quiet).chain(&outcome.rows) {
        assert_eq!(row.faults(), [""; 0], "{}", row.name());
    }
    assert!(outcome.report.receipts > 0, "marks were acknowledged");
    assert_eq!(outcome.report.violations, []);
}
