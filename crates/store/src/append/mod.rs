//! The append: a request with everything that it was decided on goes to the one appender of the process, which writes many
//! of them in one statement, one lock, one transaction; each is all-or-nothing by itself.

mod appender;
mod batch;
mod prepared;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::Unit;
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::cohort::ImportedRow;
use rollbook_domain::plan::{Lists, Plan};
use rollbook_domain::{Actor, CommandId, SiteId, StreamId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

pub(crate) use self::appender::Job;
use self::prepared::Prepared;
use crate::apart::unbroken;
use crate::dedicated_connection::DedicatedConnection;
use crate::receipt::ReceiptStream;
use crate::{CommandKey, EventStore, Position, StoreError};

/// A plan on its way into the log, with what it relies on.
#[derive(Debug)]
pub struct Append<'a> {
    /// The site it belongs to.
    pub site: SiteId,
    /// Its idempotency key.
    pub key: CommandKey,
    /// What the key must always stand for: a SHA-256 of the command and its sender.
    pub command_hash: [u8; 32],
    /// What ties it to other commands.
    pub correlation_id: Uuid,
    /// Who sent it.
    pub actor: Actor,
    /// The instant of the request.
    pub at: DateTime<Utc>,
    /// The versions of all streams that the plan was decided on, written or only read.
    pub versions: Vec<(StreamId, i64)>,
    /// What to write.
    pub plan: &'a Plan,
    /// What it is written by in its place.
    pub pieces: &'a [StoredPiece],
    /// The streams of the receipt, with their versions afterwards.
    pub streams: &'a [ReceiptStream],
}

/// What became of one request of an append.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// It is in the log; the log's last position after it.
    At(Position),
    /// The same command was carried out before.
    Duplicate(StoredReceipt),
    /// The key was used for something else.
    KeyReused,
    /// Something it was decided on has changed: a stream, a claim or a set. Deciding again on fresh facts may succeed.
    Stale {
        /// What has changed, for the log; never personal.
        what: String,
    },
}

/// A receipt's bones as the `commands` table keeps them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StoredReceipt {
    /// The position of its first event, if it had any.
    pub first_position: Option<Position>,
    /// The position of its last event; without events, of the log at that time.
    pub last_position: Position,
    /// The streams it concerned.
    pub streams: Vec<ReceiptStream>,
    /// What it adds to the usual.
    pub lists: ReceiptExtras,
}

impl StoredReceipt {
    /// The receipt of a command that is written by these pieces.
    pub(crate) fn of_pieces(position: Position, rows: Vec<ImportedRow>, pieces: Vec<StoredPiece>) -> Self {
        let lists = ReceiptExtras { rows, pieces, lists: Lists::new() };
        Self { first_position: None, last_position: position, streams: Vec::new(), lists }
    }
}

/// One piece of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredPiece {
    /// The command by which it is written, as the service's own.
    pub id: CommandId,
    /// Its rows: each one's place in the command, and in [`ReceiptExtras::rows`].
    pub rows: Vec<(usize, usize)>,
}

/// What a receipt adds to the usual, as the `commands` table keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptExtras {
    /// What became of each row of an imported file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<ImportedRow>,
    /// What it is written by, piece by piece: their streams and events are its.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<StoredPiece>,
    /// Its lists of enrolments, by name.
    #[serde(flatten)]
    pub lists: Lists,
}

impl EventStore {
    /// Appends a request, with others that come at the same time. [`StoreError::Overloaded`] means that it was not even
    /// queued. After [`StoreError::Unavailable`] it may be in the log nevertheless, if the connection broke while the answer
    /// was on its way: sending it again with the same key is safe.
    pub async fn append(&self, append: &Append<'_>) -> Result<Appended, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { request: Prepared::new(append)?, reply };
        self.appender().try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Closed(_) => gone(),
        })?;
        answer.await.map_err(|_| gone())?
    }

    /// The appender of this store; it ends with the last clone of it.
    fn appender(&self) -> &mpsc::Sender<Job> {
        self.appender.get_or_init(|| {
            let (sender, queue) = mpsc::channel(appender::QUEUE);
            let (pool, recent, queue) = (self.every_site.clone(), self.recent.clone(), Arc::new(Mutex::new(queue)));
            let begin = move || appender::run(DedicatedConnection::new(&pool, &[]), recent.clone(), queue.clone());
            tokio::spawn(unbroken("the appender", begin));
            sender
        })
    }
}

/// The appender has ended, with the runtime that it lived on.
fn gone() -> StoreError {
    StoreError::Unavailable(sqlx::Error::WorkerCrashed)
}

/// Says what the metrics of this crate mean, once a recorder is there.
pub fn describe_metrics() {
    metrics::describe_histogram!("rollbook_append_seconds", Unit::Seconds, "How long appends took, batch by batch");
    metrics::describe_histogram!("rollbook_append_batch_size", Unit::Count, "How many commands an append carried");
    metrics::describe_counter!(
        "rollbook_append_conflicts_total",
        Unit::Count,
        "Commands that were decided on facts which had changed before they were appended"
    );
    // None yet is an answer too.
    metrics::counter!("rollbook_append_conflicts_total").increment(0);
}

/// A claim's key as the table holds it: personal ones hashed, each site with hashes of its own.
pub(crate) fn stored_key(site: SiteId, key: &ClaimKey) -> String {
    if key.kind.is_personal() {
        let digest = Sha256::new().chain_update(site.0).chain_update(key.kind.as_str()).chain_update(&key.key);
        hex(&digest.finalize())
    } else {
        key.key.clone()
    }
}

/// What an idempotency key must always stand for: the command, its fields as sent, and its sender.
pub(crate) fn command_hash(actor: Actor, name: &str, body: &[u8]) -> [u8; 32] {
    let sender = actor.person().map_or(Uuid::nil(), |person| person.0);
    Sha256::new().chain_update(sender).chain_update(name).chain_update([0]).chain_update(body).finalize().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
