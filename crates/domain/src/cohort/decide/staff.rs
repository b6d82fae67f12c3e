//! Who marks and who teaches in a cohort. To take a right away is possible in any status; to give one only while
//! something is left to do.

use super::Decision;
use crate::cohort::{Cohort, CohortEvent, CohortFacts, CohortRule, CohortStatus};
use crate::ids::PersonId;

impl Cohort {
    pub(super) fn appoint_marker(&self, person_id: PersonId, facts: &CohortFacts) -> Decision {
        if self.markers.contains(&person_id) {
            return Ok(Vec::new());
        }
        self.may_appoint(facts)?;
        Ok(vec![CohortEvent::MarkerAppointed { person_id }])
    }

    /// The re-allocation itself is written to the students' streams, by the plan.
    pub(super) fn dismiss_marker(&self, person_id: PersonId, reallocate: bool, facts: &CohortFacts) -> Decision {
        if !self.markers.contains(&person_id) {
            return Ok(Vec::new());
        }
        let count = facts.marker_load;
        if count > 0 && !reallocate {
            return Err(CohortRule::MarkerHasStudents { count });
        }
        if count > 0 && self.markers.len() == 1 {
            return Err(CohortRule::NoOtherMarker { count });
        }
        Ok(vec![CohortEvent::MarkerDismissed { person_id }])
    }

    pub(super) fn appoint_instructor(&self, person_id: PersonId, lead: bool, facts: &CohortFacts) -> Decision {
        if self.instructors.get(&person_id) == Some(&lead) {
            return Ok(Vec::new());
        }
        self.may_appoint(facts)?;
        Ok(vec![CohortEvent::InstructorAppointed { person_id, lead }])
    }

    pub(super) fn dismiss_instructor(&self, person_id: PersonId) -> Vec<CohortEvent> {
        let appointed = self.instructors.contains_key(&person_id);
        appointed.then_some(CohortEvent::InstructorDismissed { person_id }).into_iter().collect()
    }

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
