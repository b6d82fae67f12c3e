//! Schools that mean harm, and another one: how long its people wait meanwhile, what they are refused, and what the
//! service takes of the machine. The service is a new one on databases of its own, with its usual limits; nothing of it
//! outlives the run.

mod answers;
mod attack;
mod attacker;
mod attacks;
mod connections;
mod database;
mod noise;
mod probe;
mod requests;
mod scene;
mod school;
mod stage;
mod table;
mod usage;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use self::attacker::{Attackers, Told};
use self::database::Databases;
use self::noise::Listening;
use self::probe::Probe;
use self::stage::Stage;
use self::usage::{Tree, Watch, machine};
use crate::Error;
use crate::check::{Report, check};
use crate::program::{OWNER, Program, Service};
use crate::receipts::{self, Acknowledged};
use crate::run::caught_up;

pub use attack::Attack;
pub use attacker::attack;
pub use table::{Row, table};

/// What seals where the school's own database is: a key that is good for a run, and for nothing else.
const KEYS: &str = "run:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// How long everybody is left alone for before anything is measured, so that connections are open and caches warm.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long what an attack has left behind may go on before the next one begins.
const SETTLE: Duration = Duration::from_mins(1);
/// Over what time it is looked at whether the service still works, and how much of that a service does that rests.
const LOOK: Duration = Duration::from_millis(500);
const AT_REST: Duration = Duration::from_millis(100);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The attacks, one after the other, and then all at once if there are several.
    pub attacks: Vec<Attack>,
    /// How long each of them lasts.
    pub lasts: Duration,
    /// How many requests a second those send who must not be harmed.
    pub per_second: u32,
    /// The service's binary.
    pub binary: PathBuf,
    /// The command line that attacks: a program that calls [`attack`], and its arguments.
    pub attacker: Vec<OsString>,
    /// A role on a server that may make databases there; without it, a private server is started.
    pub server: Option<Url>,
    /// Where everything else goes.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The time in which nothing went on.
    pub quiet: Row,
    /// The attacks, and then all at once.
    pub rows: Vec<Row>,
    /// What the checker found, of what was acknowledged and of all else.
    pub report: Report,
}

/// Does it, unless it is to stop before its end. `say` is told what happens, a line at a time.
pub async fn run(plan: &Plan, stop: impl Future<Output = ()>, say: impl Fn(&str)) -> Result<Outcome, Error> {
    let databases = Databases::create(plan.server.as_ref()).await?;
    let outcome = tokio::select! {
        outcome = on(&databases, plan, say) => outcome,
        () = stop => Err(Error::Broken("it was stopped before its end".to_owned())),
    };
    // Whatever came of it, nothing is left there.
    let removed = databases.remove().await;
    let outcome = outcome?;
    removed.map(|()| outcome)
}

async fn on(databases: &Databases, plan: &Plan, say: impl Fn(&str)) -> Result<Outcome, Error> {
    let settings = [("ROLLBOOK_SUPER_ADMINS", OWNER), ("ROLLBOOK_KEYS", KEYS)];
    let program = Program::in_earnest(&plan.binary, &databases.url(), &plan.folder.join("service.log"), &settings);
    let service = program.start(0).await?;
    let stage = Stage::set(&service.url, &program.token().await?, probe::client()?, databases).await?;
    say("three schools are open");
    let path = plan.folder.join("receipts.ndjson");
    let probe = Probe::try_new(stage.quiet.clone(), plan.per_second, Acknowledged::create(&path)?)?;
    let postgres = databases.process()?.map(Tree);
    let mut field = Field { plan, stage, probe, service: Tree(service.id()?), postgres };
    field.probe.run(WARM_UP).await?;
    written_down().await?;
    let quiet = field.under(Vec::new()).await?;
    let mut rows = Vec::new();
    let all = (plan.attacks.len() > 1).then(|| plan.attacks.clone());
    for attacks in plan.attacks.iter().map(|attack| vec![*attack]).chain(all) {
        field.settles().await?;
        let row = field.under(attacks).await?;
        say(&format!("{}: {}", row.name(), summary(&row, &quiet)));
        rows.push(row);
    }
    field.settles().await?;
    caught_up(&databases.url()).await?;
    ended(service).await?;
    let report = check(&databases.url(), &receipts::read(&path)?).await?;
    Ok(Outcome { quiet, rows, report })
}

/// What a row comes to, in words.
fn summary(row: &Row, quiet: &Row) -> String {
    let found = [row.faults(), row.slow(quiet)].concat();
    if found.is_empty() { "held".to_owned() } else { found.join("; ") }
}

/// Asks the service to end, as it must.
async fn ended(service: Service) -> Result<(), Error> {
    let status = service.end().await?;
    if status.success() { Ok(()) } else { Err(Error::Broken(format!("the service ended with {status}"))) }
}

/// How long the processors have worked for some and for all of the machine.
fn worked(trees: [Option<Tree>; 3]) -> Result<[Duration; 4], Error> {
    let mut worked = [Duration::ZERO, Duration::ZERO, Duration::ZERO, machine()?];
    for (worked, tree) in worked.iter_mut().zip(trees) {
        *worked = tree.map(Tree::usage).transpose()?.unwrap_or_default().cpu;
    }
    Ok(worked)
}

/// Where it takes place.
struct Field<'p> {
    plan: &'p Plan,
    stage: Stage,
    probe: Arc<Probe>,
    service: Tree,
    postgres: Option<Tree>,
}

impl Field<'_> {
    /// Measures while some attacks go on together; of those that take a school's database the first only.
    async fn under(&mut self, mut attacks: Vec<Attack>) -> Result<Row, Error> {
        let mut taken = false;
        attacks.retain(|attack| !attack.takes_database() || !std::mem::replace(&mut taken, true));
        if taken {
            self.stage.gate.shut().await;
        }
        let row = self.measured(attacks).await;
        if taken {
            self.stage.gate.reopen().await?;
        }
        row
    }

    async fn measured(&self, attacks: Vec<Attack>) -> Result<Row, Error> {
        let (plan, lasted) = (self.plan, self.plan.lasts);
        let attackers = if attacks.is_empty() {
            None
        } else {
            let log = log(&plan.folder.join("attackers.log"))?;
            Some(Attackers::start(&plan.attacker, &self.stage.scene, attacks.clone(), lasted, log).await?)
        };
        let attacking = attackers.as_ref().map(Attackers::tree).transpose()?;
        let trees = [Some(self.service), self.postgres, attacking];
        let (watch, listening) = (Watch::start(self.service)?, Listening::start(&plan.folder)?);
        let (before, began) = (worked(trees)?, Instant::now());
        let figures = self.probe.run(lasted).await?;
        let (after, watched, memory) = (worked(trees)?, began.elapsed(), watch.finish()?);
        let noise = listening.finish()?;
        let told = match attackers {
            Some(attackers) => attackers.finish().await?,
            None => Told::default(),
        };
        let [service, postgres, attackers, machine] = std::array::from_fn(|nth| after[nth].saturating_sub(before[nth]));
        let cpu = [service, postgres, attackers, machine.saturating_sub(service + postgres + attackers)];
        Ok(Row { attacks, watched, figures, memory, cpu, noise, told })
    }

    /// Waits until what an attack has left behind is done with, or for long enough: on the disk, too, which has the log to write.
    async fn settles(&self) -> Result<(), Error> {
        written_down().await?;
        let began = Instant::now();
        while began.elapsed() < SETTLE {
            let before = self.service.usage()?;
            tokio::time::sleep(LOOK).await;
            if self.service.usage()?.cpu.saturating_sub(before.cpu) < AT_REST {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Waits until the disk has what was written so far: the system would write it half a minute later, under another attack.
async fn written_down() -> Result<(), Error> {
    let written = tokio::task::spawn_blocking(nix::unistd::sync).await;
    written.map_err(|error| Error::Broken(error.to_string()))
}

fn log(path: &Path) -> Result<std::fs::File, Error> {
    OpenOptions::new().create(true).append(true).open(path).map_err(Error::io(format!("opening {}", path.display())))
}
