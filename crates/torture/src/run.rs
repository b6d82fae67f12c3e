//! The long run: a load, and a tormentor that kills under it at random moments, or clients that give up at random moments; then the
//! checker over what is left. All of it in a folder of its own, on a private PostgreSQL with durable settings.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rollbook_embedded::{Instance, Options};
use rollbook_store::isolation::every_site;
use sqlx::{Connection, PgConnection};

use crate::Error;
use crate::check::{Report, Violation, check};
use crate::give_up::GivingUp;
use crate::load::{Figures, Load, Target};
use crate::program::{Program, Service, kill_postgres};
use crate::receipts::{self, Acknowledged};

/// How long the read models may take to come to the end of the log, once nothing is written any more.
const CATCH_UP: Duration = Duration::from_mins(2);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often to kill; nothing is killed where clients give up.
    pub kills: u32,
    /// How often clients go away half-way; none where they wait for every answer.
    pub give_up: Option<u64>,
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
    /// How often clients gave up, and how many rows beside the log were acknowledged to them and are there.
    pub given_up: (u64, u64),
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
    let program = Program::for_a_load(&plan.binary, &url, &plan.folder.join("service.log"));
    let mut services = Vec::new();
    for _ in 0..plan.processes {
        services.push(program.start(0).await?);
    }
    let path = plan.folder.join("receipts.ndjson");
    let urls = services.iter().map(|service| service.url.clone()).collect();
    let target = Target { client, urls, token: program.token().await?, acknowledged: Acknowledged::create(&path)? };
    if let Some(times) = plan.give_up {
        let gave_up = GaveUp { times, clients: plan.clients, seed: plan.seed, url: &url };
        let (figures, given_up, violations) = gave_up.run(&program, &mut services, target, say).await?;
        // What was begun for somebody who has gone away may still be on its way into the log: nobody else is left then.
        end(services).await?;
        let service = program.start(0).await?;
        caught_up(&url).await?;
        end(vec![service]).await?;
        let mut report = check(&url, &receipts::read(&path)?).await?;
        report.violations.extend(violations);
        postgres.stop().await?;
        let (killed, longest_recovery) = ((0, 0), Duration::ZERO);
        return Ok(Outcome { figures, killed, longest_recovery, given_up, took: began.elapsed(), report });
    }
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
    end(services).await?;
    let report = check(&url, &receipts::read(&path)?).await?;
    postgres.stop().await?;
    Ok(Outcome { figures, killed, longest_recovery, given_up: (0, 0), took: began.elapsed(), report })
}

/// Asks every process to end, as each of them must.
async fn end(services: Vec<Service>) -> Result<(), Error> {
    for service in services {
        let status = service.end().await?;
        if !status.success() {
            return Err(Error::Broken(format!("a process that was asked to end did so with {status}")));
        }
    }
    Ok(())
}

/// Clients that give up, while processes are stopped and started under them and the database is slow.
struct GaveUp<'p> {
    times: u64,
    clients: u64,
    seed: u64,
    url: &'p str,
}

impl GaveUp<'_> {
    /// Into how many parts it is divided, with a restart or a slow database after each.
    const PARTS: u64 = 20;
    /// From how many times on the database is once so slow that what waits for it is given up by the service itself.
    const LONG: u64 = 10_000;
    /// Longer than the service lets any request take.
    const TOO_LONG: Duration = Duration::from_secs(33);

    async fn run(
        &self,
        program: &Program,
        services: &mut Vec<Service>,
        target: Target,
        say: impl Fn(&str),
    ) -> Result<(Figures, (u64, u64), Vec<Violation>), Error> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut database = PgConnection::connect_with(&every_site(self.url.parse()?)).await?;
        let metrics = target.client.clone();
        let mut giving_up = GivingUp::start(target, self.url, self.clients, self.seed).await?;
        let mut violations = Vec::new();
        for part in 1..=Self::PARTS {
            giving_up.until(self.times * part / Self::PARTS).await?;
            let so_far = giving_up.given_up();
            if part % 4 == 0 {
                let whom = random.random_range(0..services.len());
                say(&format!("{so_far:>7} given up; service {whom} is stopped and started"));
                let service = services.swap_remove(whom);
                violations.extend(service.left_in_transaction(&metrics).await?);
                let port = service.port();
                end(vec![service]).await?;
                services.push(program.start(port).await?);
            } else {
                let too_long = self.times >= Self::LONG && part == Self::PARTS / 2 + 1;
                let while_ = Duration::from_millis(random.random_range(50..500));
                let while_ = if too_long { Self::TOO_LONG } else { while_ };
                say(&format!("{so_far:>7} given up; nothing is appended for {} ms", while_.as_millis()));
                // As long as this holds the log's lock.
                let held = "begin; select lock_events()";
                sqlx::raw_sql(held).execute(&mut database).await?;
                tokio::time::sleep(while_).await;
                sqlx::raw_sql("rollback").execute(&mut database).await?;
            }
        }
        let times = giving_up.given_up();
        let (figures, rows, found) = giving_up.finish().await?;
        violations.extend(found);
        for service in services.iter() {
            violations.extend(service.left_in_transaction(&metrics).await?);
        }
        Ok((figures, (times, rows), violations))
    }
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
