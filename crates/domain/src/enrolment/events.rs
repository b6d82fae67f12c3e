//! What happened to a student in a cohort. A contract: a changed event is a new version, an upcaster and a new fixture.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Authority;
use crate::event::concerns::concerns;
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::origin::Origin;
use crate::personal::Personal;

/// Whether a student was there. Only `absent` counts towards the flag.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AttendanceStatus {
    /// There.
    Present,
    /// Not there.
    Absent,
    /// There, but late.
    Late,
    /// Not there, for a reason that was accepted.
    Excused,
}

/// Where a student took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(rename = "Place")]
pub enum Venue {
    /// In a hub.
    Hub,
    /// In the room where it is filmed.
    Flagship,
}

/// Who may read a reflection, besides the student, the markers and the admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Visibility {
    /// The student's cohort-mates, too.
    Cohort,
    /// Nobody else.
    Private,
}

/// A marker's decision.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Good enough.
    Pass,
    /// Not yet; it may be revised until it is due.
    Fail,
}

concerns! {
    /// The events of an `enrolment` stream.
    EnrolmentEvent {
        /// Being a student of the cohort, and where they meet.
        Membership(MembershipEvent),
        /// Who was there, and the absence flag.
        Attendance(AttendanceEvent),
        /// Which week the student sees.
        Progression(ProgressionEvent),
        /// What the student handed in, and how it was marked.
        Reflections(ReflectionEvent),
    }
}

/// Being a student of the cohort, and where they meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum MembershipEvent {
    /// A person became a student of a cohort, in its first week.
    StudentEnrolled {
        /// Which cohort.
        cohort_id: CohortId,
        /// Who.
        person_id: PersonId,
        /// In which hub; none is the flagship.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hub_id: Option<HubId>,
        /// The week the student sees.
        week: u8,
        /// The enrolment that they were moved from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_from: Option<EnrolmentId>,
        /// Whether somebody entered it, or an imported file said so.
        #[serde(default, skip_serializing_if = "Origin::is_by_hand")]
        origin: Origin,
    },
    /// The student meets in this hub from now on.
    HubJoined {
        /// Which.
        hub_id: HubId,
        /// Where they met before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<HubId>,
        /// Whether somebody entered it, or an imported file said so.
        #[serde(default, skip_serializing_if = "Origin::is_by_hand")]
        origin: Origin,
    },
    /// The student meets in no hub any more.
    HubLeft {
        /// Where they met before.
        hub_id: HubId,
    },
    /// The student left the cohort; their place is free.
    StudentWithdrawn {
        /// Why.
        reason: Personal<String>,
        /// The enrolment that they were moved to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<EnrolmentId>,
    },
    /// The student came back, to where they were.
    StudentReinstated {
        /// The enrolment that they were moved from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_from: Option<EnrolmentId>,
    },
    /// The student's run ended.
    EnrolmentCompleted {},
}

/// Who was there, and the absence flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum AttendanceEvent {
    /// Somebody said whether the student was there; the newest mark of a week is the record.
    AttendanceMarked {
        /// Which session.
        week: u8,
        /// Whether they were there.
        status: AttendanceStatus,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Venue>,
        /// A remark.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Personal<String>>,
        /// Who said so; none is the system.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
        /// In what capacity.
        authority: Authority,
        /// The student's hub at that time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hub_id: Option<HubId>,
    },
    /// The absences reached the cohort's threshold.
    AbsenceFlagRaised {
        /// The enrolment's first flag is 1.
        flag: u16,
        /// The weeks missed so far.
        missed_weeks: BTreeSet<u8>,
    },
    /// A correction took the absences below the threshold.
    AbsenceFlagCleared {
        /// Which flag.
        flag: u16,
        /// The weeks still missed.
        missed_weeks: BTreeSet<u8>,
    },
    /// Somebody talked to the student: they may go on.
    AbsenceFlagResolved {
        /// Which flag.
        flag: u16,
        /// Why.
        reason: Personal<String>,
    },
}

/// Which week the student sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ProgressionEvent {
    /// The student sees a further week.
    StudentAdvanced {
        /// The week before.
        from_week: u8,
        /// The week from now on.
        to_week: u8,
        /// Why, where it needed a reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<String>>,
    },
    /// The student stays in their week.
    StudentHeld {
        /// Which.
        week: u8,
        /// Why.
        reason: Personal<String>,
    },
    /// The student may be advanced again.
    StudentReleased {
        /// The week they were held in.
        week: u8,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<String>>,
    },
    /// An admin put the student in a week, back or forward.
    WeekSet {
        /// The week before.
        from_week: u8,
        /// The week from now on.
        week: u8,
        /// Why.
        reason: Personal<String>,
    },
}

/// What the student handed in, and how it was marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ReflectionEvent {
    /// A reflection was handed in.
    ReflectionSubmitted {
        /// For which week.
        week: u8,
        /// What they wrote.
        text: Personal<String>,
        /// Who may read it.
        visibility: Visibility,
    },
    /// It was handed in again, before its marking or after a fail.
    ReflectionRevised {
        /// For which week.
        week: u8,
        /// What they wrote.
        text: Personal<String>,
        /// Who may read it.
        visibility: Visibility,
    },
    /// The student chose again who may read it.
    ReflectionVisibilitySet {
        /// Of which week.
        week: u8,
        /// Who may read it.
        visibility: Visibility,
    },
    /// A marker takes all the student's reflections.
    MarkerAssigned {
        /// Who.
        marker_id: PersonId,
        /// Who did before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<PersonId>,
    },
    /// A reflection was marked.
    ReflectionMarked {
        /// Of which week.
        week: u8,
        /// Pass or fail.
        outcome: Outcome,
        /// The written comment.
        feedback: Personal<String>,
        /// By whom: the allocated marker or another; none is the system.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    /// A mark was changed.
    MarkAmended {
        /// Of which week.
        week: u8,
        /// Pass or fail from now on.
        outcome: Outcome,
        /// The comment from now on.
        feedback: Personal<String>,
        /// Why.
        reason: Personal<String>,
        /// By whom; none is the system.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
}
