//! `rollbook audit replay`: a student's history step by step, and where the student stands after each. It holds a few events
//! at a time, however long the history is.

use std::fmt::Write;

use futures::StreamExt;
use rollbook_domain::enrolment::EnrolmentEvent;
use rollbook_domain::{Authority, Event, Personal, SiteId};
use rollbook_projections::explain::{Change, Explainer};
use rollbook_projections::models::PersonRef;
use rollbook_projections::models::names::{hub_names, person_names};
use rollbook_projections::models::roster::{Roster, Row};
use rollbook_projections::wording::{Names, hub_in, people_in, reason, words};
use rollbook_store::{EventStore, Position, Recorded};
use serde::Serialize;
use serde_json::Value;

use crate::catch_up::catch_up;
use crate::cli::{Replay, ReplayFormat};
use crate::commands::explain::{parts, text};
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;

/// How many events are held at a time.
const BATCH: usize = 200;

/// The fields of a row that are shown: how the student stands. Ids say nothing to a reader.
const SHOWN: [&str; 8] = ["status", "week", "held", "held_reason", "absences", "flagged", "attendance", "reflections"];

/// One step of a history.
#[derive(Debug, Serialize)]
struct Step {
    position: Position,
    at: chrono::DateTime<chrono::Utc>,
    actor: Option<PersonRef>,
    authority: Option<Authority>,
    #[serde(rename = "type")]
    event_type: &'static str,
    words: String,
    reason: Option<Personal<String>>,
    changes: Vec<Change>,
    row: Option<Row>,
}

/// Prints the history.
pub async fn run(database: &Database, arguments: &Replay) -> Done {
    let store = database.store().await?;
    let head = catch_up(&store).await?;
    let (site, enrolment) = (SiteId::DEFAULT, arguments.enrolment);
    let mut row = Explainer::<Roster>::new(site, enrolment);
    let streams = [enrolment.into()].into();
    let mut events = store.streams(site, &streams, head).chunks(BATCH);
    let mut steps: usize = 0;
    while let Some(batch) = events.next().await {
        let batch = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
        let names = names(&store, site, &batch).await?;
        for recorded in batch {
            let Event::Enrolment(event) = &recorded.event else { continue };
            let changes = row.next(&recorded)?;
            let step = step(&recorded, event, &names, changes, row.row().cloned());
            output::line(&match arguments.format {
                ReplayFormat::Table => as_text(&step)?,
                ReplayFormat::Ndjson => serde_json::to_string(&step)?,
            })?;
            steps += 1;
        }
    }
    if steps == 0 { Err(Failure::new(format!("there is no enrolment {enrolment}"))) } else { Ok(()) }
}

/// The names of whom and what some events mention.
async fn names(store: &EventStore, site: SiteId, events: &[Recorded]) -> Done<Names> {
    let people = events.iter().flat_map(people_in).collect();
    let hubs = events.iter().filter_map(hub_in).collect();
    Ok(Names {
        people: person_names(store.pool(), site, &people).await.map_err(Failure::new)?,
        hubs: hub_names(store.pool(), site, &hubs).await.map_err(Failure::new)?,
    })
}

fn step(recorded: &Recorded, event: &EnrolmentEvent, names: &Names, changes: Vec<Change>, row: Option<Row>) -> Step {
    Step {
        position: recorded.position,
        at: recorded.recorded_at,
        actor: recorded.actor.map(|id| PersonRef { id, name: names.person(id).into() }),
        authority: recorded.authority,
        event_type: recorded.event.type_name(),
        words: words(event, names),
        reason: reason(event).cloned(),
        changes,
        row,
    }
}

/// A step for reading: a line of what happened, and a line of how the student stands, where a star is before what is new.
fn as_text(step: &Step) -> Done<String> {
    let who = step.actor.as_ref().map_or("the system", |actor| actor.name.as_str());
    let capacity = step.authority.map(|authority| format!(" as {authority}")).unwrap_or_default();
    let mut shown = format!("{:>8}  {}  {who}{capacity}: {}\n", step.position, step.at.format("%F %H:%M"), step.words);
    let row = serde_json::to_value(&step.row)?;
    let new: Vec<String> = step.changes.iter().flat_map(parts).map(|(field, _, _)| field).collect();
    let mut said = Vec::new();
    for field in SHOWN {
        let whole = Change {
            field: field.to_owned(),
            before: Personal::new(Value::Null),
            after: Personal::new(row[field].clone()),
        };
        for (field, _, value) in parts(&whole) {
            let star = if new.contains(&field) { "*" } else { "" };
            if star == "*" || !(value.is_null() || value == Value::Bool(false)) {
                said.push(format!("{star}{} {}", field.replace('_', " "), text(&value)));
            }
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(shown, "{:>10}{}", "", said.join(" · "));
    Ok(shown)
}
