//! A request on its way to the log, in the form that the batch takes: written out by whoever sends it, not by the appender.

use chrono::{DateTime, Utc};
use rollbook_domain::claim::{ClaimKey, ClaimSet};
use rollbook_domain::{SiteId, StreamId};
use serde::Serialize;
use uuid::Uuid;

use super::{Append, ReceiptExtras, stored_key};
use crate::{CommandKey, Recorded, StoreError};

/// One request.
pub(super) struct Prepared {
    pub site: SiteId,
    pub key: CommandKey,
    pub hash: [u8; 32],
    pub at: DateTime<Utc>,
    pub metadata: String,
    pub streams: String,
    pub lists: String,
    pub versions: Vec<(StreamId, i64)>,
    pub events: Vec<Written>,
    pub releases: Vec<Key>,
    pub takes: Vec<(Key, Uuid)>,
    /// Each with the fewest and the most.
    pub limits: Vec<(Key, i64, i64)>,
}

/// An event without a position yet, and its payload as the log will hold it.
pub(super) struct Written {
    pub recorded: Recorded,
    pub payload: String,
}

/// A claim's key as the table holds it, or a prefix of such keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub kind: &'static str,
    pub key: String,
}

/// What is recorded beside an event and has no column of its own. Flat strings: the shape that cqrs-es reads back.
#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    authority: &'static str,
    correlation_id: String,
}

impl Prepared {
    /// Writes a request out.
    pub fn new(append: &Append<'_>) -> Result<Self, StoreError> {
        let Append { site, key: command_key, command_hash, correlation_id, actor, at, versions, plan, pieces, streams } =
            append;
        let metadata = Metadata {
            actor: actor.person().map(|id| id.to_string()),
            authority: plan.authority.into(),
            correlation_id: correlation_id.to_string(),
        };
        let mut events = Vec::new();
        for write in &plan.writes {
            for (sequence, event) in (write.expected_version + 1..).zip(&write.events) {
                let recorded = Recorded {
                    position: 0,
                    site: *site,
                    stream: write.stream,
                    sequence,
                    command_id: command_key.id,
                    actor: actor.person(),
                    authority: Some(plan.authority),
                    recorded_at: *at,
                    event: event.clone(),
                };
                events.push(Written { payload: event.payload()?, recorded });
            }
        }
        let told = ReceiptExtras { rows: plan.rows.clone(), pieces: pieces.to_vec(), lists: plan.lists.clone() };
        let key = |key: &ClaimKey| Key { kind: key.kind.as_str(), key: stored_key(*site, key) };
        let set = |set: &ClaimSet| Key { kind: set.kind.as_str(), key: set.prefix.clone() };
        Ok(Self {
            site: *site,
            key: *command_key,
            hash: *command_hash,
            at: *at,
            metadata: serde_json::to_string(&metadata)?,
            streams: serde_json::to_string(streams)?,
            lists: serde_json::to_string(&told)?,
            versions: versions.clone(),
            events,
            releases: plan.claims.releases.iter().map(key).collect(),
            takes: plan.claims.takes.iter().map(|(taken, owner)| (key(taken), *owner)).collect(),
            limits: plan
                .limits
                .iter()
                .map(|limit| (set(&limit.set), limit.at_least.into(), limit.at_most.into()))
                .collect(),
        })
    }

    /// About how many bytes it sends.
    pub fn bytes(&self) -> usize {
        let events: usize = self.events.iter().map(|event| event.payload.len() + self.metadata.len() + 100).sum();
        events + self.streams.len() + self.lists.len() + self.versions.len() * 60
    }
}
