//! Dates in a cohort's own time zone: when sessions fall, when their day begins, when reflections are due.
//!
//! Sessions fall weekly at the same local time; a change of daylight saving moves the instant, never the local time.

use std::fmt;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A week of a cohort: 1 to 52.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Week(u8);

impl Week {
    /// The longest module.
    pub const MAX: u8 = 52;
    /// The usual length of a module.
    pub const EIGHT: Self = Self(8);
    /// The usual number of absences that raise the flag.
    pub const THREE: Self = Self(3);

    /// A week, if it is 1 to 52.
    pub fn try_new(week: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&week).then_some(Self(week))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Week {
    type Error = &'static str;

    fn try_from(week: i64) -> Result<Self, Self::Error> {
        u8::try_from(week).ok().and_then(Self::try_new).ok_or("must be a week from 1 to 52")
    }
}

impl From<Week> for i64 {
    fn from(week: Week) -> Self {
        week.0.into()
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for Week {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Week".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX })
    }
}

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The zone in the time zone database.
    pub fn tz(self) -> chrono_tz::Tz {
        self.0
    }

    /// The instant of a local date and time. A time that the clocks leap over becomes the first instant after the leap;
    /// a time that comes twice is the first of the two.
    pub fn instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        use chrono::LocalResult::{Ambiguous, None, Single};
        match self.0.from_local_datetime(&local) {
            Single(instant) | Ambiguous(instant, _) => instant.with_timezone(&Utc),
            None => {
                // The clocks leap over this time: the first minute that exists again is the end of the leap. No zone
                // has ever leapt by more than a day.
                let minute = local - TimeDelta::seconds(local.second().into());
                (1..=24 * 60)
                    .find_map(|minutes| self.0.from_local_datetime(&(minute + TimeDelta::minutes(minutes))).earliest())
                    .map_or_else(|| Utc.from_utc_datetime(&local), |instant| instant.with_timezone(&Utc))
            }
        }
    }

    /// The local date of an instant.
    pub fn date(self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// The instant at which a local day begins.
    pub fn day_begins(self, date: NaiveDate) -> DateTime<Utc> {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// The instant of a session: the same local time, `week - 1` weeks after the first.
    pub fn session(self, starts_on: NaiveDate, session_start: NaiveTime, week: u8) -> DateTime<Utc> {
        let days = Days::new(7 * u64::from(week.saturating_sub(1)));
        let date = starts_on.checked_add_days(days).unwrap_or(NaiveDate::MAX);
        self.instant(date.and_time(session_start))
    }

    /// The instant from which on nothing is in time any more: the end of the local day `grace_days` after the session.
    pub fn end_of_grace(self, last_session: DateTime<Utc>, grace_days: u16) -> DateTime<Utc> {
        let days = Days::new(u64::from(grace_days) + 1);
        self.day_begins(self.date(last_session).checked_add_days(days).unwrap_or(NaiveDate::MAX))
    }
}

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse().map(Self).map_err(|_| "must be an IANA time zone such as Australia/Sydney")
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeZone".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "An IANA time zone, such as Australia/Sydney" })
    }
}

#[cfg(test)]
mod tests;
