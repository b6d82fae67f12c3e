//! An enrolment: one student in one cohort, with attendance, absence flag, progression, reflections and marking.
//!
//! `decide/` has one file per part of that life; the plans over many enrolments are in `crate::plan`.

mod commands;
mod decide;
mod errors;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use errors::{EnrolmentRule, absent_in};
pub use events::{AttendanceStatus, EnrolmentEvent, Outcome, Place, Visibility};
pub use state::{AbsenceFlag, AttendanceRecord, Enrolment, EnrolmentFacts, EnrolmentStatus, Mark, Reflection};
