//! What a cluster's `postmaster.pid` says, and whether it is true; never ends a process.

use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// What is known about a cluster's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none, and nothing in its way: a lock file of a process that is gone is Postgres's to judge, which
    /// also looks whether children of that process still use the data.
    Down,
    /// There is none, but its lock file names a process that is alive and another program, which Postgres cannot tell.
    Foreign,
    /// It is starting, recovering or stopping.
    Busy,
    /// It accepts connections on this port.
    Ready(u16),
}

/// Looks at a cluster.
pub(crate) fn state(cluster: &Path) -> io::Result<State> {
    let text = match fs::read_to_string(cluster.join("postmaster.pid")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Down),
        Err(error) => return Err(error),
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(pid) = lines.first().and_then(|line| line.parse::<i32>().ok()).map(i32::abs).filter(|pid| *pid > 1) else {
        // Process 1 is the container's own program, or the file is empty: no server that we started.
        return Ok(State::Foreign);
    };
    if kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return Ok(State::Down);
    }
    if !serves(pid, cluster) {
        return Ok(State::Foreign);
    }
    // The lines are: process, folder, start, port, socket folder, address, shared memory, status.
    Ok(match (lines.get(3).and_then(|line| line.parse().ok()), lines.get(7)) {
        (Some(port), Some(&"ready")) => State::Ready(port),
        _ => State::Busy,
    })
}

/// Whether a live process is the server of this cluster. A doubtful one is: starting a second server is the greater harm.
fn serves(pid: i32, cluster: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    // The server works in its cluster's folder, also when that is renamed meanwhile.
    if fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == cluster) {
        return true;
    }
    let cluster = cluster.to_string_lossy();
    if Path::new("/proc/self/cmdline").exists() {
        // Empty for one that has ended and that nobody has asked about, as happens in containers.
        return fs::read(process.join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == cluster.as_bytes()));
    }
    let output = std::process::Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.map_or(true, |output| String::from_utf8_lossy(&output.stdout).contains(&*cluster))
}

/// The world of process ids that we live in: another container has another one, in which our ids mean nothing.
pub(crate) fn namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> State {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("postmaster.pid"), text).unwrap();
        state(directory.path()).unwrap()
    }

    #[test]
    fn tells_servers_from_other_programs() {
        assert_eq!(state(tempfile::tempdir().unwrap().path()).unwrap(), State::Down);
        assert_eq!(with(""), State::Foreign);
        assert_eq!(with("1\n"), State::Foreign);
        assert_eq!(with(&format!("{}\n/x\n1\n5432\n\n127.0.0.1\n1 2\nready   \n", std::process::id())), State::Foreign);
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        assert_eq!(with(&format!("{}\n", gone.id())), State::Down);
    }

    #[test]
    fn an_ended_process_that_nobody_asked_about_is_no_server() {
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(with(&format!("{}\n", ended.id())), State::Foreign);
        ended.wait().unwrap();
    }

    #[test]
    fn reads_the_port_when_it_is_ready() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let mut server = std::process::Command::new("sleep").arg("60").current_dir(&directory).spawn().unwrap();
        let write = |status: &str| {
            let text = format!("{}\n/x\n1\n5432\n\n127.0.0.1\n1 2\n{status}\n", server.id());
            fs::write(directory.join("postmaster.pid"), text).unwrap();
            state(&directory).unwrap()
        };
        let states = [write("starting"), write("ready   "), write("stopping")];
        server.kill().unwrap();
        server.wait().unwrap();
        assert_eq!(states, [State::Busy, State::Ready(5432), State::Busy]);
    }
}
