//! Being a student of a cohort: coming, meeting in a hub, leaving, coming back, being done.
//!
//! The rules over sets (one active cohort, the capacity) are decided here on what was counted; that the count still holds
//! is for the claims and limits of the plan.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decided, Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, EnrolmentStatus, MembershipEvent, must_be_open,
    plain,
};
use crate::actor::DecisionContext;
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimKey, ClaimSet};
use crate::command::{StreamCommand, about, begins};
use crate::hub::Hub;
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::origin::Origin;
use crate::personal::Personal;
use crate::refusal::Refusal;
use crate::text::Reason;
use crate::world::{Needs, World};

/// Makes a person a student of a cohort, in its first week. One place per person and cohort, one active cohort per person;
/// the capacity holds however many enrol at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolStudent {
    /// The id of the new enrolment, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment_id: Option<EnrolmentId>,
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the person.
    pub person_id: PersonId,
    /// The id of the hub where they meet; left out, in the flagship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
}

impl StreamCommand for EnrolStudent {
    begins!(Enrolment, enrolment_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.cohort_id.into());
        needs.stream(self.person_id.into());
        if let Some(hub) = self.hub_id {
            needs.stream(hub.into());
        }
        need_place(self.cohort_id, self.person_id, needs);
        needs.owner(ClaimKey::enrolment(self.cohort_id, self.person_id));
    }

    fn facts(&self, _: EnrolmentId, _: &Enrolment, world: &World) -> Result<EnrolmentFacts, Refusal> {
        let (cohort, person) = (self.cohort_id, self.person_id);
        let facts = EnrolmentFacts {
            cohort_id: Some(cohort),
            cohort: world.existing(cohort)?.state,
            person: world.existing(person)?.state,
            hub: hub_to_join(self.hub_id, world)?,
            same_cohort: world.owner(&ClaimKey::enrolment(cohort, person)).map(Into::into),
            ..EnrolmentFacts::default()
        };
        Ok(facts.with_place(person, world))
    }

    fn decide(&self, _: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        Enrolment::enrol(self, None, Origin::Hand, facts)
    }
}

/// Moves a student to another hub, or to none. Access and duty move at once; past attendance keeps its hub.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinHub {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// The id of the hub where they meet from now on; left out, in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<HubId>,
}

impl StreamCommand for JoinHub {
    about!(Enrolment, enrolment_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(hub) = self.hub_id {
            needs.stream(hub.into());
        }
    }

    fn facts(&self, id: EnrolmentId, before: &Enrolment, world: &World) -> Result<EnrolmentFacts, Refusal> {
        Ok(EnrolmentFacts { hub: hub_to_join(self.hub_id, world)?, ..Enrolment::facts(id, before, world)? })
    }

    /// Past attendance keeps its hub: each mark holds the one it was taken in.
    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        let change = student.hub_change(self.hub_id, Origin::Hand);
        if change.is_none() {
            return Ok(Vec::new());
        }
        student.must_be_active()?;
        if facts.hub.as_ref().is_some_and(|hub| hub.closed) {
            return Err(EnrolmentRule::HubClosed);
        }
        Ok(change.into_iter().collect())
    }
}

/// Takes a student out of the cohort; their place is free for another.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawStudent {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Why, for the audit.
    pub reason: Personal<Reason>,
}

impl StreamCommand for WithdrawStudent {
    about!(Enrolment, enrolment_id, Administer);

    fn decide(&self, student: &Enrolment, _: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        student.withdraw(plain(&self.reason), None)
    }
}

/// Brings a withdrawn student back to where they were, if there is a place.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReinstateStudent {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
}

impl StreamCommand for ReinstateStudent {
    about!(Enrolment, enrolment_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(student) = needs.load::<Enrolment>(self.enrolment_id)
            && let Some((cohort, person)) = student.state.cohort_id.zip(student.state.person_id)
        {
            need_place(cohort, person, needs);
        }
    }

    fn facts(&self, id: EnrolmentId, before: &Enrolment, world: &World) -> Result<EnrolmentFacts, Refusal> {
        let facts = Enrolment::facts(id, before, world)?;
        Ok(match before.person_id {
            Some(person) => facts.with_place(person, world),
            None => facts,
        })
    }

    fn decide(&self, student: &Enrolment, _: &DecisionContext, facts: &EnrolmentFacts) -> Decided {
        student.reinstate(student.hub_id, None, facts)
    }
}

/// Ends a student's run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteEnrolment {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
}

impl StreamCommand for CompleteEnrolment {
    about!(Enrolment, enrolment_id, Administer);

    fn decide(&self, student: &Enrolment, _: &DecisionContext, _: &EnrolmentFacts) -> Decided {
        student.complete()
    }
}

/// Asks for what decides whether there is a place for a person.
pub(super) fn need_place(cohort: CohortId, person: PersonId, needs: &mut Needs<'_>) {
    needs.count(ClaimSet::places(cohort));
    needs.owner(ClaimKey::active_enrolment(person));
}

impl EnrolmentFacts {
    /// With what decides whether there is a place for a person.
    pub(super) fn with_place(mut self, person: PersonId, world: &World) -> Self {
        self.places_taken = self.cohort_id.map_or(0, |cohort| world.count(&ClaimSet::places(cohort)));
        self.active_enrolment = world.owner(&ClaimKey::active_enrolment(person)).map(Into::into);
        self
    }
}

fn hub_to_join(id: Option<HubId>, world: &World) -> Result<Option<Arc<Hub>>, Refusal> {
    id.map(|id| Ok(world.existing(id)?.state)).transpose()
}

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
        Ok(vec![EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
            cohort_id: command.cohort_id,
            person_id: command.person_id,
            hub_id: command.hub_id,
            week: 1,
            moved_from,
            origin,
        })])
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
        Ok(vec![EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason, moved_to })])
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
        let back = EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from });
        Ok(self.hub_change(hub, Origin::Hand).into_iter().chain([back]).collect())
    }

    /// Ends the student's run. Nobody completes what they left.
    pub(crate) fn complete(&self) -> Decided {
        if self.status == EnrolmentStatus::Completed {
            return Ok(Vec::new());
        }
        self.must_be_active()?;
        Ok(vec![EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {})])
    }

    fn hub_change(&self, to: Option<HubId>, origin: Origin) -> Option<EnrolmentEvent> {
        match (self.hub_id, to) {
            (previous, Some(hub_id)) if previous != Some(hub_id) => {
                Some(EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous, origin }))
            }
            (Some(hub_id), None) => Some(EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id })),
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
