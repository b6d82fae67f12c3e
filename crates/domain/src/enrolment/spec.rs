//! What commands about an enrolment have in common, and which claims its events take and release: the rules over sets that
//! no single stream can hold.

use super::{Enrolment, EnrolmentEvent, EnrolmentFacts, EnrolmentRule, MembershipEvent};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey, ClaimKind, ClaimSet, Limit};
use crate::ids::EnrolmentId;
use crate::plan::Subject;
use crate::refusal::{Refusal, Rule};
use crate::world::{Loaded, Needs, World};

impl AggregateSpec for Enrolment {
    fn exists(_: EnrolmentId, loaded: &Loaded<Self>) -> bool {
        loaded.state.cohort_id.is_some() && loaded.state.person_id.is_some()
    }

    /// With its cohort, its student and its present hub.
    fn needs(id: EnrolmentId, needs: &mut Needs<'_>) {
        let Some(enrolment) = needs.load::<Self>(id) else { return };
        let Self { cohort_id, person_id, hub_id, .. } = *enrolment.state;
        let referred = [cohort_id.map(Into::into), person_id.map(Into::into), hub_id.map(Into::into)];
        for stream in referred.into_iter().flatten() {
            needs.stream(stream);
        }
    }

    fn facts(_: EnrolmentId, before: &Self, world: &World) -> Result<EnrolmentFacts, Refusal> {
        Ok(EnrolmentFacts {
            cohort_id: before.cohort_id,
            cohort: before.cohort_id.map(|cohort| world.cohort(cohort).state).unwrap_or_default(),
            person: before.person_id.map(|person| world.person(person).state).unwrap_or_default(),
            hub: before.hub_id.map(|hub| world.hub(hub).state),
            ..EnrolmentFacts::default()
        })
    }

    fn subject(id: EnrolmentId, _: &World) -> Subject {
        Subject::Students(vec![id], None)
    }

    /// Names the student.
    fn refuse(rule: EnrolmentRule, facts: &EnrolmentFacts) -> Refusal {
        Refusal::Rule { rule: Rule::from(rule), student: facts.person.name.clone() }
    }

    /// Where its events take a place, the cohort's capacity must hold when they are appended: of two who want the last
    /// place at once, one is decided again and finds none.
    fn limit(changes: &ClaimChanges, facts: &EnrolmentFacts) -> Option<Limit> {
        let place = changes.takes.iter().any(|(key, _)| key.kind == ClaimKind::Place);
        let (cohort, at_most) = facts.cohort_id.zip(facts.cohort.capacity)?;
        place.then(|| Limit::at_most(ClaimSet::places(cohort), at_most))
    }

    fn claims(&self, id: EnrolmentId, event: &EnrolmentEvent, changes: &mut ClaimChanges) {
        let EnrolmentEvent::Membership(event) = event else { return };
        match event {
            MembershipEvent::StudentEnrolled { cohort_id, person_id, hub_id, week: _, moved_from: _, origin: _ } => {
                // Kept for ever: a student who left comes back to the same enrolment.
                changes.take(ClaimKey::enrolment(*cohort_id, *person_id), id);
                changes.take(ClaimKey::active_enrolment(*person_id), id);
                changes.take(ClaimKey::place(*cohort_id, id), id);
                if let Some(hub) = hub_id {
                    changes.take(ClaimKey::hub_place(*hub, id), id);
                }
            }
            MembershipEvent::StudentReinstated { moved_from: _ } => {
                if !self.is_active() {
                    self.active_claims(id).for_each(|key| changes.take(key, id));
                }
            }
            MembershipEvent::StudentWithdrawn { reason: _, moved_to: _ } | MembershipEvent::EnrolmentCompleted {} => {
                if self.is_active() {
                    self.active_claims(id).for_each(|key| changes.release(key));
                }
            }
            MembershipEvent::HubJoined { hub_id, previous, origin: _ } => {
                // Whoever does not take part takes no place in a hub, whatever hub they had.
                if self.is_active() {
                    if let Some(previous) = previous {
                        changes.release(ClaimKey::hub_place(*previous, id));
                    }
                    changes.take(ClaimKey::hub_place(*hub_id, id), id);
                }
            }
            MembershipEvent::HubLeft { hub_id } => {
                if self.is_active() {
                    changes.release(ClaimKey::hub_place(*hub_id, id));
                }
            }
        }
    }
}

impl Enrolment {
    /// What a student holds as long as they take part.
    fn active_claims(&self, id: EnrolmentId) -> impl Iterator<Item = ClaimKey> {
        let active = self.person_id.map(ClaimKey::active_enrolment);
        let place = self.cohort_id.map(|cohort| ClaimKey::place(cohort, id));
        let hub = self.hub_id.map(|hub| ClaimKey::hub_place(hub, id));
        [active, place, hub].into_iter().flatten()
    }
}
