//! A scanner that the operator has set up: what it refuses and what it cannot tell is not taken, and nothing of it stays.

use std::time::Duration;

use rollbook_files::Scanner;
use rollbook_store::Clock;
use serde_json::json;
use tempfile::TempDir;

use super::{PDF, PNG, id, rows, send, stored};
use crate::harness::{Database, Hosting, Service, at};
use crate::school::School;

/// A school whose files are given to this script.
async fn scanned(script: &str, limit: Duration) -> (School, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scan");
    std::fs::write(&path, script).expect("a script");
    let scanner = Scanner::read(&format!("sh {}", path.display())).expect("a command").within(limit);
    let hosting = Hosting { scanner: Some(scanner), ..Hosting::default() };
    let clock = Clock::frozen(at("2026-02-01T00:00:00Z"));
    let service = Service::hosting(Database::create().await, clock, hosting).await;
    (School::of(service, json!({})).await, folder)
}

#[tokio::test]
async fn what_the_scanner_lets_in_is_kept_and_what_it_refuses_is_not() {
    let (school, _folder) = scanned("if grep -q EICAR; then exit 1; fi", Duration::from_mins(1)).await;
    for (name, bytes) in [("a.pdf", PDF), ("a.png", PNG)] {
        let taken = send(&school, &school.owner, name, bytes).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
        let file = school.service.request(
            reqwest::Method::GET,
            &school.owner,
            &format!("/v1/uploads/{}/file", id(&taken.json)),
        );
        let file = file.send().await.expect("an answer").bytes().await.expect("its body");
        assert_eq!(file, bytes, "whole, from its start");
    }
    let before = (rows(&school).await, stored(&school).len());
    let infected = [PDF, b"EICAR\n%%EOF\n"].concat();
    let refused = send(&school, &school.owner, "a.pdf", infected).await;
    assert_eq!((refused.status, &refused.json["code"]), (422, &json!("file_refused")), "{}", refused.text);
    assert_eq!((rows(&school).await, stored(&school).len()), before);
}

#[tokio::test]
async fn a_scanner_that_has_no_answer_keeps_files_out() {
    for (script, limit) in [
        ("exit 2", Duration::from_mins(1)),
        ("kill -9 $$", Duration::from_mins(1)),
        ("sleep 600", Duration::from_millis(1)),
    ] {
        let (school, _folder) = scanned(script, limit).await;
        let unscanned = send(&school, &school.owner, "a.pdf", PDF).await;
        assert_eq!((unscanned.status, &unscanned.json["code"]), (503, &json!("scan_unavailable")), "{script}");
        assert!(unscanned.headers.contains_key("retry-after"));
        assert_eq!((rows(&school).await, stored(&school).len()), (0, 0), "{script}");
    }
}
