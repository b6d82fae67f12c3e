//! Clients that give up: each asks for something and goes away at a random moment of about as long as it usually takes. What
//! they were told before that must be there; what they were not told may be there or not, and must hold nobody up.

mod anything;
mod beside;
mod patience;
mod person;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use self::anything::Operations;
use self::beside::Beside;
use self::patience::Patience;
use crate::Error;
use crate::check::Violation;
use crate::load::{Client, Figures, School, Sender, Tally, Target};

pub use patience::GivenUp;

/// How many more clients do what their person does at an account, and ask for anything there is, for each that sends commands.
const KINDS: u64 = 3;

/// Clients at work. They go on until [`GivingUp::finish`], whatever becomes of the service.
#[derive(Debug)]
pub struct GivingUp {
    tally: Arc<Tally>,
    given_up: Arc<GivenUp>,
    beside: Arc<Beside>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<Result<(), Error>>,
}

impl GivingUp {
    /// Sets up a school and has so many clients work in it, of each kind about a third. `database` is the service's, where what
    /// it has acknowledged is looked for.
    pub async fn start(target: Target, database: &str, clients: u64, seed: u64) -> Result<Self, Error> {
        let (tally, given_up) = (Arc::new(Tally::default()), Arc::new(GivenUp::default()));
        let beside = Arc::new(Beside::connect(database).await?);
        let target = Arc::new(target);
        let sender = Arc::new(Sender::new(target.clone(), tally.clone()));
        let mut random = StdRng::seed_from_u64(seed);
        let school = Arc::new(School::open(&sender, &mut random).await?);
        let operations = Arc::new(Operations::read(&target).await?);
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for nth in 0..clients.max(KINDS) {
            let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(nth + 1));
            // Whoever lives a life at an account must come to something now and then.
            let hurries = if nth % KINDS == 1 { 1 } else { 3 };
            let patience = Patience::new(StdRng::seed_from_u64(seed.wrapping_add(nth)), hurries, given_up.clone());
            let (sender, school, target, stop) = (sender.clone(), school.clone(), target.clone(), stop.clone());
            let (beside, operations) = (beside.clone(), operations.clone());
            set.spawn(async move {
                match nth % KINDS {
                    0 => commands(Client::new(sender, school, random, nth), patience, &stop).await,
                    1 => person::live(&sender, &target, &school, &beside, (random, patience), &stop).await,
                    _ => anything::ask(&operations, &target, &sender, (random, patience), &stop).await,
                }
            });
        }
        Ok(Self { tally, given_up, beside, stop, clients: set })
    }

    /// How often somebody has given up so far.
    pub fn given_up(&self) -> u64 {
        self.given_up.count()
    }

    /// Waits until somebody has given up so often in all; an error, if a client has met with something that must not be.
    pub async fn until(&mut self, times: u64) -> Result<(), Error> {
        let mut counted = self.given_up.watch();
        tokio::select! {
            _ = counted.wait_for(|count| *count >= times) => Ok(()),
            Some(ended) = self.clients.join_next() => ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string()))),
        }
    }

    /// Lets every client finish what it is about, which needs a service that answers; and looks whether all that was
    /// acknowledged beside the log is there, and nothing open that was given up.
    pub async fn finish(mut self) -> Result<(Figures, u64, Vec<Violation>), Error> {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap_or_else(|error| Err(Error::Broken(error.to_string())))?;
        }
        let (rows, violations) = self.beside.check().await?;
        Ok((self.tally.figures(), rows, violations))
    }
}

/// Sends commands, and now and then goes away while one is under way.
async fn commands(mut client: Client, mut patience: Patience, stop: &AtomicBool) -> Result<(), Error> {
    while !stop.load(Ordering::SeqCst) {
        patience.for_a_while("command", client.next()).await.transpose()?;
    }
    Ok(())
}
