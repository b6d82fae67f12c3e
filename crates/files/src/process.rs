//! A program that looks at a file for us, which may be hostile: it knows nothing of our environment, and whatever becomes
//! of us or of the request, neither it nor what it has started goes on.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// Where programs are looked for; all that they know of our environment.
const PATH: &str = "PATH";

/// A running program, in a process group of its own that ends with this value.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program, without a shell. What it says about its trouble is nobody's business here: it may name files.
    pub fn start<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
        input: impl Into<Stdio>,
        output: impl Into<Stdio>,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(input).stdout(output).stderr(Stdio::null());
        command.envs(std::env::var_os(PATH).map(|path| (PATH, path)));
        command.process_group(0).kill_on_drop(true).spawn().map(Self)
    }

    /// What it reads, where that is a pipe.
    pub fn input(&mut self) -> Option<ChildStdin> {
        self.0.stdin.take()
    }

    /// How it ended; none if it did not in this time, after which it has been killed.
    pub async fn ended(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        timeout(limit, self.0.wait()).await.ok().transpose()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Until it has been waited for, its number is nobody else's.
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended by itself.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}
