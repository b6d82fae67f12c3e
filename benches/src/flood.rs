//! Guessed passwords, a thousand a second, beside somebody who is signed in and reads: what the one costs the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::commands::play;
use crate::http::{Client, Running, token};
use crate::school::School;
use crate::server::Server;
use crate::timing::{Measured, measure, millis};

/// How many guesses come in a second, over how many connections.
const GUESSES: u32 = 1_000;
const CONNECTIONS: u32 = 50;

/// How many guesses had which answer.
type Answers = Arc<Mutex<BTreeMap<u16, u32>>>;

/// Prints the table.
pub async fn run(server: &Server, length: Duration) {
    let database = server.database("bench_flood", true).await;
    let school = School::with(&database.pool, &[70]).await;
    let running = Running::start(&school).await;
    play(school.clone(), 64, Duration::MAX).await;
    running.caught_up(&school).await;
    let token = token(&school, school.owner).await;
    let path = format!("/v1/cohorts/{}/roster?limit=1000", school.cohorts[0]);
    let read = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes();
    println!(
        "a roster of 70 over one connection, alone and beside {GUESSES} guessed passwords a second ({} s)",
        length.as_secs()
    );
    println!("{:44} {:>10} {:>9} {:>9}", "", "per second", "p50 ms", "p99 ms");
    let alone = reading(&running, &read, length).await;
    shown("signed in, alone", &alone);
    let (answers, from) = (Answers::default(), Arc::new(AtomicU32::new(0)));
    let flood: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(guess(running.address.clone(), answers.clone(), from.clone()))).collect();
    let began = Instant::now();
    shown("signed in, beside the guesses", &reading(&running, &read, length).await);
    let seconds = began.elapsed().as_secs_f64();
    for guessing in flood {
        guessing.abort();
    }
    for (status, count) in &*answers.lock().await {
        println!("{:44} {:>10.0}", format!("guesses answered with {status}"), f64::from(*count) / seconds);
    }
    println!();
    running.stop().await;
    database.pool.close().await;
}

fn shown(what: &str, Measured { rate, p50, p99, .. }: &Measured) {
    println!("{what:44} {rate:>10.0} {:>9} {:>9}", millis(*p50), millis(*p99));
}

async fn reading(running: &Running, request: &[u8], length: Duration) -> Measured {
    let request = request.to_vec();
    let clients = vec![Client::connect(&running.address).await];
    measure(clients, length, move |mut client: Client| {
        let request = request.clone();
        async move {
            client.ask(&request).await;
            Some(client)
        }
    })
    .await
}

/// One connection's share of the guesses, each from another address and at another account: no limit stops them early.
async fn guess(address: String, answers: Answers, from: Arc<AtomicU32>) {
    let mut client = Client::connect(&address).await;
    let mut every = interval(Duration::from_secs(1) * CONNECTIONS / GUESSES);
    every.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        every.tick().await;
        let nth = from.fetch_add(1, Ordering::Relaxed);
        let [_, b, c, d] = nth.to_be_bytes();
        let body = format!(r#"{{"email":"guess{nth}@example.org","password":"not this one"}}"#);
        let request = format!(
            "POST /v1/sign-in HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 10.{b}.{c}.{d}\r\n\
            content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let status = client.status(request.as_bytes()).await;
        *answers.lock().await.entry(status).or_default() += 1;
    }
}
