//! The attacks there are, by name, each a module of its own; what they share is when they end, and where they count.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::answers::{Answers, Counts, REACHED};
use super::attacks::{
    databases, exports, goes_away, half_open, health, imports, passwords, pipelined, reads, rosters, slow_bodies,
    slow_headers, slow_readers, subscriptions, uploads, writes,
};
use super::scene::Scene;
use crate::Error;

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// A school's own database lets in and sends rows without end
    FloodingDatabase,
    /// A school's own database accepts connections and is silent
    SilentDatabase,
    /// A school's own database asks for four billion rounds of hashing
    RoundsDatabase,
    /// A student revises the longest reflections as fast as they may
    Writes,
    /// A student reads the longest histories and lists, many at once
    Reads,
    /// An admin has the audit and other lists written out, many at once
    Exports,
    /// A student asks for the longest histories and lists, and goes away at once
    GoesAway,
    /// An instructor uploads the largest pictures and documents, and a student tries
    Uploads,
    /// An admin previews the largest rosters and registers, many at once
    Imports,
    /// Thousands of connections send their headers a byte at a time
    SlowHeaders,
    /// Bodies of imports, uploads and commands stop half-way
    SlowBodies,
    /// Clients ask for the largest answers and take little or nothing of them
    SlowReaders,
    /// Hundreds of subscriptions to the log
    Subscriptions,
    /// Thousands of connections that send nothing
    HalfOpen,
    /// Whoever asks for the service's health as fast as they can
    Health,
    /// Requests are sent back to back, as fast as the network takes them
    Pipelined,
    /// An admin imports the largest rosters for as long as they may write
    Rosters,
    /// A student changes their password, and signs in with right and wrong ones, many at once
    Passwords,
}

impl Attack {
    /// All of them, those that leave much behind after those that need little.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// What it is called.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it takes the place of a school's own database; of those there can be one at a time.
    pub fn takes_database(self) -> bool {
        matches!(self, Self::SilentDatabase | Self::FloodingDatabase | Self::RoundsDatabase)
    }

    /// Whether it has come to be one, by what came of it.
    pub fn struck(self, counts: &Counts) -> bool {
        if self.takes_database() { counts.has(REACHED) } else { counts.struck() }
    }

    /// Makes what it needs, which is not counted as a part of it.
    pub fn prepare(self) -> Prepared {
        let files = match self {
            Self::Uploads => uploads::files(),
            Self::Imports => imports::files(),
            _ => Vec::new(),
        };
        Prepared { attack: self, files }
    }
}

/// An attack that can begin.
#[derive(Debug)]
pub struct Prepared {
    /// Which.
    pub attack: Attack,
    files: Vec<Bytes>,
}

/// What every attack is told: what it is about, when it ends, and where it counts.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is about.
    pub scene: Arc<Scene>,
    /// When it ends, as soon as that is known.
    pub ends: watch::Receiver<Option<Instant>>,
    /// Where it counts.
    pub answers: Arc<Answers>,
}

impl Target {
    /// Waits for something, but not beyond the end of the attack.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut ends = self.ends.clone();
        let over = async {
            // Whoever would say it has gone: it is over.
            let at = ends.wait_for(Option::is_some).await.ok().and_then(|at| *at);
            sleep_until(at.unwrap_or_else(Instant::now)).await;
        };
        tokio::select! {
            done = work => Some(done),
            () = over => None,
        }
    }

    /// Waits a while; whether the attack goes on.
    pub async fn pause(&self, while_: Duration) -> bool {
        self.within(sleep(while_)).await.is_some()
    }
}

impl Prepared {
    /// Attacks until the end.
    pub async fn run(self, target: Target) -> Result<(), Error> {
        match self.attack {
            Attack::SilentDatabase => databases::silent(target).await,
            Attack::FloodingDatabase => databases::floods(target).await,
            Attack::RoundsDatabase => databases::asks_for_rounds(target).await,
            Attack::Writes => writes::run(target).await,
            Attack::Reads => reads::run(target).await,
            Attack::Exports => exports::run(target).await,
            Attack::GoesAway => goes_away::run(target).await,
            Attack::Passwords => passwords::run(target).await,
            Attack::Uploads => uploads::run(target, &self.files).await,
            Attack::Imports => imports::run(target, &self.files).await,
            Attack::SlowHeaders => slow_headers::run(target).await,
            Attack::SlowBodies => slow_bodies::run(target).await,
            Attack::SlowReaders => slow_readers::run(target).await,
            Attack::Subscriptions => subscriptions::run(target).await,
            Attack::HalfOpen => half_open::run(target).await,
            Attack::Health => health::run(target).await,
            Attack::Pipelined => pipelined::run(target).await,
            Attack::Rosters => rosters::run(target).await,
        }
    }
}
