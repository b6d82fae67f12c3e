//! The executor: load, decide, append, and again where somebody else was faster.

use rollbook_domain::{Actor, Command, CommandId, Refusal, SiteId};
use uuid::Uuid;

use crate::{Clock, EventStore, Position, Receipt, StoreError};

/// A command as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which site.
    pub site: SiteId,
    /// Who sent it; from authentication.
    pub actor: Actor,
    /// What is asked.
    pub command: Command,
    /// The idempotency key; none makes one.
    pub command_id: Option<CommandId>,
    /// The version that the command's own stream must have, if the sender says.
    pub if_match: Option<i64>,
    /// What ties this command to others, for tracing; none is the command itself.
    pub correlation_id: Option<Uuid>,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The domain refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `If-Match` does not hold: the stream has this version.
    #[error("the stream has version {actual}, not {expected}")]
    VersionMismatch {
        /// What the sender expected.
        expected: i64,
        /// What it is.
        actual: i64,
    },
    /// The idempotency key was used before, for something else or by somebody else.
    #[error("this idempotency key was used with another command")]
    KeyReused,
    /// Others were faster, every time.
    #[error("the command was decided {attempts} times, and each time somebody else was faster; send it again")]
    Contended {
        /// How often it was decided.
        attempts: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Executes commands against one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Executor {
    store: EventStore,
    clock: Clock,
}

impl Executor {
    /// An executor on a store.
    pub fn new(store: EventStore, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// The clock that requests are decided by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store that it appends to.
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// Carries a command out, once.
    pub async fn execute(&self, request: Request) -> Result<Receipt, ExecuteError> {
        let _ = request;
        unimplemented!()
    }
}

#[allow(dead_code)]
fn unused(_: Position) {}
