//! `rollbook audit replay`: a student's history step by step, and where the student stands after each. It holds a few events
//! at a time, however long the history is.

use std::collections::BTreeMap;

use futures::StreamExt;
use rollbook_domain::enrolment::EnrolmentEvent;
use rollbook_domain::site::Slug;
use rollbook_domain::{Authority, Event, Personal, SiteId};
use rollbook_projections::explain::{Change, Explainer};
use rollbook_projections::models::PersonRef;
use rollbook_projections::models::names::{actor, hub_names, person_names};
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

/// The fields of a row that say how the student stands, and what they are called.
const SHOWN: [(&str, &str); 10] = [
    ("status", "status"),
    ("week", "week"),
    ("held", "held"),
    ("held_reason", "because"),
    ("absences", "absences"),
    ("flagged", "flagged"),
    ("hub_id", "hub"),
    ("marker_id", "marker"),
    ("attendance", "attendance"),
    ("reflections", "reflections"),
];

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
pub async fn run(database: &Database, site: &Slug, arguments: &Replay) -> Done {
    let (store, site) = database.of_site(site).await?;
    let head = catch_up(&store).await?;
    let enrolment = arguments.enrolment;
    let mut row = Explainer::<Roster>::new(site, enrolment);
    let streams = [enrolment.into()].into();
    let mut events = store.streams(site, &streams, head).chunks(BATCH);
    // They become more with those who have to do with the student, not with the events.
    let mut names = Names { people: BTreeMap::new(), hubs: BTreeMap::new() };
    let mut steps: usize = 0;
    while let Some(batch) = events.next().await {
        let batch = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
        learn(&mut names, &store, site, &batch).await?;
        for recorded in batch {
            let Event::Enrolment(event) = &recorded.event else { continue };
            let changes = row.next(&recorded)?;
            let step = step(&recorded, event, &names, changes, row.row().cloned());
            output::line(&match arguments.format {
                ReplayFormat::Table => as_text(&step, &names)?,
                ReplayFormat::Ndjson => serde_json::to_string(&step)?,
            })?;
            steps += 1;
        }
    }
    if steps == 0 { Err(Failure::new(format!("there is no enrolment {enrolment}"))) } else { Ok(()) }
}

/// Learns the names of whom and what some events mention.
async fn learn(names: &mut Names, store: &EventStore, site: SiteId, events: &[Recorded]) -> Done {
    let people = events.iter().flat_map(people_in).filter(|person| !names.people.contains_key(person)).collect();
    let hubs = events.iter().filter_map(hub_in).filter(|hub| !names.hubs.contains_key(hub)).collect();
    names.people.extend(person_names(store.pool(), site, &people).await?);
    names.hubs.extend(hub_names(store.pool(), site, &hubs).await?);
    Ok(())
}

fn step(recorded: &Recorded, event: &EnrolmentEvent, names: &Names, changes: Vec<Change>, row: Option<Row>) -> Step {
    Step {
        position: recorded.position,
        at: recorded.recorded_at,
        actor: actor(recorded, &names.people),
        authority: recorded.authority,
        event_type: recorded.event.type_name(),
        words: words(event, names),
        reason: reason(event).cloned(),
        changes,
        row,
    }
}

/// A step for reading: a line of what happened, and a line of how the student stands, where a star is before what is new.
fn as_text(step: &Step, names: &Names) -> Done<String> {
    let who = step.actor.as_ref().map_or("the system", |actor| actor.name.as_str());
    let capacity = step.authority.map(|authority| format!(" as {authority}")).unwrap_or_default();
    let happened = format!("{:>8}  {}  {who}{capacity}: {}", step.position, step.at.format("%F %H:%M"), step.words);
    let mut row = serde_json::to_value(&step.row)?;
    if let Some(found) = &step.row {
        row["hub_id"] = found.hub_id.map(|hub| names.hub(hub)).into();
        row["marker_id"] = found.marker_id.map(|marker| names.person(marker)).into();
    }
    let new: Vec<String> = step.changes.iter().flat_map(parts).map(|(field, _, _)| field).collect();
    let stands = SHOWN.iter().filter_map(|(field, heading)| {
        let (before, after) = (Personal::new(Value::Null), Personal::new(row[field].clone()));
        let parts =
            parts(&Change { field: (*field).to_owned(), before, after }).into_iter().filter_map(|(part, _, value)| {
                let star = if new.contains(&part) { "*" } else { "" };
                let key = part.strip_prefix(field).filter(|key| !key.is_empty()).map(|key| format!("{} ", key.trim()));
                let is_said = !star.is_empty() || !(value.is_null() || value == Value::Bool(false));
                is_said.then(|| format!("{star}{}{}", key.unwrap_or_default(), text(&value)))
            });
        let said = parts.collect::<Vec<_>>().join(", ");
        (!said.is_empty()).then(|| format!("{heading} {said}"))
    });
    Ok(format!("{happened}\n{:>10}{}", "", stands.collect::<Vec<_>>().join(" · ")))
}
