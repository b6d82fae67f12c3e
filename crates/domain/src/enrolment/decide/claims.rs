//! Which claims an enrolment's events take and release: the rules over sets that no single stream can hold.

use crate::claim::{ClaimChanges, ClaimKey};
use crate::enrolment::{Enrolment, EnrolmentEvent};
use crate::ids::EnrolmentId;
use crate::plan::Claims;

impl Claims for Enrolment {
    type Id = EnrolmentId;

    fn claims(&self, id: EnrolmentId, event: &EnrolmentEvent, changes: &mut ClaimChanges) {
        match event {
            EnrolmentEvent::StudentEnrolled { cohort_id, person_id, hub_id, week: _, moved_from: _, origin: _ } => {
                // Kept for ever: a student who left comes back to the same enrolment.
                changes.take(ClaimKey::enrolment(*cohort_id, *person_id), id);
                changes.take(ClaimKey::active_enrolment(*person_id), id);
                changes.take(ClaimKey::place(*cohort_id, id), id);
                if let Some(hub) = hub_id {
                    changes.take(ClaimKey::hub_place(*hub, id), id);
                }
            }
            EnrolmentEvent::StudentReinstated { moved_from: _ } => {
                if !self.is_active() {
                    self.active_claims(id).for_each(|key| changes.take(key, id));
                }
            }
            EnrolmentEvent::StudentWithdrawn { reason: _, moved_to: _ } | EnrolmentEvent::EnrolmentCompleted {} => {
                if self.is_active() {
                    self.active_claims(id).for_each(|key| changes.release(key));
                }
            }
            EnrolmentEvent::HubJoined { hub_id, previous, origin: _ } => {
                // Whoever does not take part takes no place in a hub, whatever hub they had.
                if self.is_active() {
                    if let Some(previous) = previous {
                        changes.release(ClaimKey::hub_place(*previous, id));
                    }
                    changes.take(ClaimKey::hub_place(*hub_id, id), id);
                }
            }
            EnrolmentEvent::HubLeft { hub_id } => {
                if self.is_active() {
                    changes.release(ClaimKey::hub_place(*hub_id, id));
                }
            }
            EnrolmentEvent::AttendanceMarked { .. }
            | EnrolmentEvent::AbsenceFlagRaised { .. }
            | EnrolmentEvent::AbsenceFlagCleared { .. }
            | EnrolmentEvent::AbsenceFlagResolved { .. }
            | EnrolmentEvent::StudentAdvanced { .. }
            | EnrolmentEvent::StudentHeld { .. }
            | EnrolmentEvent::StudentReleased { .. }
            | EnrolmentEvent::WeekSet { .. }
            | EnrolmentEvent::ReflectionSubmitted { .. }
            | EnrolmentEvent::ReflectionRevised { .. }
            | EnrolmentEvent::ReflectionVisibilitySet { .. }
            | EnrolmentEvent::MarkerAssigned { .. }
            | EnrolmentEvent::ReflectionMarked { .. }
            | EnrolmentEvent::MarkAmended { .. } => {}
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
