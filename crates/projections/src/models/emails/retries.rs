//! Messages that somebody wants sent again. Whoever delivers does so once for each wish; nothing here says that it was done.

use chrono::{DateTime, Utc};
use rollbook_domain::week_emails::WeekEmailsEvent;
use rollbook_domain::{CohortId, Event, MessageId, StreamType};
use rollbook_store::{Position, Recorded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ReadModel, SiteRows};

/// The read model.
#[derive(Debug)]
pub struct EmailRetries;

/// The last wish for a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Of which cohort's emails.
    pub cohort_id: CohortId,
    /// Which message.
    pub message_id: MessageId,
    /// When somebody wanted it.
    pub retried_at: DateTime<Utc>,
    /// Its event's place in the log.
    pub position: Position,
}

impl ReadModel for EmailRetries {
    const NAME: &'static str = "email_retries";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "email_retries";
    const KEY: &'static [&'static str] = &["cohort_id", "message_id"];
    const COLUMNS: &'static [&'static str] = &["retried_at", "position"];
    const STREAMS: &'static [StreamType] = &[StreamType::WeekEmails];

    type Key = (CohortId, MessageId);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        wish(event).iter().map(Self::key).collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.cohort_id, row.message_id)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        if let Some(row) = wish(event) {
            rows.put(row);
        }
    }
}

fn wish(event: &Recorded) -> Option<Row> {
    let Event::WeekEmails(happened) = &event.event else { return None };
    match happened {
        WeekEmailsEvent::EmailRetried { message_id, enrolment_id: _ } => Some(Row {
            cohort_id: CohortId(event.stream.id),
            message_id: *message_id,
            retried_at: event.recorded_at,
            position: event.position,
        }),
        WeekEmailsEvent::WeekEmailsRequested { .. } => None,
    }
}
