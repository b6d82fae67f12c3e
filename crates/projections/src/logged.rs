//! The log's events as readers see them, with the names of those who acted.

use chrono::{DateTime, Utc};
use rollbook_domain::{Authority, CommandId, SiteId, StreamType};
use rollbook_store::{Position, Recorded, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::QueryError;
use crate::models::PersonRef;
use crate::models::names::{actor, person_names};

/// An event of the log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventItem {
    /// Its place in the log.
    pub position: Position,
    /// The type of its stream.
    pub stream_type: StreamType,
    /// Its stream's id.
    pub stream: Uuid,
    /// Its place in the stream.
    pub sequence: i64,
    /// Its type, such as `StudentAdvanced`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// Its type's version.
    pub version: &'static str,
    /// Its fields.
    pub data: Value,
    /// The command that it came from.
    pub command_id: CommandId,
    /// Who issued the command; null is the system.
    pub actor: Option<PersonRef>,
    /// In what capacity.
    pub authority: Option<Authority>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// The events of the site, of those that were read, as items of the log.
pub async fn event_items(pool: &PgPool, site: SiteId, events: Vec<Recorded>) -> Result<Vec<EventItem>, QueryError> {
    let own: Vec<Recorded> = events.into_iter().filter(|event| event.site == site).collect();
    let names = person_names(pool, site, &own.iter().filter_map(|event| event.actor).collect()).await?;
    let items = own.into_iter().map(|event| {
        Ok(EventItem {
            position: event.position,
            stream_type: event.stream.kind,
            stream: event.stream.id,
            sequence: event.sequence,
            event_type: event.event.type_name(),
            version: event.event.version(),
            data: event.event.data().map_err(StoreError::from)?,
            command_id: event.command_id,
            actor: actor(&event, &names),
            authority: event.authority,
            recorded_at: event.recorded_at,
        })
    });
    items.collect()
}
