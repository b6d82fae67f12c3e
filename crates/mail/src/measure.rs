//! The metrics of emails: how many came to what, and how long they wait. None has a label of anybody's.

use chrono::{DateTime, Utc};
use metrics::Unit;
use rollbook_projections::models::emails::EmailStatus;

/// Counts messages that have come to something.
pub fn count(status: EmailStatus, messages: usize) {
    let status: &'static str = status.into();
    metrics::counter!("rollbook_emails_total", "status" => status)
        .increment(u64::try_from(messages).unwrap_or(u64::MAX));
}

/// Sets how many messages wait, and how long the oldest has.
pub fn waiting(messages: i64, oldest: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody reads 2^52 messages to the last one")]
    let messages = messages as f64;
    metrics::gauge!("rollbook_emails_waiting").set(messages);
    let age = oldest.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0));
    metrics::gauge!("rollbook_emails_oldest_seconds").set(age);
}

/// Says what the metrics of this crate mean, once a recorder is there.
pub fn describe_metrics() {
    metrics::describe_counter!(
        "rollbook_emails_total",
        Unit::Count,
        "Emails that came to something, by what: sent, skipped, failed, unconfirmed or expired"
    );
    metrics::describe_gauge!("rollbook_emails_waiting", Unit::Count, "Emails that wait or are on their way");
    metrics::describe_gauge!(
        "rollbook_emails_oldest_seconds",
        Unit::Seconds,
        "How long the oldest email waits that is not done with; 0 when there is none"
    );
}
