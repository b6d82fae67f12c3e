//! Processes of the service, started, killed and asked to end. None outlives whoever started it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::Error;
use crate::check::Violation;
use crate::load::answered;

/// Whom the service makes its owner.
pub const OWNER: &str = "owner@example.org";
/// Where its clock stands: after the last session of the load's cohorts.
const NOW: &str = "2026-03-25T00:00:00Z";
/// How long it may take to end, where its clients have gone.
const END: Duration = Duration::from_mins(2);

/// How to start the service.
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub binary: PathBuf,
    /// The database.
    pub database_url: String,
    /// Where its log goes.
    pub log: PathBuf,
    /// What else its environment has.
    pub environment: Vec<(String, String)>,
}

/// A process that serves.
#[derive(Debug)]
pub struct Service {
    /// Where it is to be found.
    pub url: String,
    child: Child,
}

impl Program {
    /// One for a load: without limits, because one client stands for many, and with a clock that stands still.
    pub fn for_a_load(binary: &Path, database_url: &str, log: &Path) -> Self {
        let unlimited = [("ROLLBOOK_RATE_PER_TOKEN", "0"), ("ROLLBOOK_RATE_PER_ADDRESS", "0"), ("ROLLBOOK_CLOCK", NOW)];
        Self::in_earnest(binary, database_url, log, &unlimited)
    }

    /// One as it is used, with these settings.
    pub fn in_earnest(binary: &Path, database_url: &str, log: &Path, settings: &[(&str, &str)]) -> Self {
        let (binary, database_url, log) = (binary.to_owned(), database_url.to_owned(), log.to_owned());
        let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { binary, database_url, log, environment }
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, Error> {
        let failed = Error::io(format!("opening {}", self.log.display()));
        let log = OpenOptions::new().create(true).append(true).open(&self.log).map_err(failed)?;
        let mut command = Command::new(&self.binary);
        command.args(arguments).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        // Its emails and uploads are written beside its log.
        command.current_dir(self.log.parent().unwrap_or(Path::new(".")));
        command.env("DATABASE_URL", &self.database_url).env("ROLLBOOK_OWNER_EMAIL", OWNER);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Starts it, on this port of loopback or on a free one, and waits until it listens.
    pub async fn start(&self, port: u16) -> Result<Service, Error> {
        let listen = format!("127.0.0.1:{port}");
        let mut child = self.command(&["serve", "--listen", &listen])?.spawn().map_err(self.failed())?;
        let mut lines = BufReader::new(child.stdout.take().into_iter().next().ok_or_else(|| self.ended())?).lines();
        while let Some(line) = lines.next_line().await.map_err(self.failed())? {
            if let Some(url) = line.strip_prefix("listening on ") {
                let url = url.split_whitespace().next().unwrap_or_default().to_owned();
                return Ok(Service { url, child });
            }
        }
        Err(self.ended())
    }

    /// A token of the owner's.
    pub async fn token(&self) -> Result<String, Error> {
        let output =
            self.command(&["token", "--email", OWNER, "--ttl", "7d"])?.output().await.map_err(self.failed())?;
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() { Ok(token) } else { Err(self.ended()) }
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> Error {
        Error::io(format!("running {}", self.binary.display()))
    }

    fn ended(&self) -> Error {
        Error::Broken(format!("{} ended; see {}", self.binary.display(), self.log.display()))
    }
}

impl Service {
    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default()
    }

    /// Its process id.
    pub fn id(&self) -> Result<u32, Error> {
        self.child.id().ok_or_else(|| Error::Broken("the service has ended".to_owned()))
    }

    /// Kills it, without any warning.
    pub async fn kill(mut self) -> Result<(), Error> {
        self.child.kill().await.map_err(Error::io("killing the service"))
    }

    /// What its pools have found left in a transaction, by its metrics.
    pub async fn left_in_transaction(&self, client: &reqwest::Client) -> Result<Option<Violation>, Error> {
        const NAME: &str = "rollbook_connections_left_in_transaction_total ";
        let metrics = answered(client.get(format!("{}/metrics", self.url))).await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix(NAME));
        let line = line.ok_or_else(|| Error::Broken(format!("the metrics do not have {NAME}")))?;
        let what = format!("{line} connections came back in a transaction");
        Ok((line.trim() != "0").then_some(Violation::LeftOpen { what }))
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(mut self) -> Result<ExitStatus, Error> {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            kill(Pid::from_raw(id), Signal::SIGTERM)
                .map_err(|error| Error::io("asking the service to end")(error.into()))?;
        }
        let ended = timeout(END, self.child.wait()).await;
        let late = |_| Error::Broken(format!("the service was asked to end, and has not after {} s", END.as_secs()));
        ended.map_err(late)?.map_err(Error::io("waiting for the service"))
    }
}

/// Kills the server of a cluster with all that it is doing, as a crash of the machine would.
pub fn kill_postgres(cluster: &Path) -> Result<(), Error> {
    let path = cluster.join("postmaster.pid");
    let lock = std::fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
    let id = lock.lines().next().and_then(|line| line.parse().ok());
    let id = id.filter(|id| *id > 1).ok_or_else(|| Error::Broken(format!("{} names no process", path.display())))?;
    kill(Pid::from_raw(id), Signal::SIGKILL).map_err(|error| Error::io("killing PostgreSQL")(error.into()))
}
