//! What processes take of the machine, by what the system says in `/proc`: a process with all that it has started.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use crate::Error;

/// How often memory is looked at: what is taken and given back in between is seen by the process's own peak only.
const EVERY: Duration = Duration::from_millis(100);

/// A process with all that it has started.
#[derive(Clone, Copy, Debug)]
pub struct Tree(pub u32);

/// What a tree has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The time of processors, with that of processes that have ended.
    pub cpu: Duration,
    /// The resident memory of all its processes together, in bytes; what they share counts for each.
    pub resident: u64,
}

/// The fields of `/proc/<id>/stat` that are of use, and where they are after the name's closing bracket.
const PARENT: usize = 1;
const TIMES: std::ops::RangeInclusive<usize> = 11..=14;
const RESIDENT_PAGES: usize = 21;

/// One process.
#[derive(Debug)]
struct Process {
    id: u32,
    parent: u32,
    ticks: u64,
    pages: u64,
}

impl Process {
    /// Reads one; none where it has ended meanwhile.
    fn read(id: u32) -> Result<Option<Self>, Error> {
        let path = format!("/proc/{id}/stat");
        let text = match fs::read(&path) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            // ESRCH is what reading says of a process that ends in between.
            Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) => return Ok(None),
            Err(error) => return Err(Error::io(format!("reading {path}"))(error)),
        };
        let fields: Vec<&str> =
            text.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().collect()).unwrap_or_default();
        let number = |field: usize| fields.get(field).and_then(|field| field.parse::<u64>().ok());
        let parsed = || {
            let parent = u32::try_from(number(PARENT)?).ok()?;
            let ticks = TIMES.map(number).sum::<Option<u64>>()?;
            Some(Self { id, parent, ticks, pages: number(RESIDENT_PAGES)? })
        };
        parsed().map(Some).ok_or_else(|| Error::Broken(format!("{path} cannot be read: {text}")))
    }
}

impl Tree {
    /// What it uses now.
    pub fn usage(self) -> Result<Usage, Error> {
        let root = Process::read(self.0)?;
        let root = root.ok_or_else(|| Error::Broken(format!("process {} has ended", self.0)))?;
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc").map_err(Error::io("reading /proc, which this needs"))? {
            let name = entry.map_err(Error::io("reading /proc"))?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            all.extend(Process::read(id)?);
        }
        let mut own = BTreeSet::from([self.0]);
        // Children may have lower numbers than their parents.
        while let Some(found) = all.iter().find(|p| own.contains(&p.parent) && !own.contains(&p.id)) {
            own.insert(found.id);
        }
        let (ticks, pages) = all
            .iter()
            .filter(|process| process.id != self.0 && own.contains(&process.id))
            .fold((root.ticks, root.pages), |(ticks, pages), one| (ticks + one.ticks, pages + one.pages));
        Ok(Usage { cpu: time(ticks)?, resident: pages.saturating_mul(system(SysconfVar::PAGE_SIZE)?) })
    }

    /// Forgets the peak of the process itself, so that the next one is told.
    fn forget_peak(self) -> Result<(), Error> {
        let path = format!("/proc/{}/clear_refs", self.0);
        // 5 is for the peak alone.
        fs::write(&path, "5").map_err(Error::io(format!("writing to {path}")))
    }

    /// The most resident memory that the process itself has had since, in bytes.
    fn peak(self) -> Result<u64, Error> {
        let path = format!("/proc/{}/status", self.0);
        let status = fs::read_to_string(&path).map_err(Error::io(format!("reading {path}")))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.map(|number| number << 10).ok_or_else(|| Error::Broken(format!("{path} names no peak")))
    }
}

/// How long all processors of the machine together have worked since it was started.
pub fn machine() -> Result<Duration, Error> {
    // user, nice, system, idle, iowait, irq, softirq: what was stolen is nobody's here.
    const IDLE: std::ops::RangeInclusive<usize> = 3..=4;
    let working = processors()?.into_iter().take(STOLEN).enumerate().filter(|(nth, _)| !IDLE.contains(nth));
    time(working.map(|(_, ticks)| ticks).sum())
}

/// How much of their time others of the same host have had.
pub fn stolen() -> Result<Duration, Error> {
    time(processors()?.get(STOLEN).copied().unwrap_or_default())
}

/// Which of the numbers of all processors is what was stolen.
const STOLEN: usize = 7;

/// What the system says of all processors together, in ticks.
fn processors() -> Result<Vec<u64>, Error> {
    let text = fs::read_to_string("/proc/stat").map_err(Error::io("reading /proc/stat"))?;
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    Ok(fields.map_while(|field| field.parse().ok()).collect())
}

/// So many of the system's ticks.
fn time(ticks: u64) -> Result<Duration, Error> {
    Ok(Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / system(SysconfVar::CLK_TCK)?)))
}

/// A number of the system's that is above zero.
fn system(what: SysconfVar) -> Result<u64, Error> {
    let number = sysconf(what).map_err(|error| Error::io("asking the system")(error.into()))?;
    let number = number.and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Error::Broken("the system does not say how it counts".to_owned()))
}

/// Looks at the memory of a tree on a thread of its own, until it has seen enough or the tree has ended.
#[derive(Debug)]
pub struct Watch {
    tree: Tree,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, Error>>,
}

impl Watch {
    /// Begins to look.
    pub fn start(tree: Tree) -> Result<Self, Error> {
        tree.forget_peak()?;
        let stop = Arc::new(AtomicBool::new(false));
        let enough = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !enough.load(Ordering::SeqCst) {
                most = tree.usage()?.resident.max(most);
                thread::park_timeout(EVERY);
            }
            Ok(most)
        });
        Ok(Self { tree, stop, thread })
    }

    /// The most memory since, in bytes.
    pub fn finish(self) -> Result<u64, Error> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        let seen = self.thread.join().map_err(|_| Error::Broken("whoever looked on has failed".to_owned()))??;
        Ok(seen.max(self.tree.peak()?))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_counts_with_all_that_it_has_started() {
        let mut shell = Command::new("sh");
        // The inner one holds eight mebibytes, and says when it does.
        let script = "sh -c 'a=$(head -c 8388608 /dev/zero | tr \"\\0\" a); echo ready; read b'; true";
        let mut child = shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        assert_eq!(line, "ready\n");
        let (alone, all) = (Process::read(child.id()).unwrap().unwrap(), Tree(child.id()).usage().unwrap());
        assert!(
            all.resident > (8 << 20) && alone.pages * system(SysconfVar::PAGE_SIZE).unwrap() < (8 << 20),
            "{all:?}"
        );
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(Tree(child.id()).usage().is_err(), "it has ended");
    }

    #[test]
    fn the_peak_is_told_though_it_is_over() {
        let own = Tree(std::process::id());
        let watch = Watch::start(own).unwrap();
        drop(std::hint::black_box(vec![1_u8; 64 << 20]));
        let (now, most) = (own.usage().unwrap().resident, watch.finish().unwrap());
        assert!(now < (64 << 20) && most >= (64 << 20), "{now}, {most}");
    }

    #[test]
    fn work_is_counted_for_its_process_and_for_the_machine() {
        let own = Tree(std::process::id());
        let (before, all) = (own.usage().unwrap().cpu, machine().unwrap());
        let mut sum = 0_u64;
        while own.usage().unwrap().cpu < before + Duration::from_millis(50) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(machine().unwrap() > all);
    }
}
