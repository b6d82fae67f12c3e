//! The commands: each once, with exactly the events that its row says, and every acknowledged one among them.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::log::Log;
use super::{Report, Violation};
use crate::Error;
use crate::receipts::{Receipt, Stream};

/// A row of the table of commands.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    site_id: Uuid,
    command_id: Uuid,
    first_position: Option<i64>,
    last_position: i64,
    streams: Json<Vec<Concerned>>,
}

/// A stream as the row has it.
#[derive(Debug, Deserialize)]
struct Concerned {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    version: i64,
}

/// Checks the rows against the log, and the receipts against the rows.
pub async fn check(
    database: &mut PgConnection,
    log: &Log,
    receipts: &[Receipt],
    report: &mut Report,
) -> Result<(), Error> {
    let sql = "select site_id, command_id, first_position, last_position, streams from commands
        order by site_id, command_id";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(database).await?;
    report.commands = rows.len();
    let mut by_id: HashMap<Uuid, &Row> = HashMap::new();
    for row in &rows {
        if by_id.insert(row.command_id, row).is_some() {
            report.violations.push(Violation::CommandTwice { command: row.command_id });
        }
        let command = row.command_id;
        report.violations.extend(wrong(row, log).into_iter().map(|what| Violation::Command { command, what }));
    }
    for ((site, command), positions) in &log.commands {
        if by_id.get(command).is_none_or(|row| row.site_id != *site) {
            let position = positions.first().copied().unwrap_or_default();
            report.violations.push(Violation::NoCommand { command: *command, position });
        }
    }
    let mut seen: HashMap<Uuid, &Receipt> = HashMap::new();
    for receipt in receipts {
        let command = receipt.command_id;
        if let Some(first) = seen.insert(command, receipt).filter(|first| *first != receipt) {
            let what = format!("another one says position {} and {} events", first.position, first.events.len());
            report.violations.push(Violation::Receipt { command, what });
        }
        let Some(row) = by_id.get(&command) else {
            report.violations.push(Violation::Lost { command });
            continue;
        };
        let all = against(receipt, row, log);
        report.violations.extend(all.into_iter().map(|what| Violation::Receipt { command, what }));
    }
    Ok(())
}

/// What a row says otherwise than the log.
fn wrong(row: &Row, log: &Log) -> Vec<String> {
    let mut found = Vec::new();
    let events = log.commands.get(&(row.site_id, row.command_id)).map(Vec::as_slice).unwrap_or_default();
    match row.first_position {
        Some(first) if !events.iter().copied().eq(first..=row.last_position) => {
            found.push(format!("its events are at {events:?} and not at {first} to {}", row.last_position));
        }
        None if !events.is_empty() => found.push(format!("it should have no events, and has some at {events:?}")),
        _ => {}
    }
    if row.last_position > log.head {
        found.push(format!("it ends at {}, behind the log's end", row.last_position));
    }
    for Concerned { kind, id, version } in &row.streams.0 {
        let there = log.version(row.site_id, kind, id, row.last_position);
        if there != *version {
            found.push(format!("{kind}/{id} has version {there} then, and not {version}"));
        }
    }
    found
}

/// What a receipt says otherwise than the row. Its events are compared with the log one by one elsewhere.
fn against(receipt: &Receipt, row: &Row, log: &Log) -> Vec<String> {
    let mut found = Vec::new();
    if receipt.position != row.last_position {
        found.push(format!("it says position {}, and the command ended at {}", receipt.position, row.last_position));
    }
    let events = log.commands.get(&(row.site_id, row.command_id)).map(Vec::as_slice).unwrap_or_default();
    if !receipt.events.iter().map(|event| event.position).eq(events.iter().copied()) {
        found.push(format!("it names {} events, and there are {} of the command", receipt.events.len(), events.len()));
    }
    let same = |said: &Stream, is: &Concerned| said.kind == is.kind && said.id == is.id && said.version == is.version;
    let streams = &row.streams.0;
    if receipt.streams.len() != streams.len() || !receipt.streams.iter().zip(streams).all(|(a, b)| same(a, b)) {
        found.push("it names other streams or versions than the command's row".to_owned());
    }
    found
}
