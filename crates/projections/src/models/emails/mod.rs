//! Emails: the messages that events ask for, one row each, and never what became of one: a delivery is a fact of the outside,
//! which no fold can make again (`email_deliveries`).

mod queries;
mod retries;

use chrono::{DateTime, Utc};
use rollbook_domain::enrolment::{EnrolmentEvent, ReflectionEvent};
use rollbook_domain::week_emails::WeekEmailsEvent;
use rollbook_domain::{EnrolmentId, Event, MessageId, StreamType};
use rollbook_store::{Position, Recorded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ReadModel, SiteRows};

pub use queries::{EmailFilter, EmailItem, EmailStatus, MAX_AGE, get, list};
pub use retries::EmailRetries;

/// The read model.
#[derive(Debug)]
pub struct Emails;

/// What a message is about.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EmailKind {
    /// The student's week is open.
    WeekOpen,
    /// A reflection was marked.
    ReflectionMarked,
    /// The mark of a reflection was changed.
    MarkAmended,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The stream that asks for it: the cohort's emails, or the enrolment.
    pub stream_id: Uuid,
    /// Which message; the same whenever it is folded.
    pub message_id: MessageId,
    /// To whom.
    pub enrolment_id: EnrolmentId,
    /// What it is about.
    pub kind: EmailKind,
    /// About which week.
    pub week: u8,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// Its event's place in the log.
    pub position: Position,
}

impl ReadModel for Emails {
    const NAME: &'static str = "emails";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "emails";
    const KEY: &'static [&'static str] = &["stream_id", "message_id"];
    const COLUMNS: &'static [&'static str] = &["enrolment_id", "kind", "week", "requested_at", "position"];
    const STREAMS: &'static [StreamType] = &[StreamType::WeekEmails, StreamType::Enrolment];

    type Key = (Uuid, MessageId);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        messages(event).iter().map(Self::key).collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.stream_id, row.message_id)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        for message in messages(event) {
            // Asked for twice, it is the first one.
            if rows.get(&Self::key(&message)).is_none() {
                rows.put(message);
            }
        }
    }
}

/// The messages that an event asks for.
fn messages(event: &Recorded) -> Vec<Row> {
    match &event.event {
        Event::WeekEmails(happened) => match happened {
            WeekEmailsEvent::WeekEmailsRequested { week, enrolments } => {
                let row = |id: &EnrolmentId| message(event, *id, EmailKind::WeekOpen, *week, (*week).into());
                enrolments.iter().map(row).collect()
            }
            WeekEmailsEvent::EmailRetried { .. } => Vec::new(),
        },
        Event::Enrolment(EnrolmentEvent::Reflections(happened)) => {
            let about = |kind, week| vec![message(event, EnrolmentId(event.stream.id), kind, week, event.sequence)];
            match happened {
                ReflectionEvent::ReflectionMarked { week, .. } => about(EmailKind::ReflectionMarked, *week),
                ReflectionEvent::MarkAmended { week, .. } => about(EmailKind::MarkAmended, *week),
                ReflectionEvent::ReflectionSubmitted { .. }
                | ReflectionEvent::ReflectionRevised { .. }
                | ReflectionEvent::ReflectionVisibilitySet { .. }
                | ReflectionEvent::MarkerAssigned { .. } => Vec::new(),
            }
        }
        // Of no other stream is anything folded here: see `STREAMS`.
        _ => Vec::new(),
    }
}

/// What the ids of messages are made in.
const NAMESPACE: Uuid = Uuid::from_u128(0x8c1f_2b3a_90d4_4e57_a1c6_3d5e_7f80_9b21);

/// One message. `nth` tells it from the stream's others of its kind: the week that is opened once for a student, or the place
/// of the event that marks.
fn message(event: &Recorded, enrolment_id: EnrolmentId, kind: EmailKind, week: u8, nth: i64) -> Row {
    let name = format!("{}/{}/{kind}/{nth}/{enrolment_id}", event.site, event.stream);
    Row {
        stream_id: event.stream.id,
        message_id: MessageId(Uuid::new_v5(&NAMESPACE, name.as_bytes())),
        enrolment_id,
        kind,
        week,
        requested_at: event.recorded_at,
        position: event.position,
    }
}

#[cfg(test)]
mod tests;
