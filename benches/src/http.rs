//! Commands over HTTP at 64 connections, against pgbench inserting one such event per transaction at 32 clients on the same
//! server.

use std::future::pending;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::stream::{self, StreamExt};
use rollbook_domain::SiteId;
use rollbook_files::Files;
use rollbook_http::{Installation, Limits, Setup, TrustedProxies, serve};
use rollbook_projections::Projections;
use rollbook_store::Position;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::commands::{Place, Terms, students_for};
use crate::cpu::{CPU_EACH, Cpu};
use crate::school::{School, term};
use crate::server::{Database, Server};
use crate::statements;
use crate::timing::{Measured, measure, millis, summary};

const CONNECTIONS: usize = 64;

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    println!("commands over HTTP, {CONNECTIONS} connections, all models live ({} s)", length.as_secs());
    let inserted = pgbench(server, length).await;
    let (Measured { rate, p50, p99, cpu }, behind) = ours(server, length).await;
    let (p50, p99) = (millis(p50), millis(p99));
    println!("{:44} {:>10} {:>9} {:>9} {:>9}   {CPU_EACH:>14}", "", "per second", "p50 ms", "p99 ms", "ratio");
    for (what, bare) in &inserted {
        let (bare_p50, bare_p99) = (millis(bare.p50), millis(bare.p99));
        println!("{what:44} {:>10.0} {bare_p50:>9} {bare_p99:>9} {:>9}   {:>14}", bare.rate, "", bare.cpu);
        println!("{:44} {rate:>10.0} {p50:>9} {p99:>9} {:>9.2}   {cpu:>14}", "  rollbook over HTTP", rate / bare.rate);
    }
    println!("the models had the last event {} ms after it was appended\n", millis(behind));
}

/// One keep-alive connection, as thin as it can be: it shares the machine with what it measures.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: Vec::with_capacity(1 << 20) }
    }

    /// Sends a request and reads the whole answer; its body, which must be of a success.
    pub async fn ask(&mut self, request: &[u8]) -> &[u8] {
        let (status, body) = self.exchange(request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        body
    }

    /// Sends a request and reads the whole answer; its status, whatever that is.
    pub async fn status(&mut self, request: &[u8]) -> u16 {
        self.exchange(request).await.0
    }

    async fn exchange(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("the request is sent");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(read > 0, "the service hung up");
            let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).expect("a head");
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().to_owned()))
                .and_then(|length| length.parse::<usize>().ok())
                .expect("a length");
            let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
            let whole = end + 4 + length;
            while self.buffer.len() < whole {
                let read = self.stream.read_buf(&mut self.buffer).await.expect("the rest");
                assert!(read > 0, "the service hung up");
            }
            return (status, &self.buffer[end + 4..whole]);
        }
    }
}

/// The service on a port of its own.
pub struct Running {
    /// Its address.
    pub address: String,
    /// Its models.
    pub projections: Projections,
    server: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Starts it for a school.
    pub async fn start(school: &School) -> Self {
        let projections = Projections::start(school.executor.store().clone());
        // Nothing here uploads.
        let files = Files::in_folder(&std::env::temp_dir()).expect("a folder");
        // One client stands for many here.
        let proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        let limits = Limits { per_token: None, per_address: None, proxies, ..Limits::default() };
        let setup = Setup::new(school.executor.clone(), projections.clone(), files);
        let installation = Installation::open(Setup { limits: limits.clone(), ..setup });
        let routes = installation.await.expect("the registry").router();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = tokio::spawn(async move { serve(listener, routes, &limits, pending()).await });
        let running = Self { address, projections, server };
        running.caught_up(school).await;
        running
    }

    /// Waits until the models have all that there is.
    pub async fn caught_up(&self, school: &School) -> Position {
        let head = school.executor.store().head().await.expect("the head");
        self.projections.wait_for(head, Duration::from_mins(10)).await.expect("the models catch up")
    }

    /// Ends it.
    pub async fn stop(self) {
        self.server.abort();
        self.projections.stop().await;
    }
}

async fn ours(server: &Server, length: Duration) -> (Measured, Duration) {
    let database = server.database("bench_http", true).await;
    let school = School::open(&database.pool, students_for(20_000, length, CONNECTIONS)).await;
    let running = Running::start(&school).await;
    let owner = token(&school, school.owner).await;
    let students: Vec<_> = school.students.iter().map(|student| student.person).collect();
    let tokens: std::collections::HashMap<_, _> = stream::iter(students)
        .map(|person| {
            let school = school.clone();
            async move { (person, token(&school, person).await) }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let tokens = Arc::new((owner, tokens));
    let mut callers = Vec::new();
    for place in Terms::callers(school.students.clone(), CONNECTIONS) {
        callers.push((place, Client::connect(&running.address).await));
    }
    statements::reset(server).await;
    let measured = measure(callers, length, move |(place, mut client): (Place, Client)| {
        let tokens = tokens.clone();
        async move {
            let (student, nth) = place.step();
            let step = term(student, nth);
            let token = step.by.and_then(|person| tokens.1.get(&person)).unwrap_or(&tokens.0);
            let body = step.body.to_string();
            let request = format!(
                "POST /v1/commands/{} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: \
                 application/json\r\nidempotency-key: {}\r\ncontent-length: {}\r\n\r\n{body}",
                step.name,
                Uuid::new_v4(),
                body.len()
            );
            client.ask(request.as_bytes()).await;
            Some((place.next()?, client))
        }
    })
    .await;
    let ended = Instant::now();
    running.caught_up(&school).await;
    let behind = ended.elapsed();
    statements::print(server).await;
    running.stop().await;
    database.pool.close().await;
    (measured, behind)
}

/// A token for a person.
pub async fn token(school: &School, person: rollbook_domain::PersonId) -> String {
    let now = school.executor.clock().now();
    school.executor.store().issue_token(SiteId::DEFAULT, person, now, TimeDelta::days(365)).await.expect("a token")
}

/// What pgbench inserts a second, one event per transaction: into a table as postgres-es ships it, and into ours, where a
/// position without gaps is given under a lock.
async fn pgbench(server: &Server, length: Duration) -> Vec<(&'static str, Measured)> {
    let payload = r#"{"AttendanceMarked": {"week": 1,"status": "present","place": null,"note": null,"by": "0198a000-0000-7000-8000-000000000001","authority": "owner","hub_id": "0198a000-0000-7000-8000-000000000002"}}"#;
    let metadata = r#"{"actor": "0198a000-0000-7000-8000-000000000001","authority": "owner","correlation_id": "0198a000-0000-7000-8000-000000000001"}"#;
    let mut rates = Vec::new();
    for (what, name, migrated) in [
        ("pgbench, 32 clients, table of postgres-es", "bench_insert_stock", false),
        ("pgbench, 32 clients, table with positions", "bench_insert", true),
    ] {
        let database = server.database(name, migrated).await;
        if !migrated {
            sqlx::raw_sql(crate::stock::TABLES).execute(&database.pool).await.expect("the tables are made");
        }
        let script = format!(
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
             values ('enrolment', gen_random_uuid()::text, 1, 'AttendanceMarked', '1', '{payload}', '{metadata}');"
        );
        rates.push((what, transactions(&database, &script, 32, length)));
        database.pool.close().await;
    }
    rates
}

/// Has pgbench carry out a script again and again; the rate is the one that it counts, without the time to connect.
pub fn transactions(database: &Database, script: &str, clients: usize, length: Duration) -> Measured {
    let before = Cpu::now();
    let folder = tempfile::tempdir().expect("a folder for the script and the log");
    std::fs::write(folder.path().join("script.sql"), script).expect("the script is written");
    let output = Process::new(pgbench_program())
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--file=script.sql", "--log"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={}", length.as_secs()))
        .arg(&database.url)
        .env("PGOPTIONS", "-c rollbook.site=every")
        .current_dir(folder.path())
        .output()
        .expect("pgbench runs");
    // What pgbench's connections took counts when the server has seen them end.
    std::thread::sleep(Duration::from_millis(300));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let Some(rate) = rate else { panic!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)) };
    let mut took = Vec::new();
    for file in std::fs::read_dir(folder.path()).expect("the folder").flatten() {
        if file.file_name().to_string_lossy().starts_with("pgbench_log.") {
            let log = std::fs::read_to_string(file.path()).expect("a log of pgbench");
            // A line is: client, transaction, microseconds, …
            let micros = log.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
            took.extend(micros.map(Duration::from_micros));
        }
    }
    folder.close().expect("the folder is removed");
    Measured { rate, ..summary(took, length, before) }
}

/// pgbench where PostgreSQL's other programs are.
fn pgbench_program() -> std::path::PathBuf {
    let mut folders: Vec<std::path::PathBuf> =
        std::env::var_os("ROLLBOOK_PG_BIN").map(Into::into).into_iter().collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.filter_map(|version| Some(version.ok()?.path().join("bin"))));
    }
    let programs = folders.into_iter().map(|folder| folder.join("pgbench"));
    programs.into_iter().find(|program| program.exists()).expect("pgbench, which comes with the PostgreSQL server")
}
