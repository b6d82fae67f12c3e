//! A cohort: one run of a module, with its sessions, status, capacity, markers and instructors.

mod commands;
mod decide;
mod errors;
mod events;
mod schedule;
mod state;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use errors::CohortRule;
pub use events::{CohortEvent, ScheduledSession};
pub use schedule::{Week, Zone};
pub use state::{Cohort, CohortFacts, CohortStatus, Session, SessionStatus};
