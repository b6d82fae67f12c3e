//! Processes of the service on a database, a load on them, and the checker over what is left.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use rollbook_torture::check::{Report, check};
use rollbook_torture::load::{Load, Sender, Target};
use rollbook_torture::receipts::{self, Acknowledged};
use rollbook_torture::run::caught_up;

use crate::binary::program::{Home, Running};
use crate::harness::client;

/// Whom the service makes its owner.
pub const OWNER: &str = "owner@example.org";
/// After the last session of the load's cohorts.
pub const NOW: &str = "2026-03-25T00:00:00Z";
/// How many clients there are.
const CLIENTS: u64 = 6;

/// The binary, on a database of its own or on a given one.
pub fn command(home: &Home, database: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    // One client stands for many here.
    command.env("ROLLBOOK_RATE_PER_TOKEN", "0").env("ROLLBOOK_RATE_PER_ADDRESS", "0");
    command.env("ROLLBOOK_CLOCK", NOW).env("ROLLBOOK_OWNER_EMAIL", OWNER);
    if let Some(url) = database {
        command.env("DATABASE_URL", url);
    }
    command
}

/// A process that serves, and where it does.
pub struct Process<'home> {
    /// The process.
    pub running: Running<'home>,
    /// Its address.
    pub url: String,
}

/// Starts a process on a free port, or on one that another has left.
pub fn serve<'home>(home: &'home Home, database: Option<&str>, address: Option<&str>) -> Process<'home> {
    let listen = address.and_then(|url| url.strip_prefix("http://")).unwrap_or("127.0.0.1:0");
    let mut running = home.start(&mut command(home, database, &["serve", "--listen", listen]));
    let url = running.listens();
    Process { running, url }
}

/// A token of the owner's.
pub fn token(home: &Home, database: Option<&str>) -> String {
    let ran = home.start(&mut command(home, database, &["token", "--email", OWNER, "--ttl", "7d"])).finish().done();
    ran.out.trim().to_owned()
}

/// What sends commands to one process.
pub fn sender(folder: &Path, url: &str, token: &str) -> Sender {
    let acknowledged = Acknowledged::create(&folder.join("receipts.ndjson")).expect("a file");
    let target = Target { client: client(), urls: vec![url.to_owned()], token: token.to_owned(), acknowledged };
    Sender::new(Arc::new(target), Arc::default())
}

/// A seed that is printed, so that a failure can be played again.
pub fn random() -> StdRng {
    let seed = std::env::var("ROLLBOOK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::random::<u64>() >> 32);
    println!("ROLLBOOK_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A load, and the file of what was acknowledged.
pub struct Burden {
    /// The clients.
    pub load: Load,
    path: PathBuf,
}

impl Burden {
    /// Puts a load on some processes.
    pub async fn on(folder: &Path, urls: Vec<String>, token: String, random: &mut StdRng) -> Self {
        let path = folder.join("receipts.ndjson");
        let acknowledged = Acknowledged::create(&path).expect("a file");
        let target = Target { client: client(), urls, token, acknowledged };
        let load = Load::start(target, CLIENTS, random.random_range(0..1_000_000)).await.expect("a school");
        Self { load, path }
    }

    /// Waits for more acknowledgements.
    pub async fn more(&mut self, commands: u64) {
        self.load.more(commands).await.expect("the clients go on");
    }

    /// Waits for a random moment under it, which has nothing to do with what is answered then.
    pub async fn moment(&mut self, random: &mut StdRng) {
        self.more(random.random_range(20..80)).await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..50_000))).await;
    }

    /// Takes the load away, waits until the read models are at the end of the log, and has everything checked.
    pub async fn everything_is_there(self, database: &str) -> Report {
        let figures = self.load.finish().await.expect("every command is answered");
        println!("{figures:?}");
        caught_up(database).await.expect("the read models catch up");
        let receipts = receipts::read(&self.path).expect("the receipts");
        assert_eq!(receipts.len() as u64, figures.acknowledged);
        let report = check(database, &receipts).await.expect("a report");
        assert!(report.violations.is_empty(), "{:#?}", report.violations);
        assert!(report.rows > 0 && report.claims > 0 && report.commands >= receipts.len(), "{report:?}");
        report
    }
}

/// Asks for something at a position or after it; the answer's status.
pub async fn status_at(client: &Client, url: &str, token: &str, position: i64) -> u16 {
    let request = client.get(format!("{url}/v1/me?min_position={position}")).bearer_auth(token);
    request.send().await.expect("an answer").status().as_u16()
}
