//! TakeAttendance.

use super::{Planner, TakeAttendance};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn take_attendance(&mut self, command: &TakeAttendance) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}
