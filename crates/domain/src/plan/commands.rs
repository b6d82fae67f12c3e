//! The commands that concern many enrolments at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::import::{ImportAttendance, ImportRoster};
use crate::cohort::Week;
use crate::enrolment::{AttendanceStatus, Place};
use crate::ids::{CohortId, EnrolmentId};
use crate::personal::Personal;
use crate::text::{Note, Reason};

/// One line of a register.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterMark {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<Note>>,
}

/// Takes a session's register: all marks, or none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeAttendance {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Which session.
    pub week: Week,
    /// A mark for each student, at most one per student.
    #[schemars(length(min = 1, max = 2000))]
    pub marks: Vec<RegisterMark>,
}

/// A student, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithReason {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Moves a cohort on. Takes everyone active in the week before: those in `hold` are held; those flagged and not overridden
/// are held with the flag as the reason; those already held stay; all others advance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceCohort {
    /// Which.
    pub cohort_id: CohortId,
    /// The week that opens.
    pub to_week: Week,
    /// Who stays, and why.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub hold: Vec<WithReason>,
    /// Who goes on although their flag is open, and why.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub override_flags: Vec<WithReason>,
}

/// Divides a cohort's active students among its markers so that loads differ by at most one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocateMarkers {
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Whether students who have a marker may be given another; without it nobody who has a marker is moved.
    #[serde(default)]
    pub rebalance: bool,
}

/// Withdraws a student here and enrols them there, atomically. They begin in the first week there, or come back to where
/// they were if they had been in that cohort before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveStudent {
    /// The enrolment that ends.
    pub enrolment_id: EnrolmentId,
    /// The cohort to go to.
    pub to_cohort_id: CohortId,
    /// The enrolment that begins; chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_enrolment_id: Option<EnrolmentId>,
    /// Why.
    pub reason: Personal<Reason>,
}

/// The commands that concern many enrolments.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ManyCommand {
    /// See [`TakeAttendance`].
    TakeAttendance(TakeAttendance),
    /// See [`AdvanceCohort`].
    AdvanceCohort(AdvanceCohort),
    /// See [`AllocateMarkers`].
    AllocateMarkers(AllocateMarkers),
    /// See [`MoveStudent`].
    MoveStudent(MoveStudent),
    /// See [`ImportRoster`].
    ImportRoster(ImportRoster),
    /// See [`ImportAttendance`].
    ImportAttendance(ImportAttendance),
}
