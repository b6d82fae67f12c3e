//! The rules that a command about an enrolment can break. A text says what to do about it, and names nobody: "the student"
//! becomes the name where the refusal is shown.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::EnrolmentStatus;
use crate::actor::Authority;
use crate::cohort::CohortStatus;
use crate::ids::EnrolmentId;
use crate::personal::Personal;

/// Why a command about an enrolment was refused. Comparable, no I/O. The texts may hold reasons: not for logs.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum EnrolmentRule {
    /// The student left or is done.
    #[error("the student {}", inactive(*.status))]
    NotActive {
        /// Which of the two.
        status: EnrolmentStatus,
    },
    /// A completed run is not taken up again.
    #[error("the student has completed this cohort and cannot come back to it; enrol them in another one")]
    EnrolmentCompleted,
    /// The cohort ended, or was called off.
    #[error("the cohort is {status}, which closes it to this; choose one that is still open")]
    CohortClosed {
        /// Where it stands.
        status: CohortStatus,
    },
    /// The person was deactivated.
    #[error("the student's account is deactivated; reactivate the person first")]
    PersonInactive,
    /// Nobody meets there any more.
    #[error("the hub is closed; choose another one, or none for the flagship")]
    HubClosed,
    /// One place per person and cohort.
    #[error(
        "the student has an enrolment in this cohort already ({enrolment_id}); reinstate it if they were withdrawn"
    )]
    AlreadyEnrolled {
        /// The one they have.
        enrolment_id: EnrolmentId,
    },
    /// One active cohort per person at a time.
    #[error("the student is active in another cohort (enrolment {enrolment_id}); move or withdraw them there first")]
    ActiveElsewhere {
        /// The one they have.
        enrolment_id: EnrolmentId,
    },
    /// The capacity counts active enrolments.
    #[error(
        "the student finds no place: all {capacity} of the cohort are taken; raise its capacity or wait for a place"
    )]
    CohortFull {
        /// How many places there are.
        capacity: u32,
    },
    /// The module is shorter.
    #[error("the cohort has no week {week}; choose one from 1 to {last}")]
    NoSuchWeek {
        /// The one asked for.
        week: u8,
        /// The module's last.
        last: u8,
    },
    /// Nobody can be there or not be there.
    #[error("the session of week {week} was cancelled; there is no attendance to take")]
    SessionCancelled {
        /// Which.
        week: u8,
    },
    /// Attendance is taken from the session's local day on.
    #[error("the session of week {week} is on {day}; take attendance from that day on")]
    SessionInFuture {
        /// Which.
        week: u8,
        /// The local date.
        day: NaiveDate,
    },
    /// Admin over instructor over coordinator.
    #[error(
        "the student's attendance in week {week} was marked by the {authority}, whose mark stands; ask them to change it"
    )]
    HigherAuthorityStands {
        /// Which session.
        week: u8,
        /// In what capacity the mark that stands was made.
        authority: Authority,
    },
    /// There is nothing to resolve.
    #[error("the student has no open absence flag; nothing needs resolving")]
    NoOpenFlag,
    /// Students go on by one week.
    #[error(
        "the student is in week {week} and goes on by one week at a time, not to week {to_week}; use SetWeek to put them there"
    )]
    NotTheNextWeek {
        /// Where they are.
        week: u8,
        /// The one asked for.
        to_week: u8,
    },
    /// A hold stands until somebody ends it.
    #[error("the student is held in week {week}: {} (release them first)", .reason.as_str())]
    StudentHeld {
        /// Where they are.
        week: u8,
        /// Why.
        reason: Personal<String>,
    },
    /// There is nothing to release.
    #[error("the student is not held in week {week}; advance them instead")]
    NotHeld {
        /// Where they are.
        week: u8,
    },
    /// Going on needs a reason.
    #[error("the student is {}; resolve the absence flag, or give a reason for going on", absent_in(.missed_weeks))]
    AbsenceFlagOpen {
        /// The weeks missed so far.
        missed_weeks: BTreeSet<u8>,
    },
    /// Reflections go up to the student's own week.
    #[error("the student is in week {own}; a reflection of week {week} can be handed in once they are there")]
    WeekNotOpen {
        /// The one asked for.
        week: u8,
        /// Where they are.
        own: u8,
    },
    /// The grace after the last session is over.
    #[error("the student's reflections were due before {}; it is too late to hand one in", .due.format("%FT%TZ"))]
    ReflectionOverdue {
        /// The first instant that is too late.
        due: DateTime<Utc>,
    },
    /// A passed reflection is done.
    #[error("the student's reflection of week {week} has passed; it needs no revising")]
    AlreadyPassed {
        /// Which.
        week: u8,
    },
    /// A reflection is handed in so often.
    #[error("the student's reflection of week {week} was handed in {most} times, which is as often as it can be")]
    RevisedTooOften {
        /// Which.
        week: u8,
        /// How often it may be.
        most: u16,
    },
    /// Nothing was handed in.
    #[error("the student has handed in no reflection of week {week}; wait for one")]
    NoReflection {
        /// Which.
        week: u8,
    },
    /// Only an appointed marker can be allocated.
    #[error("this person is no marker of the cohort; appoint them first")]
    NotAMarkerOfCohort,
    /// Somebody was faster, or it was long ago.
    #[error("the student's reflection of week {week} is marked already; read the mark, and use AmendMark to change it")]
    AlreadyMarked {
        /// Which.
        week: u8,
    },
    /// There is nothing to amend.
    #[error("the student's reflection of week {week} is not marked yet; use MarkReflection")]
    NotMarked {
        /// Which.
        week: u8,
    },
}

/// Which weeks were missed, in words: `absent in weeks 1, 3, 6`.
pub fn absent_in(weeks: &BTreeSet<u8>) -> String {
    let list: Vec<_> = weeks.iter().map(u8::to_string).collect();
    match list.as_slice() {
        [] => "absent in no week".to_owned(),
        [week] => format!("absent in week {week}"),
        weeks => format!("absent in weeks {}", weeks.join(", ")),
    }
}

fn inactive(status: EnrolmentStatus) -> &'static str {
    match status {
        EnrolmentStatus::Active => "was never enrolled in this cohort; enrol them first",
        EnrolmentStatus::Withdrawn => "was withdrawn from this cohort; reinstate them first",
        EnrolmentStatus::Completed => "has completed this cohort; this is for students who still take part",
    }
}
