//! Instances against real servers: their life, their crashes, and who may use them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crashes;
mod life;
mod users;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollbook_embedded::{Instance, Options};
use tokio_postgres::{Client, NoTls};

/// Options for a test: a data directory in a temporary folder, and no waiting for the disk.
fn options(data_dir: &Path) -> Options {
    let mut options = Options::new(data_dir);
    options.pg_bin = std::env::var_os("ROLLBOOK_PG_BIN").map(Into::into);
    options.settings = vec![("fsync".into(), "off".into())];
    options.search.download = None;
    options
}

/// The same, with what it says.
fn options_said(data_dir: &Path) -> (Options, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&said);
    let mut options = options(data_dir);
    options.say = Arc::new(move |line: &str| into.lock().unwrap().push(line.to_owned()));
    (options, said)
}

/// A folder for data directories that the server's user can pass through.
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The process id of an instance's server.
/// Where Cargo puts the example beside the folder of this test binary: it builds a package's examples with its tests.
const EXAMPLE: &str = "examples/temporary";

fn example() -> std::path::PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join(EXAMPLE)
}

fn pid(instance: &Instance) -> i32 {
    let text = std::fs::read_to_string(instance.directory().join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn alive(pid: i32) -> bool {
    let running = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok();
    // One that has ended but not been asked about does not count.
    running && std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn ends(pid: i32) {
    eventually(&format!("process {pid} ends"), async || !alive(pid)).await;
}

/// Looks until it is so; what never comes fails, and says what was waited for.
async fn eventually(what: &str, is: impl AsyncFn() -> bool) {
    let so = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), so).await.unwrap_or_else(|_| panic!("not within a minute: {what}"));
}
