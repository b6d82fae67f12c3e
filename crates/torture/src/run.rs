//! The long run: a load, and a tormentor that kills under it at random moments; then the checker over what is left. All of
//! it in a folder of its own, on a private PostgreSQL with durable settings.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rollbook_embedded::{Instance, Options};
use rollbook_store::isolation::every_site;
use sqlx::{Connection, PgConnection};

use crate::Error;
use crate::check::{Report, check};
use crate::load::{Figures, Load, Target};
use crate::program::{Program, Service, kill_postgres};
use crate::receipts::{self, Acknowledged};

/// How long the read models may take to come to the end of the log, once nothing is written any more.
const CATCH_UP: Duration = Duration::from_mins(2);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often to kill.
    pub kills: u32,
    /// What decides whom and when.
    pub seed: u64,
    /// How many clients there are.
    pub clients: u64,
    /// How many processes of the service there are.
    pub processes: usize,
    /// Whether PostgreSQL is killed as well, every other time.
    pub postgres: bool,
    /// The service's binary.
    pub binary: PathBuf,
    /// Where everything goes.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the clients met with.
    pub figures: Figures,
    /// How often a process of the service was killed, and how often PostgreSQL.
    pub killed: (u32, u32),
    /// How long the longest restart of PostgreSQL took, its recovery included.
    pub longest_recovery: Duration,
    /// How long it took.
    pub took: Duration,
    /// What the checker found.
    pub report: Report,
}

/// Does it. `say` is told what happens, a line at a time.
pub async fn run(plan: &Plan, client: reqwest::Client, say: impl Fn(&str)) -> Result<Outcome, Error> {
    let began = Instant::now();
    let mut postgres = start_postgres(plan).await?;
    let url = postgres.url().to_owned();
    let (binary, log) = (plan.binary.clone(), plan.folder.join("service.log"));
    let program = Program { binary, database_url: url.clone(), log };
    let mut services = Vec::new();
    for _ in 0..plan.processes {
        services.push(program.start(0).await?);
    }
    let path = plan.folder.join("receipts.ndjson");
    let urls = services.iter().map(|service| service.url.clone()).collect();
    let target = Target { client, urls, token: program.token().await?, acknowledged: Acknowledged::create(&path)? };
    let mut load = Load::start(target, plan.clients, plan.seed).await?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let (mut killed, mut longest_recovery) = ((0, 0), Duration::ZERO);
    for nth in 1..=plan.kills {
        // Some work, and then a moment that has nothing to do with it.
        load.more(random.random_range(20..400)).await?;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..300_000))).await;
        let so_far = load.tally().figures().acknowledged;
        if plan.postgres && nth % 2 == 0 {
            say(&format!("{nth:>3}: PostgreSQL is killed, after {so_far} acknowledgements"));
            let began = Instant::now();
            kill_postgres(postgres.directory())?;
            let again = start_postgres(plan).await?;
            if again.url() != url {
                return Err(Error::Broken("PostgreSQL has come back on another port".to_owned()));
            }
            postgres = again;
            longest_recovery = longest_recovery.max(began.elapsed());
            killed.1 += 1;
        } else {
            let whom = random.random_range(0..services.len());
            say(&format!("{nth:>3}: service {whom} is killed, after {so_far} acknowledgements"));
            restart(&program, &mut services, whom).await?;
            killed.0 += 1;
        }
    }
    load.more(200).await?;
    let figures = load.finish().await?;
    caught_up(&url).await?;
    for service in services {
        let status = service.end().await?;
        if !status.success() {
            return Err(Error::Broken(format!("a process that was asked to end did so with {status}")));
        }
    }
    let report = check(&url, &receipts::read(&path)?).await?;
    postgres.stop().await?;
    Ok(Outcome { figures, killed, longest_recovery, took: began.elapsed(), report })
}

async fn start_postgres(plan: &Plan) -> Result<Instance, Error> {
    let mut options = Options::new(plan.folder.join("data"));
    options.pg_bin = std::env::var_os("ROLLBOOK_PG_BIN").map(PathBuf::from);
    Ok(Instance::start_or_join(options).await?)
}

/// Kills a process and starts another in its place.
async fn restart(program: &Program, services: &mut Vec<Service>, whom: usize) -> Result<(), Error> {
    let service = services.swap_remove(whom);
    let port = service.port();
    service.kill().await?;
    services.push(program.start(port).await?);
    Ok(())
}

/// Waits until every read model is at the end of the log.
pub async fn caught_up(url: &str) -> Result<(), Error> {
    let mut database = PgConnection::connect_with(&every_site(url.parse()?)).await?;
    let began = Instant::now();
    loop {
        let sql = "select count(*) from projections
            where position < (select coalesce(max(position), 0) from events)";
        let behind: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await?;
        if behind == 0 {
            return Ok(());
        }
        if began.elapsed() > CATCH_UP {
            return Err(Error::Broken(format!("{behind} read models are behind the log after {CATCH_UP:?}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
