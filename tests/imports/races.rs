//! Imports at once, and one of many rows.

use std::fmt::Write;

use futures::future::join_all;
use serde_json::json;

use super::{AUTUMN, counts, wrong};
use crate::harness::Service;
use crate::school::School;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_file_at_once_makes_nobody_twice() {
    let school = School::open().await;
    school.knows_two().await;
    let before = school.head().await;
    let reports = join_all((0..4).map(|_| school.roster(true, AUTUMN))).await;
    let sums = reports.iter().map(counts).fold([0; 5], |sum, counts| std::array::from_fn(|n| sum[n] + counts[n]));
    assert_eq!(sums, [66, 2, 0, 68 * 3, 2 * 4], "one of them did it");
    assert_eq!(school.head().await, before + 66 * 2 + 2);
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    assert_eq!(roster.len(), 68);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_files_at_once_share_the_places_and_never_more() {
    let school = School::with(json!({"capacity": 50})).await;
    // Another process on the same database: the two appenders know nothing of each other.
    let other = Service::on_the_database_of(&school.service).await;
    let file = |from: u32| {
        (from..from + 40).fold("name,email\n".to_owned(), |mut text, n| {
            writeln!(text, "Hopeful {n},hopeful{n}@example.org").expect("text");
            text
        })
    };
    let path = format!("/v1/cohorts/{}/roster-import?commit=true", school.cohort);
    let elsewhere =
        other.request(reqwest::Method::POST, &other.owner, &path).header("content-type", "text/csv").body(file(40));
    let first = file(0);
    let (here, there) = futures::join!(school.roster(true, &first), crate::harness::answer(elsewhere));
    assert_eq!(there.status, 200, "{}", there.text);
    assert_eq!(counts(&here)[0] + counts(&there.json)[0], 50);
    let full = [&here, &there.json].map(wrong).concat();
    assert_eq!(full.len(), 30);
    assert!(full.iter().all(|(_, _, code)| *code == "cohort_full"), "{full:?}");
    let roster = school.service.items(&school.owner, &format!("/v1/cohorts/{}/roster", school.cohort)).await;
    assert_eq!(roster.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_rows_are_one_command() {
    let school = School::with(json!({"capacity": 9_999})).await;
    let file = (0..10_000).fold("name,email,external_id,hub\n".to_owned(), |mut text, n| {
        writeln!(text, "Student {n},student{n}@example.org,LW-{n},{}", ["", "Northland", "Southland"][n % 3])
            .expect("text");
        text
    });
    let before = school.head().await;
    assert_eq!(counts(&school.roster(false, &file).await), [9_999, 0, 0, 0, 1]);
    assert_eq!(counts(&school.roster(true, &file).await), [9_999, 0, 0, 0, 1]);
    assert_eq!(school.head().await, before + 9_999 * 2);
    assert_eq!(counts(&school.roster(true, &file).await), [0, 0, 0, 9_999, 1]);
    assert_eq!(school.head().await, before + 9_999 * 2);
}
