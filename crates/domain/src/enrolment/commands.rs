//! What can be asked about a student in a cohort.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{AttendanceStatus, Outcome, Place, Visibility};
use crate::cohort::Week;
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::personal::Personal;
use crate::text::{Feedback, Note, Reason, ReflectionText};

/// Makes a person a student of a cohort, in its first week. One place per person and cohort, one active cohort per person;
/// the capacity holds however many enrol at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolStudent {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment_id: Option<EnrolmentId>,
    /// Which cohort.
    pub cohort_id: CohortId,
    /// Who.
    pub person_id: PersonId,
    /// In which hub; left out, the flagship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
}

/// Moves a student to another hub, or to none. Access and duty move at once; past attendance keeps its hub.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinHub {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Where they meet from now on; left out, nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
}

/// Says whether a student was at a session. A mark by a higher authority stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkAttendance {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Which session.
    pub week: Week,
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<Note>>,
}

/// Closes an open flag: talked to, may go on. A further absence raises it anew.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveAbsenceFlag {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Lets a student see the next week. Refused for a held student and, without a reason, for a flagged one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceStudent {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// The week after theirs.
    pub to_week: Week,
    /// Why, although the flag is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal<Reason>>,
}

/// Keeps a student in their week.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldStudent {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Ends a hold and, with `to_week`, advances the student in the same append.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseStudent {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal<Reason>>,
    /// The week after theirs; left out, they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_week: Option<Week>,
}

/// Puts a student in any week, back or forward, at an admin's discretion. A hold stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetWeek {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// The week from now on.
    pub week: Week,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Takes a student out of the cohort; their place is free for another.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawStudent {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Brings a withdrawn student back to where they were, if there is a place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateStudent {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
}

/// Ends a student's run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteEnrolment {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
}

/// Hands in a reflection; again before it is marked, or after a fail, revises it. Only weeks up to the student's own, and
/// until it is due.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitReflection {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// For which week.
    pub week: Week,
    /// What they wrote.
    pub text: Personal<ReflectionText>,
    /// Who may read it: an explicit choice.
    pub visibility: Visibility,
}

/// Chooses again who may read a reflection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetReflectionVisibility {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: Week,
    /// Who may read it.
    pub visibility: Visibility,
}

/// Lets one of the cohort's markers take all of a student's reflections.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignMarker {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Who.
    pub marker_id: PersonId,
}

/// Passes or fails a reflection, with a written comment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkReflection {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: Week,
    /// Pass or fail.
    pub outcome: Outcome,
    /// The comment.
    pub feedback: Personal<Feedback>,
}

/// Changes a mark, with a reason.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmendMark {
    /// Which enrolment.
    pub enrolment_id: EnrolmentId,
    /// Of which week.
    pub week: Week,
    /// Pass or fail from now on.
    pub outcome: Outcome,
    /// The comment from now on.
    pub feedback: Personal<Feedback>,
    /// Why.
    pub reason: Personal<Reason>,
}

/// The commands that concern one enrolment.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum EnrolmentCommand {
    /// See [`EnrolStudent`].
    EnrolStudent(EnrolStudent),
    /// See [`JoinHub`].
    JoinHub(JoinHub),
    /// See [`MarkAttendance`].
    MarkAttendance(MarkAttendance),
    /// See [`ResolveAbsenceFlag`].
    ResolveAbsenceFlag(ResolveAbsenceFlag),
    /// See [`AdvanceStudent`].
    AdvanceStudent(AdvanceStudent),
    /// See [`HoldStudent`].
    HoldStudent(HoldStudent),
    /// See [`ReleaseStudent`].
    ReleaseStudent(ReleaseStudent),
    /// See [`SetWeek`].
    SetWeek(SetWeek),
    /// See [`WithdrawStudent`].
    WithdrawStudent(WithdrawStudent),
    /// See [`ReinstateStudent`].
    ReinstateStudent(ReinstateStudent),
    /// See [`CompleteEnrolment`].
    CompleteEnrolment(CompleteEnrolment),
    /// See [`SubmitReflection`].
    SubmitReflection(SubmitReflection),
    /// See [`SetReflectionVisibility`].
    SetReflectionVisibility(SetReflectionVisibility),
    /// See [`AssignMarker`].
    AssignMarker(AssignMarker),
    /// See [`MarkReflection`].
    MarkReflection(MarkReflection),
    /// See [`AmendMark`].
    AmendMark(AmendMark),
}
