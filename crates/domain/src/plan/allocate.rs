//! AllocateMarkers.

use std::collections::{BTreeMap, BTreeSet};

use super::{AllocateMarkers, Planner};
use crate::ids::{EnrolmentId, PersonId};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn allocate_markers(&mut self, command: &AllocateMarkers) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}

/// Who takes whom, so that loads differ as little as they can; without `rebalance`, nobody who has a marker is moved.
pub(super) fn divide(
    students: &[(EnrolmentId, Option<PersonId>)],
    markers: &BTreeSet<PersonId>,
    rebalance: bool,
) -> Vec<(EnrolmentId, PersonId)> {
    let mut loads: BTreeMap<PersonId, usize> = markers.iter().map(|marker| (*marker, 0)).collect();
    let mut without = Vec::new();
    for (student, marker) in students {
        match marker.filter(|_| !rebalance).and_then(|marker| loads.get_mut(&marker)) {
            Some(load) => *load += 1,
            None => without.push(*student),
        }
    }
    let mut given = Vec::new();
    for student in without {
        if let Some((marker, load)) = loads.iter_mut().min_by_key(|(_, load)| **load) {
            *load += 1;
            given.push((student, *marker));
        }
    }
    given
}
