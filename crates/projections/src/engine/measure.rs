//! The metrics of the read models, as the database has them: also where another process folds, or where nobody does.

use chrono::{DateTime, Utc};
use metrics::Unit;
use sqlx::PgPool;

use super::checkpoints::{self, Behind};
use crate::ProjectionError;

/// Sets every model's gauges.
pub(super) async fn measure(pool: &PgPool, now: DateTime<Utc>) -> Result<(), ProjectionError> {
    for Behind { name, stuck, parked, lag, since } in checkpoints::behind(pool).await? {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody reads a lag of 2^52 to the event")]
        let (lag, parked) = (lag as f64, parked as f64);
        metrics::gauge!("rollbook_projection_lag_events", "projection" => name.clone()).set(lag);
        metrics::gauge!("rollbook_projection_lag_seconds", "projection" => name.clone()).set(seconds(since, now));
        metrics::gauge!("rollbook_projection_stuck", "projection" => name.clone()).set(u8::from(stuck));
        metrics::gauge!("rollbook_parked_streams", "projection" => name).set(parked);
    }
    Ok(())
}

/// How long the oldest event waits; none waits 0 s. Nor does one wait less, whatever became of the clock.
fn seconds(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0))
}

/// Says what the metrics of this crate mean, once a recorder is there.
pub fn describe_metrics() {
    metrics::describe_counter!("rollbook_projection_events_total", Unit::Count, "Events that a projection has folded");
    metrics::describe_gauge!(
        "rollbook_projection_lag_events",
        Unit::Count,
        "How many events a projection is behind the log"
    );
    metrics::describe_gauge!(
        "rollbook_projection_lag_seconds",
        Unit::Seconds,
        "How long ago the oldest event was recorded that a projection has not folded yet; 0 when it is up to date"
    );
    metrics::describe_gauge!(
        "rollbook_projection_stuck",
        Unit::Count,
        "1 for a projection that cannot go on, 0 for one that does"
    );
    metrics::describe_gauge!(
        "rollbook_parked_streams",
        Unit::Count,
        "How many streams a projection has set aside at an event that it cannot read or fold; the others go on"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_the_age_of_the_oldest_event_that_waits() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (before, now) = (at("2026-02-01T00:00:00Z"), at("2026-02-01T00:01:30.5Z"));
        for (since, expected) in [(None, 0.0), (Some(before), 90.5), (Some(now), 0.0)] {
            assert!((seconds(since, now) - expected).abs() < 1e-9, "{since:?}");
        }
        assert!(seconds(Some(now), before).abs() < 1e-9, "a clock that was set back");
    }
}
