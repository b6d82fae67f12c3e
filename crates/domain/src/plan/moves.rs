//! MoveStudent.

use super::{MoveStudent, Planner};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn move_student(&mut self, command: &MoveStudent) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}
