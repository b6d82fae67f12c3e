//! What a command did: the answer to its sender, the same however often it is sent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rollbook_domain::cohort::ImportedRow;
use rollbook_domain::plan::Lists;
use rollbook_domain::{CommandId, StreamType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Position;

/// A command's receipt.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Receipt {
    /// The command's id: its idempotency key.
    pub command_id: CommandId,
    /// The position of its last event; where it had none, the position of the log when it was decided.
    pub position: Position,
    /// The streams it concerned, with their versions afterwards.
    pub streams: Vec<ReceiptStream>,
    /// Its events, in the order of the log. None: it was so already.
    pub events: Vec<ReceiptEvent>,
    /// Lists of enrolments that commands over many students add: `advanced`, `held`, `untouched`, `assigned`.
    #[serde(flatten)]
    pub lists: Lists,
    /// What became of each row of an imported file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<ImportedRow>,
}

impl Receipt {
    /// With what it was written by, piece by piece.
    pub(crate) fn of_pieces(mut self, pieces: Vec<Self>) -> Self {
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        for piece in pieces {
            self.position = piece.position;
            self.events.extend(piece.events);
            for stream in piece.streams {
                match places.entry(stream.id) {
                    Entry::Occupied(place) => self.streams[*place.get()] = stream,
                    Entry::Vacant(place) => {
                        place.insert(self.streams.len());
                        self.streams.push(stream);
                    }
                }
            }
        }
        self
    }
}

/// A stream in a receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptStream {
    /// The stream's type.
    #[serde(rename = "type")]
    pub stream_type: StreamType,
    /// Its id.
    pub id: Uuid,
    /// Its version: what `If-Match` takes.
    pub version: i64,
}

/// An event in a receipt.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReceiptEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its type, such as `StudentAdvanced`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its stream's id.
    pub stream: Uuid,
    /// Its place in the stream.
    pub sequence: i64,
    /// Its fields.
    pub data: Value,
}
