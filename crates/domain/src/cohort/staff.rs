//! Who marks and who teaches in a cohort. To take a right away is possible in any status; to give one only while
//! something is left to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::end::{reallocate, students_of};
use super::{Cohort, CohortEvent, CohortFacts, CohortRule, CohortStatus, need_students};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimSet;
use crate::command::{StreamCommand, about};
use crate::ids::{CohortId, PersonId};
use crate::plan::Planner;
use crate::refusal::Refusal;
use crate::world::{Needs, World};

/// Lets a person mark this cohort's reflections.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointMarker {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the person.
    pub person_id: PersonId,
}

impl StreamCommand for AppointMarker {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.person_id.into());
    }

    fn facts(&self, _: CohortId, _: &Cohort, world: &World) -> Result<CohortFacts, Refusal> {
        Ok(CohortFacts { person: world.existing(self.person_id)?.state, ..CohortFacts::default() })
    }

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, facts: &CohortFacts) -> Decision<Cohort> {
        let person_id = self.person_id;
        if cohort.markers.contains(&person_id) {
            return Ok(Vec::new());
        }
        cohort.may_appoint(facts)?;
        Ok(vec![CohortEvent::MarkerAppointed { person_id }])
    }
}

/// Ends a marker's appointment. One who still has students allocated is dismissed only with `reallocate`, which divides
/// those students among the markers who stay, in the same append.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissMarker {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the person.
    pub person_id: PersonId,
    /// Whether to divide their students among the others.
    #[serde(default)]
    pub reallocate: bool,
}

impl StreamCommand for DismissMarker {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::enrolments(self.cohort_id), needs);
    }

    fn facts(&self, id: CohortId, before: &Cohort, world: &World) -> Result<CohortFacts, Refusal> {
        let load = students_of(id, before, world).filter(|(_, e)| e.state.marker == Some(self.person_id)).count();
        Ok(CohortFacts { marker_load: u32::try_from(load).unwrap_or(u32::MAX), ..CohortFacts::default() })
    }

    /// The re-allocation itself is written to the students' streams.
    fn decide(&self, cohort: &Cohort, _: &DecisionContext, facts: &CohortFacts) -> Decision<Cohort> {
        let person_id = self.person_id;
        if !cohort.markers.contains(&person_id) {
            return Ok(Vec::new());
        }
        let count = facts.marker_load;
        if count > 0 && !self.reallocate {
            return Err(CohortRule::MarkerHasStudents { count });
        }
        if count > 0 && cohort.markers.len() == 1 {
            return Err(CohortRule::NoOtherMarker { count });
        }
        Ok(vec![CohortEvent::MarkerDismissed { person_id }])
    }

    fn consequences(&self, before: &Cohort, planner: &mut Planner<'_>) {
        reallocate(self.cohort_id, before, self.person_id, planner);
    }
}

/// Lets a person teach this cohort.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointInstructor {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the person.
    pub person_id: PersonId,
    /// Whether as the lead.
    #[serde(default)]
    pub lead: bool,
}

impl StreamCommand for AppointInstructor {
    about!(Cohort, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.person_id.into());
    }

    fn facts(&self, _: CohortId, _: &Cohort, world: &World) -> Result<CohortFacts, Refusal> {
        Ok(CohortFacts { person: world.existing(self.person_id)?.state, ..CohortFacts::default() })
    }

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, facts: &CohortFacts) -> Decision<Cohort> {
        let Self { cohort_id: _, person_id, lead } = *self;
        if cohort.instructors.get(&person_id) == Some(&lead) {
            return Ok(Vec::new());
        }
        cohort.may_appoint(facts)?;
        Ok(vec![CohortEvent::InstructorAppointed { person_id, lead }])
    }
}

/// Ends an instructor's appointment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissInstructor {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the person.
    pub person_id: PersonId,
}

impl StreamCommand for DismissInstructor {
    about!(Cohort, cohort_id, Administer);

    fn decide(&self, cohort: &Cohort, _: &DecisionContext, _: &CohortFacts) -> Decision<Cohort> {
        let person_id = self.person_id;
        let appointed = cohort.instructors.contains_key(&person_id);
        Ok(appointed.then_some(CohortEvent::InstructorDismissed { person_id }).into_iter().collect())
    }
}

impl Cohort {
    /// A completed cohort still takes staff: its reflections are marked until they are due, and after.
    fn may_appoint(&self, facts: &CohortFacts) -> Result<(), CohortRule> {
        let status = self.status;
        match status {
            CohortStatus::Archived | CohortStatus::Cancelled => Err(CohortRule::CohortClosed { status }),
            CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Completed if !facts.person.active => {
                Err(CohortRule::PersonInactive)
            }
            CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Completed => Ok(()),
        }
    }
}
