//! Clients that go away in the middle of whatever they ask for, while the service is stopped and started and its database is slow:
//! what was acknowledged is there, also beside the log, and nothing stays open. The long form is
//! `cargo run --release -p rollbook-torture -- run --give-up 100000`.

use rand::RngExt;
use rollbook_torture::run::{Plan, run};

use super::scene::random;
use crate::binary::program::BINARY;
use crate::harness::client;

/// How often somebody gives up.
const TIMES: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_half_way_leaves_nothing_open_and_takes_nothing_along() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = Plan {
        kills: 0,
        give_up: Some(TIMES),
        seed: random().random_range(0..1_000_000),
        clients: 9,
        processes: 1,
        postgres: false,
        binary: BINARY.into(),
        folder: folder.path().to_owned(),
    };
    let outcome = run(&plan, client(), |line| println!("{line}")).await.expect("it comes to its end");
    assert!(outcome.report.violations.is_empty(), "{:#?}", outcome.report.violations);
    assert!(outcome.given_up.0 >= TIMES && outcome.given_up.1 > 0, "{:?}", outcome.given_up);
    assert!(outcome.figures.acknowledged > 0 && outcome.report.rows > 0, "{:?}", outcome.figures);
}
