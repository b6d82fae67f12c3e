//! AllocateMarkers.

use super::{AllocateMarkers, Planner};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn allocate_markers(&mut self, command: &AllocateMarkers) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}
