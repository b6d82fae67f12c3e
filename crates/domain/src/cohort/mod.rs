//! A cohort: one run of a module, with its sessions, status, capacity, markers and instructors.

mod advance;
mod allocate;
mod end;
mod errors;
mod events;
mod import;
mod lifecycle;
mod register;
mod schedule;
mod sessions;
mod spec;
mod staff;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::CohortCommand;
pub use advance::{AdvanceCohort, Candidate, Proposal, WithReason, propose};
pub use allocate::AllocateMarkers;
pub use errors::CohortRule;
pub use events::{CohortEvent, ScheduledSession};
pub use import::{
    ImportAttendance, ImportRoster, ImportRule, ImportedMark, ImportedRow, MAX_MARKS, MAX_ROWS, PIECE_EVENTS, Part,
    Piece, RosterRow, RowOutcome,
};
pub use lifecycle::{ArchiveCohort, CancelCohort, Capacity, CompleteCohort, RenameCohort, SetCapacity, StartCohort};
pub use register::{RegisterMark, TakeAttendance};
pub use schedule::{Week, Zone};
pub use sessions::{CancelSession, GraceDays, Minutes, RescheduleSession, ScheduleCohort};
pub(crate) use spec::need_students;
pub use staff::{AppointInstructor, AppointMarker, DismissInstructor, DismissMarker};
pub use state::{Cohort, CohortFacts, CohortStatus, Session, SessionStatus};
