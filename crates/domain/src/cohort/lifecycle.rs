//! A cohort's life: named, sized, begun, ended, put away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::end::{complete_enrolments, withdraw_everyone};
use super::{Cohort, CohortEvent, CohortFacts, CohortRule, CohortStatus, need_students};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::{ClaimSet, Limit};
use crate::command::{StreamCommand, about};
use crate::ids::CohortId;
use crate::number::Bounded;
use crate::personal::Personal;
use crate::plan::Planner;
use crate::refusal::Refusal;
use crate::text::{Name, Reason};
use crate::world::{Needs, World};

/// The most active students of a cohort.
pub type Capacity = Bounded<1, 100_000>;

/// Gives a cohort another name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The name from now on.
    pub name: Name,
}

impl StreamCommand for RenameCohort {
    about!(Cohort, cohort_id, Administer);

    /// A name is a label: it can be put right at any time, also on what is history.
    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        let name = self.name.as_str();
        Ok(if cohort.name == name { Vec::new() } else { vec![CohortEvent::CohortRenamed { name: name.to_owned() }] })
    }
}

/// Changes the most active students a cohort takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCapacity {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// At least 1 and at least those who are active in it; left out or null, unlimited.
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

impl StreamCommand for SetCapacity {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.count(ClaimSet::places(self.cohort_id));
    }

    fn facts(&self, id: CohortId, _: &Cohort, world: &World) -> Result<CohortFacts, Refusal> {
        Ok(CohortFacts { places_taken: world.count(&ClaimSet::places(id)), ..CohortFacts::default() })
    }

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, facts: &CohortFacts) -> Decision<Cohort> {
        let capacity = self.capacity.map(Capacity::get);
        if cohort.capacity == capacity {
            return Ok(Vec::new());
        }
        cohort.must_be_open()?;
        if capacity.is_some_and(|capacity| capacity < facts.places_taken) {
            return Err(CohortRule::CapacityBelowEnrolled { enrolled: facts.places_taken });
        }
        Ok(vec![CohortEvent::CapacitySet { capacity }])
    }

    fn consequences(&self, _: &Cohort, planner: &mut Planner<'_>) {
        if let Some(at_most) = self.capacity.map(Capacity::get) {
            planner.plan.limits.push(Limit::at_most(ClaimSet::places(self.cohort_id), at_most));
        }
    }
}

/// Begins an upcoming cohort.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
}

impl StreamCommand for StartCohort {
    about!(Cohort, cohort_id, Administer);

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        match cohort.status {
            CohortStatus::Upcoming => Ok(vec![CohortEvent::CohortStarted {}]),
            CohortStatus::Active => Ok(Vec::new()),
            status @ (CohortStatus::Completed | CohortStatus::Archived | CohortStatus::Cancelled) => {
                Err(CohortRule::CohortClosed { status })
            }
        }
    }
}

/// Ends an active cohort, and with it its active enrolments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
}

impl StreamCommand for CompleteCohort {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::places(self.cohort_id), needs);
    }

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        match cohort.status {
            CohortStatus::Upcoming => Err(CohortRule::NotStarted),
            CohortStatus::Active => Ok(vec![CohortEvent::CohortCompleted {}]),
            CohortStatus::Completed => Ok(Vec::new()),
            status @ (CohortStatus::Archived | CohortStatus::Cancelled) => Err(CohortRule::CohortClosed { status }),
        }
    }

    fn consequences(&self, _: &Cohort, planner: &mut Planner<'_>) {
        complete_enrolments(self.cohort_id, planner);
    }
}

/// Calls off an upcoming or active cohort, and with it its active enrolments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// Why, for the audit and the students.
    pub reason: Personal<Reason>,
}

impl StreamCommand for CancelCohort {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::places(self.cohort_id), needs);
    }

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        match cohort.status {
            CohortStatus::Upcoming | CohortStatus::Active => {
                Ok(vec![CohortEvent::CohortCancelled { reason: self.reason.reveal().into() }])
            }
            CohortStatus::Cancelled => Ok(Vec::new()),
            status @ (CohortStatus::Completed | CohortStatus::Archived) => Err(CohortRule::CohortClosed { status }),
        }
    }

    fn consequences(&self, _: &Cohort, planner: &mut Planner<'_>) {
        withdraw_everyone(self.cohort_id, &self.reason.reveal().into(), planner);
    }
}

/// Puts a completed cohort away.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveCohort {
    /// The id of the cohort.
    pub cohort_id: CohortId,
}

impl StreamCommand for ArchiveCohort {
    about!(Cohort, cohort_id, Administer);

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        match cohort.status {
            CohortStatus::Completed => Ok(vec![CohortEvent::CohortArchived {}]),
            CohortStatus::Archived => Ok(Vec::new()),
            status @ (CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Cancelled) => {
                Err(CohortRule::NotCompleted { status })
            }
        }
    }
}

impl Cohort {
    pub(super) fn must_be_open(&self) -> Result<(), CohortRule> {
        if self.is_open() { Ok(()) } else { Err(CohortRule::CohortClosed { status: self.status }) }
    }
}
