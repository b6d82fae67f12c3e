//! How long a client waits: about as long as an answer usually takes, so that it goes away at any moment of the work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long an answer is thought to take before there was one.
const AT_FIRST: Duration = Duration::from_millis(10);
/// The longest that anybody waits before going away: what takes longer is given up early.
const LONGEST: Duration = Duration::from_millis(500);

/// How often somebody has given up, by any number of clients.
#[derive(Debug)]
pub struct GivenUp(watch::Sender<u64>);

impl Default for GivenUp {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl GivenUp {
    /// How often so far.
    pub fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// The same, as it grows.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// A client's patience.
#[derive(Debug)]
pub struct Patience {
    random: StdRng,
    /// In how many of four cases it ends early.
    hurries: u32,
    usual: HashMap<String, Duration>,
    given_up: Arc<GivenUp>,
}

impl Patience {
    /// That of one who has waited for nothing yet, and goes away early in so many of four cases.
    pub fn new(random: StdRng, hurries: u32, given_up: Arc<GivenUp>) -> Self {
        Self { random, hurries, usual: HashMap::new(), given_up }
    }

    /// Waits for something, and now and then only for a random while; none where that was too short, and it was
    /// dropped. `what` says what it is like.
    pub async fn for_a_while<T>(&mut self, what: &str, work: impl Future<Output = T>) -> Option<T> {
        let usual = self.usual.get(what).copied().unwrap_or(AT_FIRST);
        let while_ = if self.random.random_ratio(self.hurries, 4) {
            // A little more than usual: also at the end, when the answer is on its way.
            usual.mul_f64(self.random.random_range(0.0..1.25)).min(LONGEST)
        } else {
            Duration::MAX
        };
        let began = Instant::now();
        let done = timeout(while_, work).await.ok();
        if done.is_some() {
            self.usual.insert(what.to_owned(), (usual * 7 + began.elapsed()) / 8);
        } else {
            self.given_up.0.send_modify(|count| *count += 1);
        }
        done
    }
}
