//! The built binary, run in a folder of its own; whatever it starts ends with the test, however that ends.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Long enough for whatever is waited for, however busy the machine is: a test that hangs must fail.
const LIMIT: Duration = Duration::from_mins(3);

/// What the environment of whoever runs the tests must not decide. `ROLLBOOK_PG_BIN` may.
const FOREIGN: [&str; 23] = [
    "DATABASE_URL",
    "RESEND_API_KEY",
    "ROLLBOOK_CLOCK",
    "ROLLBOOK_DATA_DIR",
    "ROLLBOOK_EMAIL_DIR",
    "ROLLBOOK_EMAIL_FROM",
    "ROLLBOOK_FILES",
    "ROLLBOOK_KEYS",
    "ROLLBOOK_LISTEN",
    "ROLLBOOK_LOAD_FROM",
    "ROLLBOOK_LOG",
    "ROLLBOOK_OWNER_EMAIL",
    "ROLLBOOK_PUBLIC_URL",
    "ROLLBOOK_RESEND_URL",
    "ROLLBOOK_SCAN",
    "ROLLBOOK_SITE",
    "ROLLBOOK_SITE_DATABASE_CA",
    "ROLLBOOK_SITE_DATABASE_HOSTS",
    "ROLLBOOK_SMTP_URL",
    "ROLLBOOK_SUPER_ADMINS",
    "ROLLBOOK_SUPER_ADMIN_SECOND_FACTOR",
    "ROLLBOOK_UNKNOWN_HOSTS",
    "RUST_LOG",
];

/// The service, as Cargo builds it together with its tests.
pub const BINARY: &str = env!("CARGO_BIN_EXE_rollbook");

/// A folder with a data directory. A watchdog ends what runs in it and removes it: with the test that owns it, or with
/// the process of the tests, also when that is killed.
pub struct Home {
    /// Where the binary runs.
    pub folder: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    watchdog: Child,
    _removed: TempDir,
}

impl Home {
    /// A new one. The server's user can pass through it, when the tests run as root.
    pub fn new() -> Self {
        let made = tempfile::Builder::new().prefix("rollbook-binary-").tempdir().expect("a temporary folder");
        let folder = made.path().canonicalize().expect("it is there");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("it is ours");
        fs::create_dir(folder.join("running")).expect("a folder in it");
        let data = folder.join("data");
        let mut watchdog = Command::new("/bin/sh");
        watchdog.args(["-c", include_str!("watchdog.sh"), "watchdog"]).arg(&folder).arg(&data);
        // In a group of its own: the terminal's Ctrl-C is for the tests.
        watchdog.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watchdog = watchdog.spawn().expect("a shell");
        Self { folder, data, watchdog, _removed: made }
    }

    /// The binary with these arguments, to be changed and then started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(&self.folder);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("ROLLBOOK_DATA_DIR", &self.data);
        command
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, command: &mut Command) -> Running<'_> {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the binary starts");
        let note = self.folder.join("running").join(child.id().to_string());
        fs::write(&note, "").expect("a note");
        let (sender, lines) = channel();
        tell(child.stdout.take().expect("piped"), Stream::Out, sender.clone());
        tell(child.stderr.take().expect("piped"), Stream::Err, sender);
        Running { _home: self, child, lines, note, out: String::new(), err: String::new() }
    }

    /// Runs the binary with these arguments to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.start(&mut self.command(arguments)).finish()
    }

    /// What the binary prints, which must end well.
    pub fn out(&self, arguments: &[&str]) -> String {
        self.run(arguments).done().out
    }

    /// Starts `rollbook serve` on a free port, with an owner.
    pub fn serve(&self, owner: &str) -> Running<'_> {
        self.start(self.command(&["serve", "--listen", "127.0.0.1:0"]).env("ROLLBOOK_OWNER_EMAIL", owner))
    }

    /// The process id of the PostgreSQL that runs in the data directory.
    pub fn postgres(&self) -> Option<u32> {
        let lock = fs::read_to_string(self.data.join("cluster/postmaster.pid")).ok()?;
        lock.lines().next()?.parse().ok()
    }

    /// Waits until no process works in the data directory: PostgreSQL's logger is the last one, and leaves by itself.
    pub fn is_left_by_everybody(&self) {
        assert_eq!(self.postgres(), None, "the server has taken its lock away");
        let began = Instant::now();
        while let Some(process) = self.somebody() {
            assert!(began.elapsed() < LIMIT, "process {process} goes on in {}", self.data.display());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Some process that works in the data directory.
    fn somebody(&self) -> Option<String> {
        fs::read_dir("/proc").into_iter().flatten().flatten().find_map(|entry| {
            let works = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.data));
            works.then(|| entry.file_name().to_string_lossy().into_owned())
        })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// Tells every line of a stream, until it ends.
fn tell(stream: impl Read + Send + 'static, which: Stream, to: Sender<(Stream, String)>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            if to.send((which, String::from_utf8_lossy(&line).into_owned())).is_err() {
                break;
            }
        }
    });
}

/// A process of the binary. It is asked to end, and waited for, when the test has no use for it any more.
pub struct Running<'home> {
    _home: &'home Home,
    child: Child,
    lines: Receiver<(Stream, String)>,
    note: PathBuf,
    out: String,
    err: String,
}

impl Running<'_> {
    /// Waits for a line that begins like this, on stdout or stderr.
    pub fn line(&mut self, beginning: &str) -> String {
        loop {
            match self.next() {
                Some(line) if line.starts_with(beginning) => return line,
                Some(_) => {}
                None => panic!("ended without a line `{beginning}…`:\n{}{}", self.out, self.err),
            }
        }
    }

    /// Waits until it listens; the URL.
    pub fn listens(&mut self) -> String {
        let line = self.line("listening on ");
        let url = line.split_whitespace().nth(2).expect("a URL");
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "the real port is printed: {line}");
        url.to_owned()
    }

    /// What it has printed up to the line that was waited for last.
    pub fn printed(&self) -> &str {
        &self.out
    }

    fn next(&mut self) -> Option<String> {
        let (stream, line) = match self.lines.recv_timeout(LIMIT) {
            Ok(told) => told,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(late) => panic!("{late}; it said so far:\n{}{}", self.out, self.err),
        };
        let all = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        all.push_str(&line);
        all.push('\n');
        Some(line)
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("an id"))
    }

    /// Sends it a signal and waits for its end.
    pub fn end(self, signal: Signal) -> Ran {
        kill(self.pid(), signal).expect("it runs");
        self.finish()
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Ran {
        while self.next().is_some() {}
        let status = self.child.wait().expect("its end");
        Ran {
            code: status.code(),
            signal: status.signal(),
            out: std::mem::take(&mut self.out),
            err: std::mem::take(&mut self.err),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let began = Instant::now();
        let _ = self.child.try_wait().is_ok_and(|ended| ended.is_none()) && kill(self.pid(), Signal::SIGTERM).is_ok();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if began.elapsed() > LIMIT {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = fs::remove_file(&self.note);
    }
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit status, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it said on the way.
    pub err: String,
}

impl Ran {
    /// It has done what it was asked.
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// It has failed, and given one reason in one line.
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.out, "", "an answer, and a failure");
        let reasons: Vec<_> = self.err.lines().filter_map(|line| line.strip_prefix("rollbook: ")).collect();
        assert_eq!(reasons.len(), 1, "{}", self.err);
        assert_eq!(self.err.lines().last().and_then(|line| line.strip_prefix("rollbook: ")), reasons.last().copied());
        reasons[0].to_owned()
    }
}

/// The log as `rollbook events` shows it: of every event its position, and its stream, sequence and type.
pub fn log(home: &Home) -> BTreeMap<u64, String> {
    let out = home.out(&["events"]);
    let events = out.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [position, _, kind, id, sequence, event, ..] = words[..] else { panic!("no event: {line}") };
        (position.parse().expect("a position"), format!("{kind}/{id} {sequence} {event}"))
    });
    events.collect()
}

/// The positions of a log must have no gap.
pub fn is_gapless(log: &BTreeMap<u64, String>) {
    assert!(log.keys().copied().eq(1..=log.len() as u64), "{:?}", log.keys());
}
