//! Dates and instants from the text that serde gives to what PostgreSQL stores, without anything on the heap.

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};

/// Microseconds since 2000-01-01, PostgreSQL's epoch.
pub(super) fn instant(text: &str) -> Option<i64> {
    let instant: DateTime<Utc> = text.parse().ok()?;
    instant.timestamp_micros().checked_sub(946_684_800_000_000)
}

/// Days since 2000-01-01.
pub(super) fn date(text: &str) -> Option<i32> {
    let date: NaiveDate = text.parse().ok()?;
    i32::try_from(date.signed_duration_since(NaiveDate::from_ymd_opt(2000, 1, 1)?).num_days()).ok()
}

/// Microseconds since midnight.
pub(super) fn time(text: &str) -> Option<i64> {
    let time: NaiveTime = text.parse().ok()?;
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000))
}

/// A short text on the stack.
#[derive(Default)]
pub(super) struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    pub fn as_str(&self) -> &str {
        // It is made of whole texts.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
