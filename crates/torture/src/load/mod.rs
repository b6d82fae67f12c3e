//! A load over HTTP: many clients that do what a school does, write down every acknowledgement before they go on, and send
//! again under the same key whatever got no answer. It fails on any answer that the service promises never to give.

mod answered;
mod moves;
mod school;
mod sender;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::Error;
use crate::receipts::Acknowledged;

pub use answered::{Answered, answered};
pub use moves::Client;
pub use school::{School, id};
pub use sender::Sender;
pub use tally::{Figures, Tally};

/// Where to send, and as whom.
#[derive(Debug)]
pub struct Target {
    /// What sends.
    pub client: reqwest::Client,
    /// The processes' addresses, such as `http://127.0.0.1:8080`.
    pub urls: Vec<String>,
    /// The owner's token.
    pub token: String,
    /// Where acknowledgements are written down.
    pub acknowledged: Acknowledged,
}

impl Target {
    /// One of the processes.
    pub fn url(&self, random: &mut StdRng) -> &str {
        &self.urls[random.random_range(0..self.urls.len())]
    }
}

/// Clients at work. They go on until [`Load::finish`], whatever becomes of the service.
#[derive(Debug)]
pub struct Load {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<Result<(), Error>>,
}

impl Load {
    /// Sets up a school and has so many clients work in it. The same seed gives the same clients; what they meet with
    /// depends on their timing.
    pub async fn start(target: Target, clients: u64, seed: u64) -> Result<Self, Error> {
        let tally = Arc::new(Tally::default());
        let sender = Arc::new(Sender::new(Arc::new(target), tally.clone()));
        let mut random = StdRng::seed_from_u64(seed);
        let school = Arc::new(School::open(&sender, &mut random).await?);
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for nth in 0..clients {
            let (sender, school, stop) = (sender.clone(), school.clone(), stop.clone());
            let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(nth + 1));
            set.spawn(async move {
                let mut client = moves::Client::new(sender, school, random, nth);
                while !stop.load(Ordering::SeqCst) {
                    client.next().await?;
                }
                Ok(())
            });
        }
        Ok(Self { tally, stop, clients: set })
    }

    /// What has happened so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Waits until so many commands more were acknowledged; an error, if a client has met with something that must not be.
    pub async fn more(&mut self, commands: u64) -> Result<(), Error> {
        let mut acknowledged = self.tally.watch();
        let enough = self.tally.figures().acknowledged + commands;
        tokio::select! {
            _ = acknowledged.wait_for(|count| *count >= enough) => Ok(()),
            Some(ended) = self.clients.join_next() => ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string()))),
        }
    }

    /// Lets every client finish what it is about, which needs a service that answers.
    pub async fn finish(mut self) -> Result<Figures, Error> {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string())))?;
        }
        Ok(self.tally.figures())
    }
}
