//! `AllocateMarkers`: who marks whose reflections, evenly, and with as few changes as that takes.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cohort, need_students};
use crate::claim::ClaimSet;
use crate::command::CommandSpec;
use crate::ids::{CohortId, EnrolmentId, PersonId, StreamId};
use crate::plan::{BatchRule, Planner};
use crate::policy::Right;
use crate::refusal::Refusal;
use crate::world::Needs;

/// Divides a cohort's active students among its markers so that loads differ by at most one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocateMarkers {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// Whether students who have a marker may be given another; without it nobody who has a marker is moved.
    #[serde(default)]
    pub rebalance: bool,
}

impl CommandSpec for AllocateMarkers {
    fn right(&self) -> Right {
        Right::Administer
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.cohort_id.into())
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::places(self.cohort_id), needs);
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        let world = planner.world;
        let cohort = world.existing::<Cohort>(self.cohort_id)?.state;
        if cohort.markers.is_empty() {
            return Err(BatchRule::NoMarkers.into());
        }
        let places = ClaimSet::places(self.cohort_id);
        let students: Vec<_> = world.students(&places).map(|(id, student)| (id, student.state.marker)).collect();
        let mut assigned = Vec::new();
        for (id, marker) in divide(&students, &cohort.markers, self.rebalance) {
            let loaded = world.enrolment(id);
            let events = loaded.state.assign_marker(marker, &cohort)?;
            planner.write(id, &loaded, events);
            assigned.push(id);
        }
        planner.list("assigned", assigned);
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
