//! AdvanceCohort.

use super::{AdvanceCohort, Planner};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn advance_cohort(&mut self, command: &AdvanceCohort) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}

/// A student as the proposal sees them; the same fields come from the log and from the roster.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whether they take part.
    pub active: bool,
    /// The week they see.
    pub week: u8,
    /// Why they are held, if they are.
    pub held: Option<String>,
    /// The weeks they missed, if their absence flag is open.
    pub open_flag: Option<std::collections::BTreeSet<u8>>,
}

/// What the next week brings a student, unless somebody decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Goes on.
    Advance,
    /// Would be held, for this reason.
    Hold {
        /// Why.
        reason: String,
    },
    /// Is held already, and stays.
    StaysHeld {
        /// Why they were held.
        reason: String,
    },
    /// Is not in the week before.
    Untouched {
        /// Why.
        why: String,
    },
}

/// What opening `to_week` brings a student: the one rule behind AdvanceCohort and its sheet.
pub fn propose(candidate: &Candidate, to_week: u8) -> Proposal {
    let _ = (candidate, to_week);
    unimplemented!()
}
