//! The append: many requests in one statement, one lock, one transaction; each all-or-nothing by itself.
//!
//! What is checked and in which order is in the SQL function `append_events`; this file only speaks its language.

use chrono::{DateTime, Utc};
use metrics::Unit;
use rollbook_domain::claim::{ClaimKey, ClaimSet};
use rollbook_domain::plan::{Lists, Plan};
use rollbook_domain::{Actor, CommandId, SiteId, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use crate::receipt::ReceiptStream;
use crate::{EventStore, Position, StoreError};

/// A plan on its way into the log, with what it relies on.
#[derive(Debug)]
pub struct Append<'a> {
    /// The site it belongs to.
    pub site: SiteId,
    /// Its idempotency key.
    pub command_id: CommandId,
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
    /// Its own lists.
    pub lists: Lists,
}

#[derive(Serialize)]
struct RequestRow<'a> {
    site_id: SiteId,
    command_id: CommandId,
    command_hash: String,
    recorded_at: DateTime<Utc>,
    expected: Vec<ExpectedRow>,
    events: Vec<EventRow>,
    releases: Vec<KeyRow>,
    takes: Vec<TakeRow>,
    limits: Vec<LimitRow>,
    streams: &'a [ReceiptStream],
    lists: &'a Lists,
}

#[derive(Serialize)]
struct ExpectedRow {
    kind: &'static str,
    id: Uuid,
    version: i64,
}

#[derive(Serialize)]
struct EventRow {
    n: usize,
    kind: &'static str,
    id: Uuid,
    sequence: i64,
    r#type: &'static str,
    version: &'static str,
    payload: Box<RawValue>,
    metadata: Metadata,
}

/// Flat strings: the shape that cqrs-es reads back.
#[derive(Clone, Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    authority: &'static str,
    command_id: String,
    correlation_id: String,
    recorded_at: String,
}

#[derive(Serialize)]
struct KeyRow {
    kind: &'static str,
    key: String,
}

#[derive(Serialize)]
struct TakeRow {
    #[serde(flatten)]
    key: KeyRow,
    owner: Uuid,
}

#[derive(Serialize)]
struct LimitRow {
    kind: &'static str,
    prefix: String,
    at_most: u32,
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Answer {
    Appended { position: Position },
    Duplicate(StoredReceipt),
    KeyReused,
    Stale { what: String },
    Claimed { what: String },
    LimitExceeded { what: String },
}

impl EventStore {
    /// Appends all requests in one statement; the answers come in the same order. An error means that none of them was
    /// appended, unless the connection broke while the answer was on its way: sending again with the same keys is safe.
    pub async fn append(&self, requests: &[Append<'_>]) -> Result<Vec<Appended>, StoreError> {
        let rows = requests.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let body = serde_json::value::to_raw_value(&rows)?;
        let started = std::time::Instant::now();
        let answer = sqlx::query("select append_events($1::json)::text")
            .bind(body.get())
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::from)?
            .try_get::<String, _>(0)?;
        metrics::histogram!("rollbook_append_seconds").record(started.elapsed());
        metrics::histogram!("rollbook_append_batch_size").record(u32::try_from(requests.len()).unwrap_or(u32::MAX));
        let answers: Vec<Answer> = serde_json::from_str(&answer)?;
        if answers.len() != requests.len() {
            return Err(StoreError::Corrupt(format!("{} answers to {} requests", answers.len(), requests.len())));
        }
        Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Appended { position } => {
                    self.announce(position);
                    Appended::At(position)
                }
                Answer::Duplicate(stored) => Appended::Duplicate(stored),
                Answer::KeyReused => Appended::KeyReused,
                Answer::Stale { what } | Answer::Claimed { what } | Answer::LimitExceeded { what } => {
                    metrics::counter!("rollbook_append_conflicts_total").increment(1);
                    Appended::Stale { what }
                }
            })
            .collect())
    }
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

fn row<'a>(append: &Append<'a>) -> Result<RequestRow<'a>, StoreError> {
    let metadata = Metadata {
        actor: append.actor.person().map(|id| id.to_string()),
        authority: append.plan.authority.into(),
        command_id: append.command_id.to_string(),
        correlation_id: append.correlation_id.to_string(),
        recorded_at: append.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
    };
    let mut events = Vec::new();
    for write in &append.plan.writes {
        for (sequence, event) in (write.expected_version + 1..).zip(&write.events) {
            events.push(EventRow {
                n: events.len() + 1,
                kind: write.stream.kind.as_str(),
                id: write.stream.id,
                sequence,
                r#type: event.type_name(),
                version: event.version(),
                payload: RawValue::from_string(event.payload()?)?,
                metadata: metadata.clone(),
            });
        }
    }
    let claims = &append.plan.claims;
    Ok(RequestRow {
        site_id: append.site,
        command_id: append.command_id,
        command_hash: hex(&append.command_hash),
        recorded_at: append.at,
        expected: append
            .versions
            .iter()
            .map(|(stream, version)| ExpectedRow { kind: stream.kind.as_str(), id: stream.id, version: *version })
            .collect(),
        events,
        releases: claims.releases.iter().map(|key| key_row(append.site, key)).collect(),
        takes: claims
            .takes
            .iter()
            .map(|(key, owner)| TakeRow { key: key_row(append.site, key), owner: *owner })
            .collect(),
        limits: append
            .plan
            .limits
            .iter()
            .map(|limit| {
                let ClaimSet { kind, prefix } = &limit.set;
                LimitRow { kind: kind.as_str(), prefix: prefix.clone(), at_most: limit.at_most }
            })
            .collect(),
        streams: append.streams,
        lists: &append.plan.lists,
    })
}

fn key_row(site: SiteId, key: &ClaimKey) -> KeyRow {
    KeyRow { kind: key.kind.as_str(), key: stored_key(site, key) }
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
