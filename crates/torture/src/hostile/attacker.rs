//! The process that attacks, and whoever starts it: apart from the probe and at the lowest priority, so that its work
//! is its own. It is told what to do on its standard input, says when it begins, and tells on its standard output what
//! it was answered with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::setsid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::answers::{Answers, Counts};
use super::attack::{Attack, Target};
use super::scene::Scene;
use super::usage::Tree;
use crate::Error;

/// What it says when it begins.
const BEGINS: &str = "begins";
/// How nice it is: everybody else goes first.
const NICENESS: &str = "19";
/// How long an attack may take to come to be what it is called: a long answer is long in coming.
const STRIKES: Duration = Duration::from_mins(1);
/// The same for several at once, which hold each other up: then those that have come to be it are waited for no longer.
const TOGETHER: Duration = Duration::from_secs(10);
/// How long it may take to prepare and to begin, and to end.
const GRACE: Duration = Duration::from_mins(3);

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    scene: Scene,
    attacks: Vec<Attack>,
    milliseconds: u64,
}

/// What it tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// What each attack was answered with.
    pub answers: BTreeMap<Attack, Counts>,
    /// How long it attacked, with the time until all attacks had come to be what they are called, in milliseconds.
    pub milliseconds: u64,
}

impl Told {
    /// What all attacks were answered with.
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.answers.values().for_each(|counts| all.add(counts));
        all
    }
}

/// Attacks as it is told to: the work of the process itself.
pub async fn attack(mut orders: impl Read, mut tell: impl Write) -> Result<(), Error> {
    let mut text = String::new();
    orders.read_to_string(&mut text).map_err(Error::io("reading what is to be done"))?;
    let Orders { scene, attacks, milliseconds } =
        serde_json::from_str(&text).map_err(|error| Error::Broken(format!("what is to be done: {error}")))?;
    allow_connections()?;
    go_last()?;
    let prepared: Vec<_> = attacks.into_iter().map(Attack::prepare).collect();
    let (began, scene) = (Instant::now(), Arc::new(scene));
    let (end, ends) = watch::channel(None);
    let (mut work, mut strike) = (Vec::new(), Vec::new());
    for prepared in prepared {
        let (attack, answers) = (prepared.attack, Arc::new(Answers::default()));
        let target = Target { scene: Arc::clone(&scene), ends: ends.clone(), answers: Arc::clone(&answers) };
        strike.push({
            let answers = Arc::clone(&answers);
            async move { answers.are(|counts| attack.struck(counts)).await }
        });
        work.push(async move { prepared.run(target).await.map(|()| (attack, answers.counts())) });
    }
    let patience = if strike.len() > 1 { TOGETHER } else { STRIKES };
    let begins = async {
        // It begins when all of them have come to be what they are called. What never does is told by what it was
        // answered with.
        let _ = timeout(patience, join_all(strike)).await;
        writeln!(tell, "{BEGINS}").and_then(|()| tell.flush()).map_err(Error::io("saying that it begins"))?;
        end.send_replace(Some(Instant::now() + Duration::from_millis(milliseconds)));
        Ok(())
    };
    let ((), answers) = tokio::try_join!(begins, try_join_all(work))?;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answers = answers.into_iter().collect();
    let told = Told { answers, milliseconds };
    let told = serde_json::to_string(&told).map_err(|error| Error::Broken(error.to_string()))?;
    writeln!(tell, "{told}").map_err(Error::io("telling what came of it"))
}

/// The niceness that it was started with counts among the processes of its session, where Linux groups them so: it has one of
/// its own, which is as nice to all others.
fn go_last() -> Result<(), Error> {
    setsid().map_err(|error| Error::io("beginning a session")(error.into()))?;
    match std::fs::write("/proc/self/autogroup", NICENESS) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("writing /proc/self/autogroup")(error)),
        _ => Ok(()),
    }
}

/// As many connections as the system lets a process have.
fn allow_connections() -> Result<(), Error> {
    let failed = || |error: nix::errno::Errno| Error::io("raising the limit of open files")(error.into());
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed())?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(failed())
}

/// A process that attacks, and ends with this.
#[derive(Debug)]
pub struct Attackers {
    child: Child,
    lines: BufReader<ChildStdout>,
    milliseconds: u64,
}

impl Attackers {
    /// Starts one, and waits until it begins.
    pub async fn start(
        command_line: &[OsString],
        scene: &Scene,
        attacks: Vec<Attack>,
        while_: Duration,
        log: std::fs::File,
    ) -> Result<Self, Error> {
        let milliseconds = u64::try_from(while_.as_millis()).unwrap_or(u64::MAX);
        let orders = Orders { scene: scene.clone(), attacks, milliseconds };
        let orders = serde_json::to_string(&orders).map_err(|error| Error::Broken(error.to_string()))?;
        let failed = || Error::io(format!("running nice and {}", command_line.join(OsStr::new(" ")).display()));
        let mut command = Command::new("nice");
        command.args(["-n", NICENESS]).args(command_line).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().map_err(failed())?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Broken("the attackers have no input and output".to_owned()));
        };
        let mut lines = BufReader::new(output);
        let begins = async {
            input.write_all(orders.as_bytes()).await?;
            // What is to be done ends with the input.
            drop(input);
            let mut line = String::new();
            // Whoever calls `attack` may have something to say first.
            while lines.read_line(&mut line).await? > 0 && line.trim() != BEGINS {
                line.clear();
            }
            Ok(line)
        };
        let line = timeout(GRACE, begins).await.map_err(|_| late("to begin"))?.map_err(failed())?;
        if line.trim() == BEGINS { Ok(Self { child, lines, milliseconds }) } else { Err(late("to begin at all")) }
    }

    /// Its process, as long as nobody has waited for its end.
    pub fn tree(&self) -> Result<Tree, Error> {
        self.child.id().map(Tree).ok_or_else(|| late("to go on"))
    }

    /// Waits until it has ended; what it tells.
    pub async fn finish(mut self) -> Result<Told, Error> {
        let ended = async {
            let mut text = String::new();
            self.lines.read_to_string(&mut text).await?;
            Ok((text, self.child.wait().await?))
        };
        let most = Duration::from_millis(self.milliseconds) + GRACE;
        let (text, status) =
            timeout(most, ended).await.map_err(|_| late("to end"))?.map_err(Error::io("waiting for the attackers"))?;
        let told = serde_json::from_str(&text).ok().filter(|_| status.success());
        told.ok_or_else(|| Error::Broken(format!("the attackers ended with {status} and told nothing")))
    }
}

fn late(what: &str) -> Error {
    Error::Broken(format!("the attackers have failed {what}"))
}
