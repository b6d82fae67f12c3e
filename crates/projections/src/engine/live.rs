//! Keeping the read models up to the log, for as long as the process lives. It ends only when it is told to: an error is
//! logged and tried again, and a model that cannot go on is said to be stuck while the others go on. What is parked is
//! taken up again once, at the start: the software may be another one.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rollbook_store::apart::unbroken;
use rollbook_store::{EventStore, Position};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::round::{Done, Rounds, Trouble};
use super::{checkpoints, retry};
use crate::ProjectionError;
use crate::erased::MODELS;

/// How often the log is looked at when nobody says that there is something.
const POLL: Duration = Duration::from_millis(250);
/// How often another process's progress is looked at while it is behind the log.
const FOLLOW: Duration = Duration::from_millis(20);
/// How long a batch gathers at most since the last one began, unless a reader waits: a hundred rounds a second cost little,
/// and a thousand would take from the commands what nobody sees.
const LINGER: Duration = Duration::from_millis(10);
/// The first and the longest pause after an error of the database.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Keeps the models up to date until it is told to stop; a defect that panics is logged, and it starts again.
pub(super) async fn run(
    store: EventStore,
    published: Arc<watch::Sender<Position>>,
    wake: Arc<Notify>,
    stop: watch::Receiver<bool>,
) {
    let checkpoints = unbroken("the projections' start", || checkpoints_at_the_start(store.clone(), stop.clone()));
    let Some(began) = checkpoints.await else { return };
    // Ends with this task. It waits for models that others have, so it is beside the rounds.
    let mut beside = JoinSet::new();
    let (log, told) = (store.clone(), stop.clone());
    beside.spawn(unbroken("taking up what is parked", move || take_up(log.clone(), began, told.clone())));
    let follows = || follow(store.clone(), published.clone(), wake.clone(), stop.clone());
    unbroken("the projection engine", follows).await;
}

async fn follow(
    store: EventStore,
    published: Arc<watch::Sender<Position>>,
    wake: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut heard = store.heard();
    let mut rounds = Rounds::new(store, published);
    let mut backoff = BACKOFF.0;
    // Whoever can say stop holds the sender; when nobody is left, nobody asks for the read models either.
    while !*stop.borrow() && stop.has_changed().is_ok() {
        heard.mark_unchanged();
        let began = Instant::now();
        match rounds.next().await {
            Ok(done) => {
                backoff = BACKOFF.0;
                match done {
                    Done::Some if rounds.full() => {}
                    Done::Some => linger(began, &mut stop, &wake).await,
                    Done::Nothing => {
                        tokio::select! {
                            _ = stop.changed() => {}
                            _ = heard.changed() => linger(began, &mut stop, &wake).await,
                            () = tokio::time::sleep(POLL) => rounds.invalidate_checkpoints(),
                        }
                    }
                    Done::ByAnother => {
                        stopped_within(&mut stop, FOLLOW).await;
                        rounds.invalidate_checkpoints();
                    }
                }
            }
            Err(Trouble::Stuck { names, at, error }) => {
                tracing::error!(projections = ?names, position = at + 1, %error, "projections are stuck at an event");
                if let Err(error) = checkpoints::stuck(rounds.pool(), &names, at, &error.to_string()).await {
                    tracing::warn!(%error, "the projections' state could not be written");
                }
                rounds.back_off(&names);
            }
            Err(Trouble::Database(error)) => {
                tracing::warn!(%error, retry_in = ?backoff, "projections wait for the database");
                rounds.retract_position();
                stopped_within(&mut stop, backoff).await;
                backoff = BACKOFF.1.min(backoff * 2);
            }
        }
    }
}

/// Makes the checkpoints that are missing; the instant of it, or none if it was told to stop meanwhile.
async fn checkpoints_at_the_start(store: EventStore, mut stop: watch::Receiver<bool>) -> Option<DateTime<Utc>> {
    let mut backoff = BACKOFF.0;
    loop {
        match checkpoints::ensure(store.pool()).await {
            Ok(at) => return Some(at),
            Err(error) => tracing::warn!(%error, retry_in = ?backoff, "projections wait for the database"),
        }
        if stopped_within(&mut stop, backoff).await {
            return None;
        }
        backoff = BACKOFF.1.min(backoff * 2);
    }
}

/// Takes up what was parked before, in every model once.
async fn take_up(store: EventStore, before: DateTime<Utc>, mut stop: watch::Receiver<bool>) {
    for model in MODELS {
        let mut backoff = BACKOFF.0;
        loop {
            match retry::retry(&store, *model, Some(before)).await {
                Ok(_) | Err(ProjectionError::Newer { .. }) => break,
                Err(error) => {
                    let projection = model.shape().name;
                    tracing::warn!(projection, %error, retry_in = ?backoff, "what is parked could not be taken up");
                }
            }
            if stopped_within(&mut stop, backoff).await {
                return;
            }
            backoff = BACKOFF.1.min(backoff * 2);
        }
    }
}

/// Lets a batch gather.
async fn linger(began: Instant, stop: &mut watch::Receiver<bool>, wake: &Notify) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = wake.notified() => {}
        () = tokio::time::sleep_until(began + LINGER) => {}
    }
}

/// Waits; whether it was told to stop meanwhile.
async fn stopped_within(stop: &mut watch::Receiver<bool>, length: Duration) -> bool {
    timeout(length, stop.wait_for(|stop| *stop)).await.is_ok()
}
