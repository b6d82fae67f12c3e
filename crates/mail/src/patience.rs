//! How long to wait before a request is sent again, and when to give up. Pure but for the jitter.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How often a message is handed to a provider before somebody has to look: with these pauses, for about four hours.
pub const MAX_ATTEMPTS: u32 = 15;
/// The first pause, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(1));
/// The longest pause that a provider may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(24);
/// How long the same request under the same key is known to be the same one: Resend promises 24 hours.
const REPEATABLE: TimeDelta = TimeDelta::hours(23);

/// When to try again after so many attempts: twice as long each time, with jitter, and no sooner than the provider says.
pub fn again(now: DateTime<Utc>, attempts: u32, asked: Option<Duration>) -> DateTime<Utc> {
    let most = PAUSE.1.min(PAUSE.0 * 2_u32.saturating_pow(attempts.saturating_sub(1)));
    let pause = most.mul_f64(rand::random_range(0.5..=1.0)).max(asked.unwrap_or_default().min(LONGEST_ASKED));
    // In whole milliseconds: what the database or the clock would cut off is there for nobody to wait for.
    now + i64::try_from(pause.as_millis()).map_or(TimeDelta::days(1), TimeDelta::milliseconds)
}

/// Whether a request that began then may be sent once more at that instant.
pub fn may_be_repeated(began: DateTime<Utc>, at: DateTime<Utc>) -> bool {
    at - began < REPEATABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(attempts: u32, asked: Option<u64>) -> f64 {
        let now = DateTime::UNIX_EPOCH;
        (again(now, attempts, asked.map(Duration::from_secs)) - now).as_seconds_f64()
    }

    #[test]
    fn pauses_double_with_jitter_and_have_a_bound() {
        for (attempts, most) in [(1, 1.0), (2, 2.0), (5, 16.0), (12, 2048.0), (13, 3600.0), (u32::MAX, 3600.0)] {
            let pause = pause(attempts, None);
            assert!((most / 2.0 - 0.001..=most).contains(&pause), "{pause} after {attempts}");
        }
    }

    #[test]
    fn a_provider_is_not_asked_sooner_than_it_says() {
        assert!((pause(1, Some(120)) - 120.0).abs() < 1e-6);
        assert!(pause(12, Some(1)) >= 1023.9, "nor sooner than we would");
        assert!((pause(1, Some(9_999_999)) - 86_400.0).abs() < 1e-6, "a day is enough");
    }

    #[test]
    fn a_request_is_not_repeated_once_its_key_may_be_forgotten() {
        let began = DateTime::UNIX_EPOCH;
        assert!(may_be_repeated(began, began + TimeDelta::hours(22)));
        assert!(!may_be_repeated(began, began + TimeDelta::hours(23)));
    }
}
