//! `AllocateMarkers`: who marks whose reflections, evenly, and with as few changes as that takes.

use std::collections::{BTreeMap, BTreeSet};

use super::{AllocateMarkers, PlanRule, Planner};
use crate::claim::ClaimSet;
use crate::ids::{EnrolmentId, PersonId};
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn allocate_markers(&mut self, command: &AllocateMarkers) -> Result<(), Refusal> {
        let cohort = Self::existing(command.cohort_id, self.world.cohort(command.cohort_id))?.state;
        if cohort.markers.is_empty() {
            return Err(PlanRule::NoMarkers.into());
        }
        let places = ClaimSet::places(command.cohort_id);
        let students: Vec<(EnrolmentId, Option<PersonId>)> = self
            .world
            .members(&places)
            .iter()
            .map(|id| ((*id).into(), self.world.enrolment((*id).into()).state.marker))
            .collect();
        let mut assigned = Vec::new();
        for (id, marker) in divide(&students, &cohort.markers, command.rebalance) {
            let loaded = self.world.enrolment(id);
            let events = loaded.state.assign_marker(marker, &cohort)?;
            self.write(id, &loaded, events);
            assigned.push(id);
        }
        self.plan.lists.insert("assigned".to_owned(), assigned);
        Ok(())
    }
}

/// Who gets which marker: only the changes, in the order of the students' ids.
///
/// A marker who is not in the set counts as none. Without `rebalance` whoever has a marker keeps them, and the others go
/// to the least loaded; with it, loads differ by at most one afterwards, and as few students as possible change. The
/// same input always gives the same answer.
pub(super) fn divide(
    students: &[(EnrolmentId, Option<PersonId>)],
    markers: &BTreeSet<PersonId>,
    rebalance: bool,
) -> Vec<(EnrolmentId, PersonId)> {
    let mut loads: BTreeMap<PersonId, BTreeSet<EnrolmentId>> =
        markers.iter().map(|marker| (*marker, BTreeSet::new())).collect();
    let mut waiting = BTreeSet::new();
    for (student, marker) in students {
        match marker.and_then(|marker| loads.get_mut(&marker)) {
            Some(load) => load.insert(*student),
            None => waiting.insert(*student),
        };
    }
    let shares = if rebalance { even_shares(&loads, students.len()) } else { BTreeMap::new() };
    for (marker, share) in &shares {
        if let Some(load) = loads.get_mut(marker) {
            while load.len() > *share {
                waiting.extend(load.pop_last());
            }
        }
    }
    let mut changes = Vec::new();
    for student in waiting {
        let free =
            loads.iter_mut().filter(|(marker, load)| shares.get(*marker).is_none_or(|share| load.len() < *share));
        let Some((marker, load)) = free.min_by_key(|(marker, load)| (load.len(), **marker)) else { break };
        load.insert(student);
        changes.push((student, *marker));
    }
    changes
}

/// How many students each marker has when they are divided evenly. Where that leaves a rest, those who have most now take
/// one more: that moves the fewest.
fn even_shares(loads: &BTreeMap<PersonId, BTreeSet<EnrolmentId>>, students: usize) -> BTreeMap<PersonId, usize> {
    let Some(share) = students.checked_div(loads.len()) else { return BTreeMap::new() };
    let rest = students - share * loads.len();
    let mut by_load: Vec<_> = loads.iter().map(|(marker, load)| (load.len(), *marker)).collect();
    by_load.sort_by_key(|(load, marker)| (std::cmp::Reverse(*load), *marker));
    by_load.into_iter().enumerate().map(|(index, (_, marker))| (marker, share + usize::from(index < rest))).collect()
}

#[cfg(test)]
mod tests;
