//! The marking queue: the reflections that wait for their marking, and no others.

mod queries;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{EnrolmentEvent, ReflectionEvent};
use rollbook_domain::{EnrolmentId, Event, StreamType};
use rollbook_store::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ReadModel, SiteRows};

pub use queries::{MarkerCount, QueueFilter, QueueItem, count, counts, list};

/// The read model.
#[derive(Debug)]
pub struct MarkingQueue;

/// A reflection that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Whose.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: u8,
    /// Since when it waits; a revision while it waits keeps its place.
    pub submitted_at: DateTime<Utc>,
}

impl ReadModel for MarkingQueue {
    const NAME: &'static str = "marking_queue";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "marking_queue";
    const KEY: &'static [&'static str] = &["enrolment_id", "week"];
    const COLUMNS: &'static [&'static str] = &["submitted_at"];
    const STREAMS: &'static [StreamType] = &[StreamType::Enrolment];

    type Key = (EnrolmentId, u8);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        step(event).map(|(week, _)| (EnrolmentId(event.stream.id), week)).into_iter().collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.enrolment_id, row.week)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let enrolment_id = EnrolmentId(event.stream.id);
        match step(event) {
            Some((week, Step::In)) if rows.get(&(enrolment_id, week)).is_none() => {
                rows.put(Row { enrolment_id, week, submitted_at: event.recorded_at });
            }
            Some((week, Step::Out)) => rows.remove((enrolment_id, week)),
            Some((_, Step::In)) | None => {}
        }
    }
}

enum Step {
    In,
    Out,
}

/// What an event does to the queue, and for which week.
fn step(event: &Recorded) -> Option<(u8, Step)> {
    let Event::Enrolment(EnrolmentEvent::Reflections(happened)) = &event.event else { return None };
    match happened {
        ReflectionEvent::ReflectionSubmitted { week, text: _, visibility: _ }
        | ReflectionEvent::ReflectionRevised { week, text: _, visibility: _ } => Some((*week, Step::In)),
        ReflectionEvent::ReflectionMarked { week, .. } | ReflectionEvent::MarkAmended { week, .. } => {
            Some((*week, Step::Out))
        }
        ReflectionEvent::ReflectionVisibilitySet { .. } | ReflectionEvent::MarkerAssigned { .. } => None,
    }
}
