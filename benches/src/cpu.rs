//! How much of the processors a part took: unlike a rate, it is nearly the same on a machine that others use, too.

use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, fs};

/// The server of this run.
static POSTMASTER: OnceLock<u32> = OnceLock::new();

/// What a tick of `/proc` is, on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// The processors' time of this process and of the server's, so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// This process, which is the service and those who call it, and the programs that it has waited for.
    pub own: Duration,
    /// The server with all its processes.
    pub server: Duration,
}

/// What the column of an [`Each`] is called: microseconds of the processors for each call.
pub const CPU_EACH: &str = "µs own + PG";

/// What one call took.
#[derive(Clone, Copy, Debug)]
pub struct Each {
    own: Duration,
    server: Duration,
}

impl Cpu {
    /// The server to look at from now on.
    pub fn look_at(postmaster: u32) {
        POSTMASTER.set(postmaster).expect("a run has one server");
    }

    /// Since the processes began; nothing where there is no `/proc`.
    pub fn now() -> Self {
        let with_ended = |times: Times| times.running + times.ended;
        let own = times("self").map(with_ended).unwrap_or_default();
        let Some(postmaster) = POSTMASTER.get() else { return Self { own, server: Duration::ZERO } };
        let server = times(&postmaster.to_string()).map(with_ended).unwrap_or_default();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter_map(|process| times(process.file_name().to_str()?));
        let children = processes.filter(|times| times.parent == *postmaster).map(|times| times.running);
        Self { own, server: server + children.sum::<Duration>() }
    }

    /// What one of so many calls has taken since then.
    pub fn each(since: Self, calls: usize) -> Each {
        let (now, calls) = (Self::now(), u32::try_from(calls.max(1)).unwrap_or(u32::MAX));
        let each = |now: Duration, then| now.saturating_sub(then) / calls;
        Each { own: each(now.own, since.own), server: each(now.server, since.server) }
    }
}

impl Each {
    /// How many times as much another one took.
    pub fn times(self, other: Self) -> f64 {
        (other.own + other.server).as_secs_f64() / (self.own + self.server).as_secs_f64()
    }
}

impl fmt::Display for Each {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} + {}", self.own.as_micros(), self.server.as_micros()))
    }
}

/// What `/proc` says of a process.
struct Times {
    parent: u32,
    running: Duration,
    ended: Duration,
}

fn times(process: &str) -> Option<Times> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything; what comes after it are the third field and those that follow.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |n: usize| Some(TICK * fields.get(n - 3)?.parse::<u32>().ok()?);
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        running: ticks(14)? + ticks(15)?,
        ended: ticks(16)? + ticks(17)?,
    })
}
