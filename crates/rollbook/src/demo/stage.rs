//! Where the demo is played: the executor that HTTP uses, on a clock that is moved along, under keys that never change.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use rollbook_domain::{Actor, Command, PersonId, SiteId};
use rollbook_store::{Clock, CommandKey, EventStore, ExecuteError, Executor, Receipt, Request};

use super::ids;
use crate::failure::{Done, Failure};
use crate::progress::Progress;

/// How many commands that do not depend on each other are sent at once.
const AT_ONCE: usize = 16;
/// About how many commands there are: what the bar is measured by.
const ABOUT: u64 = 800;

/// A command that somebody sends.
#[derive(Clone, Debug)]
pub struct Act {
    step: String,
    actor: Actor,
    command: Command,
}

impl Act {
    /// A person's command. The step names it for ever: no two are the same.
    pub fn by(person: PersonId, step: impl Into<String>, command: impl Into<Command>) -> Self {
        Self { step: step.into(), actor: Actor::Person(person), command: command.into() }
    }

    /// A command of the installation itself.
    pub fn by_system(step: impl Into<String>, command: impl Into<Command>) -> Self {
        Self { step: step.into(), actor: Actor::System, command: command.into() }
    }
}

/// The stage.
#[derive(Debug)]
pub struct Stage {
    executor: Executor,
    clock: Clock,
    performed: AtomicU64,
    /// How far the play is.
    pub progress: Progress,
}

impl Stage {
    /// A stage on a store. The clock begins at `at`.
    pub fn on(store: EventStore, at: DateTime<Utc>) -> Self {
        let clock = Clock::frozen(at);
        Self {
            executor: Executor::new(store, clock.clone()),
            clock,
            performed: AtomicU64::new(0),
            progress: Progress::start(ABOUT),
        }
    }

    /// The log that it is played on.
    pub fn store(&self) -> &EventStore {
        self.executor.store()
    }

    /// The clock of the play.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves the clock along.
    pub fn set_clock(&self, at: DateTime<Utc>) {
        self.clock.set(at);
    }

    /// How many commands were sent so far.
    pub fn performed(&self) -> u64 {
        self.performed.load(Ordering::Relaxed)
    }

    /// Sends one command.
    pub async fn perform(&self, act: Act) -> Done<Receipt> {
        let step = act.step.clone();
        self.send(act).await.map_err(|error| match error {
            ExecuteError::KeyReused => Failure::new(
                "this database holds a demo that another version of Rollbook played. Take another one with \
                 --data-dir DIR, or remove this one",
            ),
            error => Failure::from(error).during(format!("the demo stopped at {step}")),
        })
    }

    /// Sends commands that do not depend on each other, some at a time; the receipts come in the same order.
    pub async fn perform_all(&self, acts: Vec<Act>) -> Done<Vec<Receipt>> {
        stream::iter(acts.into_iter().map(|act| self.perform(act))).buffered(AT_ONCE).try_collect().await
    }

    /// Sends a command that has to be refused, and says how it was.
    pub async fn refused(&self, act: Act) -> Done<String> {
        let step = act.step.clone();
        match self.send(act).await {
            Err(ExecuteError::Refused(refusal)) => Ok(refusal.detail()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Failure::new(format!("{step} was carried out, and should have been refused"))),
        }
    }

    async fn send(&self, act: Act) -> Result<Receipt, ExecuteError> {
        let Act { step, actor, command } = act;
        let request = Request {
            site: SiteId::DEFAULT,
            actor,
            command,
            command_id: Some(CommandKey::of_client(ids::command(&step))),
            if_match: None,
            correlation_id: None,
        };
        let receipt = self.executor.execute(request).await;
        self.progress.at(self.performed.fetch_add(1, Ordering::Relaxed) + 1);
        receipt
    }
}
