//! What can be asked about a cohort.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::{Week, Zone};
use crate::ids::{CohortId, ModuleId, PersonId};
use crate::number::Bounded;
use crate::personal::Personal;
use crate::text::{Name, Reason};

/// Plans a run of a module: one session a week at the same local time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCohort {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort_id: Option<CohortId>,
    /// Of which module.
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
/// The most active students of a cohort.
pub type Capacity = Bounded<1, 100_000>;
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

/// Gives a cohort another name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameCohort {
    /// Which.
    pub cohort_id: CohortId,
    /// The name from now on.
    pub name: Name,
}

/// Moves a session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RescheduleSession {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub week: Week,
    /// When from now on.
    pub starts_at: DateTime<Utc>,
    /// How long from now on, in minutes; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Says that a session does not take place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSession {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub week: Week,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Changes the most active students a cohort takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCapacity {
    /// Which.
    pub cohort_id: CohortId,
    /// At least 1 and at least those who are active in it; left out or null, unlimited.
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

/// Begins an upcoming cohort.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartCohort {
    /// Which.
    pub cohort_id: CohortId,
}

/// Ends an active cohort, and with it its active enrolments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteCohort {
    /// Which.
    pub cohort_id: CohortId,
}

/// Calls off an upcoming or active cohort, and with it its active enrolments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelCohort {
    /// Which.
    pub cohort_id: CohortId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Puts a completed cohort away.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveCohort {
    /// Which.
    pub cohort_id: CohortId,
}

/// Lets a person mark this cohort's reflections.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointMarker {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
}

/// Ends a marker's appointment. One who still has students allocated is dismissed only with `reallocate`, which divides
/// those students among the markers who stay, in the same append.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissMarker {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
    /// Whether to divide their students among the others.
    #[serde(default)]
    pub reallocate: bool,
}

/// Lets a person teach this cohort.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointInstructor {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
    /// Whether as the lead.
    #[serde(default)]
    pub lead: bool,
}

/// Ends an instructor's appointment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissInstructor {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
}

/// The commands of the cohort aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum CohortCommand {
    /// See [`ScheduleCohort`].
    ScheduleCohort(ScheduleCohort),
    /// See [`RenameCohort`].
    RenameCohort(RenameCohort),
    /// See [`RescheduleSession`].
    RescheduleSession(RescheduleSession),
    /// See [`CancelSession`].
    CancelSession(CancelSession),
    /// See [`SetCapacity`].
    SetCapacity(SetCapacity),
    /// See [`StartCohort`].
    StartCohort(StartCohort),
    /// See [`CompleteCohort`].
    CompleteCohort(CompleteCohort),
    /// See [`CancelCohort`].
    CancelCohort(CancelCohort),
    /// See [`ArchiveCohort`].
    ArchiveCohort(ArchiveCohort),
    /// See [`AppointMarker`].
    AppointMarker(AppointMarker),
    /// See [`DismissMarker`].
    DismissMarker(DismissMarker),
    /// See [`AppointInstructor`].
    AppointInstructor(AppointInstructor),
    /// See [`DismissInstructor`].
    DismissInstructor(DismissInstructor),
}
