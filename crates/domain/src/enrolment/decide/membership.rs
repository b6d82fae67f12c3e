//! Being a student of a cohort: coming, meeting in a hub, leaving, coming back, being done.
//!
//! The rules over sets (one active cohort, the capacity) are decided here on what was counted; that the count still holds
//! is for the claims and limits of the plan.

use super::{Decided, must_be_open};
use crate::enrolment::{
    EnrolStudent, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, EnrolmentStatus, JoinHub,
};
use crate::ids::{EnrolmentId, HubId};
use crate::origin::Origin;
use crate::personal::Personal;

impl Enrolment {
    /// Begins an enrolment, in the cohort's first week.
    pub(crate) fn enrol(
        command: &EnrolStudent,
        moved_from: Option<EnrolmentId>,
        origin: Origin,
        facts: &EnrolmentFacts,
    ) -> Decided {
        must_be_open(&facts.cohort)?;
        if !facts.person.active {
            return Err(EnrolmentRule::PersonInactive);
        }
        if facts.hub.as_ref().is_some_and(|hub| hub.closed) {
            return Err(EnrolmentRule::HubClosed);
        }
        if let Some(enrolment_id) = facts.same_cohort {
            return Err(EnrolmentRule::AlreadyEnrolled { enrolment_id });
        }
        must_find_a_place(facts)?;
        Ok(vec![EnrolmentEvent::StudentEnrolled {
            cohort_id: command.cohort_id,
            person_id: command.person_id,
            hub_id: command.hub_id,
            week: 1,
            moved_from,
            origin,
        }])
    }

    /// Changes where the student meets. Past attendance keeps its hub: each mark holds the one it was taken in.
    pub(super) fn join_hub(&self, command: &JoinHub, facts: &EnrolmentFacts) -> Decided {
        let change = self.hub_change(command.hub_id, Origin::Hand);
        if change.is_none() {
            return Ok(Vec::new());
        }
        self.must_be_active()?;
        if facts.hub.as_ref().is_some_and(|hub| hub.closed) {
            return Err(EnrolmentRule::HubClosed);
        }
        Ok(change.into_iter().collect())
    }

    /// Follows a file to another hub, unless somebody has said where the student meets: `None`.
    pub(crate) fn hub_from_file(&self, hub_id: HubId) -> Option<Vec<EnrolmentEvent>> {
        match self.hub_change(Some(hub_id), Origin::File) {
            Some(_) if self.hub_by_hand => None,
            change => Some(change.into_iter().collect()),
        }
    }

    /// Ends the student's part in the cohort; `moved_to` where they go on in another.
    pub(crate) fn withdraw(&self, reason: Personal<String>, moved_to: Option<EnrolmentId>) -> Decided {
        if self.status == EnrolmentStatus::Withdrawn {
            return Ok(Vec::new());
        }
        self.must_be_active()?;
        Ok(vec![EnrolmentEvent::StudentWithdrawn { reason, moved_to }])
    }

    /// Brings a withdrawn student back to where they were, meeting in `hub`, or nowhere if it was closed meanwhile
    /// (`facts.hub` is that hub). The hub changes first, while no place is taken in it.
    pub(crate) fn reinstate(
        &self,
        hub: Option<HubId>,
        moved_from: Option<EnrolmentId>,
        facts: &EnrolmentFacts,
    ) -> Decided {
        match self.status {
            EnrolmentStatus::Active if self.exists() => return Ok(Vec::new()),
            EnrolmentStatus::Active => return Err(EnrolmentRule::NotActive { status: self.status }),
            EnrolmentStatus::Completed => return Err(EnrolmentRule::EnrolmentCompleted),
            EnrolmentStatus::Withdrawn => {}
        }
        must_be_open(&facts.cohort)?;
        if !facts.person.active {
            return Err(EnrolmentRule::PersonInactive);
        }
        must_find_a_place(facts)?;
        let hub = hub.filter(|_| !facts.hub.as_ref().is_some_and(|hub| hub.closed));
        let back = EnrolmentEvent::StudentReinstated { moved_from };
        Ok(self.hub_change(hub, Origin::Hand).into_iter().chain([back]).collect())
    }

    /// Ends the student's run. Nobody completes what they left.
    pub(crate) fn complete(&self) -> Decided {
        if self.status == EnrolmentStatus::Completed {
            return Ok(Vec::new());
        }
        self.must_be_active()?;
        Ok(vec![EnrolmentEvent::EnrolmentCompleted {}])
    }

    fn hub_change(&self, to: Option<HubId>, origin: Origin) -> Option<EnrolmentEvent> {
        match (self.hub_id, to) {
            (previous, Some(hub_id)) if previous != Some(hub_id) => {
                Some(EnrolmentEvent::HubJoined { hub_id, previous, origin })
            }
            (Some(hub_id), None) => Some(EnrolmentEvent::HubLeft { hub_id }),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }
}

fn must_find_a_place(facts: &EnrolmentFacts) -> Result<(), EnrolmentRule> {
    if let Some(enrolment_id) = facts.active_enrolment {
        return Err(EnrolmentRule::ActiveElsewhere { enrolment_id });
    }
    match facts.cohort.capacity {
        Some(capacity) if facts.places_taken >= capacity => Err(EnrolmentRule::CohortFull { capacity }),
        Some(_) | None => Ok(()),
    }
}
