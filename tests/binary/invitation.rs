//! `rollbook demo`, served: what it prints to paste works, and Ctrl-C ends all of it.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::program::Home;
use crate::harness::{answer, client};

/// What follows the names of the roles in the list of tokens.
fn token_of<'a>(printed: &'a str, role: &str) -> (&'a str, &'a str) {
    let line = printed.lines().find_map(|line| line.trim_start().strip_prefix(role)).expect("a line for the role");
    line.trim_start().split_once("  ").expect("a token, and whose it is")
}

/// The lines to paste, each as printed: one that ends in a backslash goes on.
fn lines_to_paste(printed: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = false;
    for line in printed.lines() {
        if open {
            let last: &mut String = lines.last_mut().expect("one that is open");
            last.push('\n');
            last.push_str(line);
        } else if line.starts_with("  curl ") {
            lines.push(line.to_owned());
        } else {
            continue;
        }
        open = line.ends_with('\\');
    }
    lines
}

/// Pastes a line into a shell; the JSON that it prints.
fn paste(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}\nprints no JSON ({error}): {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_and_lines_of_the_served_demo_work_when_pasted() {
    let curl = Command::new("curl").arg("--version").output();
    assert!(curl.is_ok_and(|curl| curl.status.success()), "this test pastes lines for curl: apt-get install curl");
    let home = Home::new();
    let mut demo = home.start(&mut home.command(&["demo", "--listen", "127.0.0.1:0"]));
    let url = demo.listens();
    demo.line("Ctrl-C ends it");
    let printed = demo.printed().to_owned();

    let client = client();
    for role in ["admin", "coordinator", "marker", "student"] {
        let (token, whose) = token_of(&printed, role);
        let me = answer(client.get(format!("{url}/v1/me")).bearer_auth(token)).await;
        assert_eq!(me.status, 200, "{}", me.text);
        let name = me.json["name"].as_str().expect("a name");
        assert!(whose.starts_with(name), "{whose}: {name}");
    }
    let docs = answer(client.get(format!("{url}/docs"))).await;
    assert_eq!(docs.status, 200);
    let (studying, _) = token_of(&printed, "student");
    let not_theirs = answer(client.get(format!("{url}/v1/events")).bearer_auth(studying)).await;
    assert_eq!(not_theirs.status, 403, "a student is no admin: {}", not_theirs.text);

    let calendar = printed.lines().find_map(|line| line.trim().strip_suffix(".ics")).expect("an address");
    let sessions = answer(client.get(format!("{calendar}.ics"))).await;
    assert_eq!(sessions.text.matches("BEGIN:VEVENT").count(), 8, "{}", sessions.text);

    let lines = lines_to_paste(&printed);
    let [roster, late, queue] = &lines[..] else { panic!("three lines: {lines:?}") };
    assert_eq!(paste(roster)["items"].as_array().map(Vec::len), Some(3));
    let receipt = paste(late);
    assert_eq!(receipt["events"][0]["type"], "AttendanceMarked", "{receipt}");
    assert_eq!(paste(late), receipt, "sent twice, the receipt is the same");
    let waiting = paste(queue);
    assert_eq!(waiting["items"].as_array().map(Vec::len), Some(3), "{waiting}");
    assert!(waiting["items"][0]["text"].is_string(), "{waiting}");

    assert!(home.postgres().is_some());
    let ended = demo.end(Signal::SIGINT).done();
    assert!(!ended.err.contains("broken off"), "{}", ended.err);
    home.is_left_by_everybody();
}
