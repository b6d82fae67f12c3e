//! Pages in a real browser: what it makes of them under their own policy, not what was sent.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::school::{AFTER, School};

/// How long a page may take; a browser on a busy machine is slow to start.
pub const LIMIT: Duration = Duration::from_mins(2);

/// The names that a Chromium goes by.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    places.find(|place| place.is_file()).expect("a Chromium, as `apt install chromium` gives")
}

/// The browser without a window, to be told what to do; it ends with whoever holds it.
fn headless(profile: &Path) -> Command {
    let mut command = Command::new(browser());
    // The sandbox needs rights that a container does not have; the pages are our own.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]);
    command.arg(format!("--user-data-dir={}", profile.display())).kill_on_drop(true);
    command
}

/// A browser that stays on a page, and goes from there wherever the page sends it.
pub fn browsing(url: &str, profile: &Path) -> Child {
    let mut command = headless(profile);
    command.args(["--remote-debugging-port=0", url]).stderr(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("it starts")
}

/// A browser that is told what to do over two pipes in its folder, `to` and `from`, which the caller opens in this order.
pub fn piloted(profile: &Path) -> Child {
    for name in ["to", "from"] {
        let made = std::process::Command::new("mkfifo").arg(profile.join(name)).status().expect("mkfifo runs");
        assert!(made.success(), "a pipe");
    }
    let plain = headless(profile);
    // It takes what it is told from 3, and answers on 4.
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 3<to 4>from"])
        .arg(plain.as_std().get_program())
        .args(plain.as_std().get_args());
    command.args(["--remote-debugging-pipe", "about:blank"]).current_dir(profile);
    command.stderr(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().expect("it starts")
}

/// The page as the browser has it once its scripts have run.
async fn opened(url: &str, profile: &Path) -> String {
    let mut command = headless(profile);
    command.args(["--virtual-time-budget=20000", "--dump-dom", url]);
    let output = tokio::time::timeout(LIMIT, command.output()).await.expect("the browser ends").expect("it starts");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn the_api_page_shows_every_operation_under_its_own_policy() {
    let school = School::open().await;
    let document: Value = school.service.ask("", "/openapi.json").await.json;
    let tags = document["tags"].as_array().expect("tags");
    let profile = tempfile::tempdir().expect("a folder");
    let page = opened(&format!("{}/docs", school.service.url), profile.path()).await;
    for tag in tags {
        let tag = tag["name"].as_str().expect("a name");
        assert!(page.contains(&format!("id=\"operations-tag-{tag}\"")), "{tag} is not there: {page}");
    }
    assert!(!page.contains("Failed to load API definition"), "{page}");
}

#[tokio::test]
async fn a_report_draws_its_charts_and_runs_nothing_that_people_wrote() {
    let school = School::open().await;
    school.service.now(AFTER);
    let students = school.students(2).await;
    school.mark(&students[0], 1, "present").await;
    school.mark(&students[1], 1, "absent").await;
    let script = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">";
    school.command("HoldStudent", json!({"enrolment_id": students[1].enrolment, "reason": script})).await;
    let head = school.service.executor.store().head().await.expect("the log's head");
    let path = format!("/v1/cohorts/{}/report.html?min_position={head}", school.cohort);
    let sent = school.service.ask(&school.owner, &path).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, &sent.text).expect("the page is written");
    let page = opened(&format!("file://{}", file.display()), &folder.path().join("profile")).await;
    assert!(page.contains("<title>Ako, first steps: Kererū 2026</title>"), "{page}");
    assert_eq!(page.matches("<rect").count(), 2, "one part of a column for each student who was marked");
    assert_eq!(page.matches("<script").count(), 0);
    assert!(page.contains("&lt;script&gt;document.title"), "{page}");
}
