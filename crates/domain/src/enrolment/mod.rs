//! An enrolment: one student in one cohort, with attendance, absence flag, progression, reflections and marking.
//!
//! One file for each part of that life, with its commands and its rules. What spans students of a cohort is in
//! [`crate::cohort`].

mod attendance;
mod errors;
mod events;
mod membership;
mod moves;
mod progression;
mod reflections;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::EnrolmentCommand;
pub use attendance::{MarkAttendance, ResolveAbsenceFlag};
pub use errors::{EnrolmentRule, absent_in};
pub use events::{
    AttendanceEvent, AttendanceStatus, EnrolmentEvent, MembershipEvent, Outcome, ProgressionEvent, ReflectionEvent,
    Venue, Visibility,
};
pub use membership::{CompleteEnrolment, EnrolStudent, JoinHub, ReinstateStudent, WithdrawStudent};
pub use moves::MoveStudent;
pub use progression::{AdvanceStudent, HoldStudent, ReleaseStudent, SetWeek};
pub use reflections::{AmendMark, AssignMarker, MarkReflection, SetReflectionVisibility, SubmitReflection};
pub use state::{AbsenceFlag, AttendanceRecord, Enrolment, EnrolmentFacts, EnrolmentStatus, Mark, Reflection};

use crate::aggregate::Decision;
use crate::cohort::Cohort;
use crate::personal::Personal;
use crate::text::Text;

type Decided = Decision<Enrolment>;

impl Enrolment {
    /// Refuses what only concerns students who take part.
    fn must_be_active(&self) -> Result<(), EnrolmentRule> {
        if self.is_active() { Ok(()) } else { Err(EnrolmentRule::NotActive { status: self.status }) }
    }
}

/// Refuses what takes a cohort that is upcoming or active.
fn must_be_open(cohort: &Cohort) -> Result<(), EnrolmentRule> {
    if cohort.is_open() { Ok(()) } else { Err(EnrolmentRule::CohortClosed { status: cohort.status }) }
}

/// A command's text as events keep it: without its bound, so that a changed bound leaves old events readable.
fn plain<const MAX: usize>(text: &Personal<Text<MAX>>) -> Personal<String> {
    text.reveal().into()
}

fn optional<const MAX: usize>(text: Option<&Personal<Text<MAX>>>) -> Option<Personal<String>> {
    text.map(plain)
}
