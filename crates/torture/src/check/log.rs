//! The log, read once in the order of positions: gapless, its streams contiguous, and what the receipts said of each event.
//! It keeps positions, and no payload.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use serde_json::Value;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::claims::Held;
use super::{Report, Violation};
use crate::Error;
use crate::receipts::{self, Receipt};

/// What is remembered of the log.
#[derive(Debug, Default)]
pub struct Log {
    /// The last position.
    pub head: i64,
    /// The positions of every stream's events, by site, type and id.
    pub streams: HashMap<(Uuid, String, String), Vec<i64>>,
    /// The positions of every command's events, by site and command.
    pub commands: BTreeMap<(Uuid, Uuid), Vec<i64>>,
    /// The claims that are held at its end.
    pub claims: Held,
}

impl Log {
    /// The version that a stream had at a position.
    pub fn version(&self, site: Uuid, kind: &str, id: &str, at: i64) -> i64 {
        let positions = self.streams.get(&(site, kind.to_owned(), id.to_owned()));
        let before = positions.map_or(0, |positions| positions.partition_point(|position| *position <= at));
        i64::try_from(before).unwrap_or(i64::MAX)
    }
}

/// One event, as it is stored.
pub struct Event<'r> {
    pub position: i64,
    pub site: Uuid,
    pub kind: &'r str,
    pub id: &'r str,
    pub name: &'r str,
    pub payload: &'r str,
}

/// Reads the log and checks what can be said event by event.
pub async fn read(database: &mut PgConnection, receipts: &[Receipt], report: &mut Report) -> Result<Log, Error> {
    let promised = promised(receipts);
    let mut log = Log::default();
    let sql = "select position, site_id, aggregate_type, aggregate_id, sequence, event_type, payload::text as payload,
            command_id, metadata::text as metadata
        from events order by position";
    let mut rows = sqlx::query(sql).fetch(database);
    while let Some(row) = rows.try_next().await? {
        report.events += 1;
        let event = Event {
            position: row.try_get("position")?,
            site: row.try_get("site_id")?,
            kind: row.try_get("aggregate_type")?,
            id: row.try_get("aggregate_id")?,
            name: row.try_get("event_type")?,
            payload: row.try_get("payload")?,
        };
        let (position, sequence): (i64, i64) = (event.position, row.try_get("sequence")?);
        if position != log.head + 1 {
            report.violations.push(Violation::Position { expected: log.head + 1, found: position });
        }
        log.head = position;
        let stream = log.streams.entry((event.site, event.kind.to_owned(), event.id.to_owned())).or_default();
        stream.push(position);
        let expected = i64::try_from(stream.len()).unwrap_or(i64::MAX);
        if sequence != expected {
            let stream = format!("{}/{}", event.kind, event.id);
            report.violations.push(Violation::Sequence { stream, position, expected, found: sequence });
        }
        // Other software may append, without commands; whatever the service writes says what it belongs to.
        let command: Uuid = row.try_get("command_id")?;
        let metadata: Value = serde_json::from_str(row.try_get("metadata")?).unwrap_or_default();
        let by_the_service = metadata.get("correlation_id").is_some();
        if by_the_service {
            log.commands.entry((event.site, command)).or_default().push(position);
        }
        if metadata.get("command_id").is_some_and(|named| named.as_str() != Some(&command.to_string())) {
            report.violations.push(Violation::Metadata { position });
        }
        for (receipt, said) in promised.get(&position).into_iter().flatten() {
            for what in differences(&event, sequence, command, receipt, said) {
                report.violations.push(Violation::Receipt { command: receipt.command_id, what });
            }
        }
        log.claims.apply(&event, by_the_service, report);
    }
    report.streams = log.streams.len();
    report.commands = log.commands.len();
    Ok(log)
}

/// What receipts say, by position.
fn promised(receipts: &[Receipt]) -> HashMap<i64, Vec<(&Receipt, &receipts::Event)>> {
    let mut promised: HashMap<i64, Vec<_>> = HashMap::new();
    for receipt in receipts {
        for event in &receipt.events {
            promised.entry(event.position).or_default().push((receipt, event));
        }
    }
    promised
}

/// What an event has otherwise than its receipt says.
fn differences(event: &Event, sequence: i64, command: Uuid, receipt: &Receipt, said: &receipts::Event) -> Vec<String> {
    let position = event.position;
    let mut found = Vec::new();
    let mut compare = |what: &str, said: &str, is: &str| {
        if said != is {
            found.push(format!("position {position} has the {what} {is} and not {said}"));
        }
    };
    compare("command", &receipt.command_id.to_string(), &command.to_string());
    compare("type", &said.event_type, event.name);
    compare("stream", &said.stream, event.id);
    compare("sequence", &said.sequence.to_string(), &sequence.to_string());
    let data = serde_json::from_str::<Value>(event.payload).ok().and_then(|mut p| Some(p.get_mut(event.name)?.take()));
    if data.as_ref() != Some(&said.data) {
        found.push(format!("position {position} has other fields"));
    }
    found
}
