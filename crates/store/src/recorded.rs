//! An event as the log holds it, with everything that was recorded beside it.

use chrono::{DateTime, Utc};
use rollbook_domain::{Authority, CommandId, Event, PersonId, SiteId, StreamId};

use crate::Position;

/// One event of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// The site it belongs to.
    pub site: SiteId,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream: 1 is the first.
    pub sequence: i64,
    /// The command that caused it.
    pub command_id: CommandId,
    /// Who issued the command; none is the system (or another writer than this service).
    pub actor: Option<PersonId>,
    /// In what capacity; none where another writer than this service appended it.
    pub authority: Option<Authority>,
    /// The instant of the command, from the injected clock.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}
