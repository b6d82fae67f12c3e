//! Files of rosters and registers, over HTTP and from the command line.

mod attendance;
mod binary;
mod hubs;
mod oneroster;
mod pieces;
mod races;
mod roster;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, answer};
use crate::school::School;

/// 70 rows: 66 people who are new, two who are known, one who is there twice, one without an address.
const AUTUMN: &str = include_str!("../../fixtures/rosters/autumn.csv");

/// More than anything takes that happens.
const A_MOMENT: Duration = Duration::from_mins(1);

impl School {
    /// Sends a file, and takes whatever comes back.
    async fn file(&self, token: &str, what: &str, media: &str, file: impl Into<Vec<u8>>) -> Answer {
        let path = format!("/v1/cohorts/{}/{what}", self.cohort);
        let request = self.service.request(Method::POST, token, &path);
        answer(request.header("content-type", media).body(file.into())).await
    }

    /// The report on a roster that must be taken.
    async fn roster(&self, commit: bool, file: &str) -> Value {
        let what = format!("roster-import?commit={commit}");
        let answer = self.file(&self.admin, &what, "text/csv; charset=utf-8", file).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["committed"], json!(commit));
        answer.json
    }

    /// Two people whom the autumn's file knows.
    async fn knows_two(&self) {
        let tui = json!({"name": "Tui Known", "email": "tui@example.org", "external_id": "LW-1"});
        self.command("RegisterPerson", tui).await;
        self.command("RegisterPerson", json!({"name": "Kahu Known", "email": "Kahu@example.org"})).await;
    }

    pub async fn head(&self) -> i64 {
        self.service.executor.store().head().await.expect("the log's head")
    }
}

fn counts(report: &Value) -> [u64; 5] {
    ["new", "known", "updated", "unchanged", "wrong"].map(|name| report["counts"][name].as_u64().expect("a count"))
}

/// Number, column and code of the rows that are wrong.
fn wrong(report: &Value) -> Vec<(u64, &str, &str)> {
    let rows = report["rows"].as_array().expect("rows").iter();
    rows.filter(|row| row["outcome"] == "wrong")
        .map(|row| {
            let text = |field: &str| row[field].as_str().unwrap_or_default();
            (row["number"].as_u64().expect("a number"), text("column"), text("code"))
        })
        .collect()
}
