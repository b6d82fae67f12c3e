//! Which clock the process goes by.

use chrono::{DateTime, Utc};
use rollbook_store::Clock;

/// The machine's clock, or one that stands still for a rehearsal (`ROLLBOOK_CLOCK`).
pub fn clock(stopped_at: Option<DateTime<Utc>>) -> Clock {
    stopped_at.map_or_else(Clock::system, Clock::frozen)
}
