//! A cohort's sessions: planned all at once, then moved or called off one by one.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::{Week, Zone};
use super::{Capacity, Cohort, CohortEvent, CohortFacts, CohortRule, ScheduledSession, Session, SessionStatus};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::command::{StreamCommand, about, begins};
use crate::ids::{CohortId, ModuleId, SyllabusId};
use crate::number::Bounded;
use crate::personal::Personal;
use crate::plan::Planner;
use crate::refusal::Refusal;
use crate::text::{Name, Reason};
use crate::world::{Needs, World};

/// Far enough for any course; and close enough that no date computed from it leaves the calendar.
const YEARS: RangeInclusive<i32> = 1970..=2200;

/// Plans a run of a module: one session a week at the same local time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCohort {
    /// The id of the new cohort, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort_id: Option<CohortId>,
    /// The id of the module that is run.
    pub module_id: ModuleId,
    /// What the run is called.
    pub name: Name,
    /// The local date of the first session.
    pub starts_on: NaiveDate,
    /// The local time at which sessions begin, `19:00:00` or `19:00`.
    #[serde(with = "local_time")]
    #[schemars(with = "String", regex(pattern = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"))]
    pub session_start: NaiveTime,
    /// How long sessions are, in minutes.
    #[serde(default = "two_hours")]
    pub session_minutes: Minutes,
    /// An IANA time zone, such as `Australia/Sydney`.
    pub timezone: Zone,
    /// The most active students, at least 1; left out, unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// How many absences raise the flag.
    #[serde(default = "three")]
    pub absence_threshold: Week,
    /// How many days after the last session a reflection may still be handed in.
    #[serde(default = "fourteen")]
    pub reflection_grace_days: GraceDays,
    /// A run of the same module whose materials and reflection questions it begins with; no people are taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_from: Option<CohortId>,
}

/// The length of a session, in minutes: up to a day.
pub type Minutes = Bounded<1, 1440>;
/// Days after the last session: up to a year.
pub type GraceDays = Bounded<0, 366>;

fn two_hours() -> Minutes {
    const { Minutes::try_new(120).expect("120 is in range") }
}

fn three() -> Week {
    Week::THREE
}

fn fourteen() -> GraceDays {
    const { GraceDays::try_new(14).expect("14 is in range") }
}

/// `19:00` as well as `19:00:00`.
mod local_time {
    use chrono::{NaiveTime, Timelike};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M:%S"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(&text, "%H:%M"))
            .ok()
            // chrono reads a leap second as one; no clock on a wall shows it.
            .filter(|time| time.nanosecond() < 1_000_000_000)
            .ok_or_else(|| D::Error::custom("must be a local time such as 19:00"))
    }
}

impl StreamCommand for ScheduleCohort {
    begins!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.module_id.into());
        if let Some((from, id)) = self.copy_from.zip(self.cohort_id) {
            needs.stream(from.into());
            needs.stream(SyllabusId::from(from).into());
            needs.stream(SyllabusId::from(id).into());
        }
    }

    fn facts(&self, _: CohortId, _: &Cohort, world: &World) -> Result<CohortFacts, Refusal> {
        let module = world.existing(self.module_id)?.state;
        let copy_from = self.copy_from.map(|from| world.existing(from)).transpose()?.map(|from| from.state);
        Ok(CohortFacts { module, copy_from, ..CohortFacts::default() })
    }

    /// With every session's instant: later changes of the time zone's rules do not move what was announced.
    fn decide(&self, _: &Cohort, _: &DecisionContext, facts: &CohortFacts) -> Decision<Cohort> {
        if facts.module.retired {
            return Err(CohortRule::ModuleRetired);
        }
        if facts.copy_from.as_ref().is_some_and(|from| from.module_id != Some(self.module_id)) {
            return Err(CohortRule::CopyFromOtherModule);
        }
        let starts_on = self.starts_on;
        if !YEARS.contains(&starts_on.year()) {
            return Err(CohortRule::StartsOnOutOfRange { starts_on });
        }
        let minutes = whole_minutes(self.session_minutes);
        let session = |week| {
            let starts_at = self.timezone.session(starts_on, self.session_start, week);
            ScheduledSession { week, starts_at, minutes }
        };
        Ok(vec![CohortEvent::CohortScheduled {
            module_id: self.module_id,
            name: self.name.as_str().to_owned(),
            starts_on,
            session_start: self.session_start,
            session_minutes: minutes,
            timezone: self.timezone,
            capacity: self.capacity.map(Capacity::get),
            absence_threshold: self.absence_threshold.get(),
            reflection_grace_days: u16::try_from(self.reflection_grace_days.get()).unwrap_or(u16::MAX),
            sessions: (1..=facts.module.weeks).map(session).collect(),
        }])
    }

    /// A new cohort's syllabus is there with the cohort, or neither is.
    fn consequences(&self, _: &Cohort, planner: &mut Planner<'_>) {
        if let Some((from, to)) = self.copy_from.zip(self.cohort_id) {
            let copied = planner.world.syllabus(from.into()).state.copied(from, to);
            let before = planner.world.syllabus(to.into());
            planner.write(SyllabusId::from(to), &before, copied.into_iter().collect());
        }
    }
}

/// Moves a session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RescheduleSession {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The number of the week, from 1.
    pub week: Week,
    /// When from now on.
    pub starts_at: DateTime<Utc>,
    /// How long from now on, in minutes; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// Why, for the audit and the students.
    pub reason: Personal<Reason>,
}

impl StreamCommand for RescheduleSession {
    about!(Cohort, cohort_id, Administer);

    /// One that was cancelled takes place again.
    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        let week = self.week.get();
        let now = cohort.session(week)?;
        let starts_at = self.starts_at;
        let minutes = self.minutes.map_or(now.minutes, whole_minutes);
        if now.status != SessionStatus::Cancelled && now.starts_at == starts_at && now.minutes == minutes {
            return Ok(Vec::new());
        }
        cohort.must_be_open()?;
        if !YEARS.contains(&starts_at.year()) {
            return Err(CohortRule::StartsAtOutOfRange { starts_at });
        }
        let clash = cohort.sessions.iter().find(|(other, session)| {
            **other != week && session.status != SessionStatus::Cancelled && session.starts_at == starts_at
        });
        if let Some((week, _)) = clash {
            return Err(CohortRule::SessionClash { week: *week });
        }
        Ok(vec![CohortEvent::SessionRescheduled { week, starts_at, minutes, reason: self.reason.reveal().into() }])
    }
}

/// Says that a session does not take place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSession {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The number of the week, from 1.
    pub week: Week,
    /// Why, for the audit and the students.
    pub reason: Personal<Reason>,
}

impl StreamCommand for CancelSession {
    about!(Cohort, cohort_id, Administer);

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        let week = self.week.get();
        if cohort.session(week)?.status == SessionStatus::Cancelled {
            return Ok(Vec::new());
        }
        cohort.must_be_open()?;
        Ok(vec![CohortEvent::SessionCancelled { week, reason: self.reason.reveal().into() }])
    }
}

impl Cohort {
    fn session(&self, week: u8) -> Result<&Session, CohortRule> {
        self.sessions.get(&week).ok_or(CohortRule::NoSuchWeek { week, last_week: self.last_week() })
    }
}

/// The command's range fits; the other way is unreachable.
fn whole_minutes(minutes: Minutes) -> u16 {
    u16::try_from(minutes.get()).unwrap_or(u16::MAX)
}
