//! The delivery as a task of the process. It ends only when it is told to: what fails is logged and tried again.

use std::sync::Arc;
use std::time::Duration;

use rollbook_store::Clock;
use rollbook_store::apart::unbroken;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::{Mailer, Round};

/// How often messages are looked for when nobody says that something has happened.
const POLL: Duration = Duration::from_secs(5);
/// How often a process looks whether the one that delivers is gone.
const TAKE_OVER: Duration = Duration::from_secs(1);
/// How long events gather before messages are looked for.
const LINGER: Duration = Duration::from_millis(200);
/// The first and the longest pause after an error of the database.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// How long `stop` waits for a request under way; what became of it then, the next process finds out.
const LAST_REQUEST: Duration = Duration::from_secs(10);

/// Emails being delivered by a task of this process.
#[derive(Debug)]
pub struct Mailing {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Mailing {
    /// Begins to deliver.
    pub fn start(mailer: Mailer) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mailer = Arc::new(Mutex::new(mailer));
        Self { stop, task: tokio::spawn(unbroken("the delivery", move || run(mailer.clone(), stopped.clone()))) }
    }

    /// Ends it, after the request under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(LAST_REQUEST, &mut self.task).await.is_err() {
            self.task.abort();
            // Nothing of it goes on behind this.
            drop(self.task.await);
        }
    }
}

async fn run(mailer: Arc<Mutex<Mailer>>, mut stop: watch::Receiver<bool>) {
    // Only one of these lives at a time. What a round breaks off leaves nothing behind that the next one would go on with.
    let mut mailer = mailer.lock().await;
    let mut positions = mailer.projections.positions();
    let mut backoff = BACKOFF.0;
    // Whoever can say stop holds the sender; when nobody is left, nobody asks for the emails either.
    while !*stop.borrow() && stop.has_changed().is_ok() {
        positions.mark_unchanged();
        let (pause, woken) = match mailer.round().await {
            Ok(Round::Busy) => continue,
            Ok(Round::Idle(next)) => {
                backoff = BACKOFF.0;
                (until(next, &mailer.clock).min(POLL), true)
            }
            Ok(Round::NotLeader) => (TAKE_OVER, false),
            Err(error) => {
                tracing::warn!(%error, retry_in = ?backoff, "emails wait");
                let pause = backoff;
                backoff = BACKOFF.1.min(backoff * 2);
                (pause, false)
            }
        };
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
            // The read models have come to know something.
            Ok(()) = positions.changed(), if woken => {
                tokio::select! { _ = stop.changed() => {}, () = tokio::time::sleep(LINGER) => {} }
            }
        }
    }
    mailer.close().await;
}

/// How long it is until an instant, by the clock that messages are sent by.
fn until(instant: Option<chrono::DateTime<chrono::Utc>>, clock: &Clock) -> Duration {
    instant.map_or(POLL, |instant| (instant - clock.now()).to_std().unwrap_or_default())
}
