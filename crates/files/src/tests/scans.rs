//! Scanners: small scripts that do what scanners do, and what they should not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::file;
use crate::scan::{Scanner, Verdict};

/// A script in a folder, for a shell that reads it: what was just written, others may still have open for writing.
fn script(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("scan");
    fs::write(&path, format!("cd '{}' || exit 9\n{text}\n", folder.path().display())).unwrap();
    path
}

fn scanner(script: &Path) -> Scanner {
    Scanner::read(&format!("sh {}", script.display())).unwrap()
}

#[tokio::test]
async fn its_exit_status_is_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let scanner = scanner(&script(&folder, "if grep -q EICAR; then exit 1; fi"));
    assert_eq!(scanner.scan(&file(b"harmless")).await.unwrap(), Verdict::Taken);
    assert_eq!(scanner.scan(&file(b"an EICAR test")).await.unwrap(), Verdict::Refused);
    for broken in ["exit 2", "exit 127", "kill -9 $$", "kill -15 $$"] {
        let error = super::scans::scanner(&script(&folder, broken)).scan(&file(b"x")).await;
        assert!(error.is_err(), "{broken}");
    }
    let missing = Scanner::read("/no/such/program").unwrap();
    assert!(missing.scan(&file(b"x")).await.is_err());
    assert!(Scanner::read(" \t").is_none());
}

#[tokio::test]
async fn it_has_all_of_the_file_and_need_not_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let reads = scanner(&script(&folder, "cat >copy"));
    let given = file(&large);
    for _ in 0..2 {
        assert_eq!(reads.scan(&given).await.unwrap(), Verdict::Taken);
        assert!(fs::read(folder.path().join("copy")).unwrap() == large);
    }
    for (text, verdict) in [("exit 0", Verdict::Taken), ("exit 1", Verdict::Refused)] {
        assert_eq!(scanner(&script(&folder, text)).scan(&given).await.unwrap(), verdict);
    }
}

#[tokio::test]
async fn there_is_no_shell_and_nothing_of_our_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "printf '%s\\n' \"$@\" >arguments; tr '\\0' '\\n' </proc/$$/environ >environment");
    let command = format!("sh {} --fast $(id) '*; $HOME |", path.display());
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is more that it could be given");
    assert_eq!(Scanner::read(&command).unwrap().scan(&file(b"x")).await.unwrap(), Verdict::Taken);
    let said = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(said("arguments"), "--fast\n$(id)\n'*;\n$HOME\n|\n");
    assert_eq!(said("environment"), format!("PATH={}\n", std::env::var("PATH").unwrap()));
}

/// Whether a process has ended, or is about to be waited for.
fn has_ended(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

/// Waits until what was killed has gone.
async fn gone(folder: &TempDir) {
    let pids = fs::read_to_string(folder.path().join("pids")).unwrap();
    let pids: Vec<&str> = pids.lines().collect();
    assert_eq!(pids.len(), 2);
    eventually(|| pids.iter().all(|pid| has_ended(pid))).await;
}

/// Looks until it is so; what never comes fails.
async fn eventually(is: impl Fn() -> bool) {
    let so = async {
        while !is() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), so).await.expect("it comes to that");
}

#[tokio::test]
async fn one_that_does_not_end_is_ended_with_all_that_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "sleep 600 &\necho $$ >some; echo $! >>some; mv some pids; wait");
    let slow = scanner(&path).within(Duration::from_secs(2));
    let error = slow.scan(&file(&vec![0; 1 << 20])).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    gone(&folder).await;
}

#[tokio::test]
async fn one_that_nobody_waits_for_any_more_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let scanner = scanner(&script(&folder, "sleep 600 &\necho $$ >some; echo $! >>some; mv some pids; wait"));
    let given = file(b"x");
    let begun = eventually(|| folder.path().join("pids").exists());
    tokio::select! {
        ended = scanner.scan(&given) => panic!("{ended:?}"),
        () = begun => {}
    }
    gone(&folder).await;
}
