//! Starts and stops a cluster's server, through `pg_ctl`; never starts a second one on the same data, nor kills one.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use crate::Say;
use crate::cluster::{Cluster, last_lines, said};
use crate::error::{Error, io};
use crate::find::Binaries;
use crate::home::Home;
use crate::process::{State, state};

/// How long a start may take, crash recovery and all.
const START_LIMIT: Duration = Duration::from_mins(3);
/// How long a stop may take, its last checkpoint and all, in seconds.
const STOP_LIMIT: &str = "120";
const STEP: Duration = Duration::from_millis(50);
/// How often to start over on another port.
const PORTS: u32 = 8;

/// A cluster with what it takes to run it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub home: Home,
    pub cluster: Cluster,
    pub binaries: Binaries,
}

impl Server {
    /// What there is now.
    pub fn state(&self) -> Result<State, Error> {
        state(&self.cluster.directory).map_err(io("read the lock file of", &self.cluster.directory))
    }

    /// The folder of the server's log.
    pub fn log(&self) -> PathBuf {
        self.cluster.directory.join("log")
    }

    /// Starts the server unless it runs, and gives its port. Call it with the start lock held.
    pub async fn start(&self, settings: &[(String, String)], say: &Say) -> Result<u16, Error> {
        let began = Instant::now();
        let mut ports = 0;
        let mut said_busy = false;
        loop {
            if began.elapsed() > START_LIMIT {
                let advice = match self.state()? {
                    State::Busy => "It is still recovering, and goes on with that: run again in a while.",
                    _ => "Look at what is in its way below, then run again.",
                };
                return Err(self.not_started(advice, SystemTime::UNIX_EPOCH));
            }
            match self.state()? {
                State::Ready(port) => return Ok(port),
                State::Busy => {
                    if !said_busy {
                        said_busy = true;
                        say("waiting for PostgreSQL, which is starting, recovering or stopping");
                    }
                    tokio::time::sleep(STEP).await;
                    continue;
                }
                State::Foreign => {
                    tracing::info!(cluster = %self.cluster.directory.display(), "the lock file names another program: removed");
                    let path = self.cluster.directory.join("postmaster.pid");
                    fs::remove_file(&path).map_err(io("remove", path))?;
                }
                State::Down => {}
            }
            let port = self.free_port(ports > 0)?;
            self.cluster.configure(&self.home, port, settings)?;
            let asked = SystemTime::now();
            if self.pg_ctl_start().await? {
                continue;
            }
            let log = self.log_since(asked);
            if log.contains("Address already in use") || log.contains("could not create any TCP/IP sockets") {
                ports += 1;
                if ports < PORTS {
                    continue;
                }
                return Err(self.not_started("Every port that was free a moment ago is taken: run again.", asked));
            }
            // What is left of a server that was killed ends by itself, once it has noticed.
            let leftovers =
                log.contains("pre-existing shared memory block") || log.contains("\"postmaster.pid\" already exists");
            if leftovers || self.state()? == State::Busy {
                tokio::time::sleep(STEP * 5).await;
                continue;
            }
            return Err(self.not_started("Mend what it says below, then run again.", asked));
        }
    }

    /// Stops the server, if it runs: its clients are disconnected, and everything is written.
    pub async fn stop(&self) -> Result<(), Error> {
        let mut command = self.pg_ctl("stop");
        let output = command.args(["-m", "fast", "-t", STOP_LIMIT]).output().await;
        let output = output.map_err(io("run", self.binaries.directory.join("pg_ctl")))?;
        if output.status.success() || matches!(self.state()?, State::Down | State::Foreign) {
            return Ok(());
        }
        Err(Error::NotStopped { cluster: self.cluster.directory.clone(), output: said(&output) })
    }

    /// Gives the superuser a password when the one it had is lost. Call it with the server stopped.
    pub async fn reset_password(&self, password: &str) -> Result<(), Error> {
        let mut command = self.home.user.command(self.binaries.directory.join("postgres"));
        command.arg("--single").arg("-D").arg(&self.cluster.directory).args([
            "-c",
            "logging_collector=off",
            "postgres",
        ]);
        let failed = io("run", self.binaries.directory.join("postgres"));
        let run = async {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut input) = child.stdin.take() {
                use tokio::io::AsyncWriteExt as _;
                input.write_all(format!("ALTER ROLE postgres PASSWORD '{password}'\n").as_bytes()).await?;
            }
            child.wait_with_output().await
        };
        let output = run.await.map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Program {
            program: "postgres --single".into(),
            status: output.status.to_string(),
            output: said(&output),
        })
    }

    async fn pg_ctl_start(&self) -> Result<bool, Error> {
        // What the server says before its own logging is up; kept for this start only, so that it cannot grow.
        let early = self.log().join("start.log");
        let _ = fs::remove_file(&early);
        let mut command = self.pg_ctl("start");
        let output = command.arg("-l").arg(&early).args(["-t", "60"]).output().await;
        Ok(output.map_err(io("run", self.binaries.directory.join("pg_ctl")))?.status.success())
    }

    /// `pg_ctl`, out of reach of the terminal's Ctrl-C. The server that it starts gets a session of its own.
    fn pg_ctl(&self, verb: &str) -> tokio::process::Command {
        let mut command = self.home.user.command(self.binaries.directory.join("pg_ctl"));
        command.process_group(0).args([verb, "-s", "-w", "-D"]).arg(&self.cluster.directory);
        command
    }

    /// A port that nobody listens on: the last one, unless that did not do.
    fn free_port(&self, another: bool) -> Result<u16, Error> {
        let last = self.cluster.last_port().filter(|_| !another);
        let listener = match last.map(|port| TcpListener::bind(("127.0.0.1", port))) {
            Some(Ok(listener)) => Ok(listener),
            _ => TcpListener::bind(("127.0.0.1", 0)),
        };
        let port = listener.and_then(|listener| listener.local_addr()).map(|address| address.port());
        port.map_err(io("find a free port on 127.0.0.1 for", &self.cluster.directory))
    }

    fn not_started(&self, advice: &'static str, since: SystemTime) -> Error {
        Error::NotStarted { cluster: self.cluster.directory.clone(), advice, log: self.log_since(since) }
    }

    /// The end of what the server has logged: the early words, then its newest log file if that has changed since.
    fn log_since(&self, since: SystemTime) -> String {
        let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(self.log())
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            // File times may be coarser than the clock.
            .filter(|(changed, _)| *changed + Duration::from_millis(20) >= since)
            .collect();
        files.sort();
        let tails =
            files.iter().map(|(_, path)| last_lines(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()), 12));
        let text = tails.collect::<Vec<_>>().join("\n");
        if text.is_empty() { "(it is empty)".into() } else { text }
    }
}
