//! A throw-away server for tests, which ends with the process that asked for it, however that ends; never keeps anything.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use crate::error::{Error, io};
use crate::find::{Search, find};
use crate::instance::Instance;
use crate::privileges::ServerUser;
use crate::secrets::random_hex;
use crate::{Options, Say};

/// Fast rather than durable: what a crash loses here is not missed.
const SETTINGS: [(&str, &str); 4] =
    [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off"), ("max_connections", "100")];

/// Waits until the process that started it has ended, which closes its input; then ends the server and removes the folder.
/// Again and again for a while, because an `initdb` or a server in the making may outlive that process and write some more.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r _
n=0
while [ -e "$1" ] && [ "$n" -lt 100 ]; do
    "$2" stop -D "$1/cluster" -m immediate -s -w -t 10
    rm -rf "$1"
    n=$((n + 1))
    if [ -e "$1" ]; then sleep 0.1; fi
done
"#;

/// Starts a server in a new folder under the system's temporary one, with the durable settings off and those given on top.
///
/// It ends, and its folder is removed, with [`Instance::stop`], when the instance is dropped, or when the process ends, also by
/// a kill. Binaries are found as ever, `ROLLBOOK_PG_BIN` from the environment first. It takes about two seconds.
pub async fn temporary(settings: &[(&str, &str)]) -> Result<Instance, Error> {
    let say: Say = std::sync::Arc::new(|line: &str| tracing::debug!("{line}"));
    let user = ServerUser::for_directory_of(geteuid().as_raw()).await?;
    let search = Search { download: None, ..Search::default() };
    let named = std::env::var_os("ROLLBOOK_PG_BIN").map(PathBuf::from);
    let directory = make_directory(&user).await?;
    // Before anything is in the folder, so that nothing can be left behind.
    let binaries = match find(named.as_deref(), &search, &user, None, &directory, &say).await {
        Ok(binaries) => binaries,
        Err(error) => {
            let _ = std::fs::remove_dir(&directory);
            return Err(error);
        }
    };
    let watchdog = Watchdog::set(&user, &directory, &binaries.directory.join("pg_ctl"))?;
    let mut options = Options::new(&directory);
    options.pg_bin = Some(binaries.directory);
    options.say = say;
    let settings = SETTINGS.iter().chain(settings);
    options.settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut instance = Instance::open(options, false).await?;
    instance.watchdog = Some(watchdog);
    Ok(instance)
}

/// Makes a folder that belongs to the server's user, in the first temporary folder that he can reach.
async fn make_directory(user: &ServerUser) -> Result<PathBuf, Error> {
    let name = format!("rollbook-test-{}", random_hex(6)?);
    let mut last = None;
    for place in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()] {
        let Ok(place) = std::fs::canonicalize(place) else { continue };
        let directory = place.join(&name);
        if let Err(error) = DirBuilder::new().mode(0o700).create(&directory) {
            last = Some(io("make", directory)(error));
            continue;
        }
        user.give(&directory)?;
        if user.reaches(&directory).await {
            return Ok(directory);
        }
        let _ = std::fs::remove_dir(&directory);
    }
    let reason =
        format!("{}, whom PostgreSQL runs as, reaches no temporary folder. Set TMPDIR to one that it does.", user.name);
    Err(last.unwrap_or(Error::DataDirectory { path: std::env::temp_dir(), reason }))
}

/// A process that ends the server when ours has ended.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
    directory: PathBuf,
}

impl Watchdog {
    fn set(user: &ServerUser, directory: &Path, pg_ctl: &Path) -> Result<Self, Error> {
        let mut command = user.std_command("/bin/sh");
        command.args(["-c", SCRIPT, "rollbook-watchdog"]).arg(directory).arg(pg_ctl);
        // In a group of its own: the terminal's Ctrl-C is for us.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(io("run", "/bin/sh"))?;
        Ok(Self { child, directory: directory.into() })
    }

    /// Has it do its work now, and waits until it has.
    pub async fn finish(mut self) -> Result<(), Error> {
        /// Longer than the script goes on when nothing hangs.
        const LIMIT: Duration = Duration::from_mins(1);
        drop(self.child.stdin.take());
        let began = Instant::now();
        while self.child.try_wait().map_err(io("wait for the end of", &self.directory))?.is_none() {
            if began.elapsed() > LIMIT {
                let output = format!("still at it after {} s", LIMIT.as_secs());
                return Err(Error::NotStopped { cluster: self.directory.join("cluster"), output });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}
