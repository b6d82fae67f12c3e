//! How the imports ask, wave by wave: who the rows are about, then their places, then their enrolments.

use super::find::{self, hub_id, names_hubs};
use super::{ImportAttendance, ImportRoster};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimKey, ClaimSet};
use crate::enrolment::Enrolment;
use crate::ids::{EnrolmentId, HubId, PersonId};
use crate::personal::Personal;
use crate::text::{Email, ExternalId};
use crate::world::{Need, Needs};

pub(super) fn roster(command: &ImportRoster, needs: &mut Needs<'_>) {
    let cohort = command.cohort_id;
    needs.stream(cohort.into());
    needs.count(ClaimSet::places(cohort));
    if names_hubs(command) {
        for hub in needs.members(ClaimSet::open_hubs()) {
            needs.stream(HubId::from(*hub).into());
        }
    }
    for row in &command.rows {
        if let Some(hub) = row.hub.as_ref().and_then(hub_id) {
            needs.stream(hub.into());
        }
        let Some(person) = person(row.external_id.as_ref(), row.email.as_ref(), needs) else { continue };
        needs.stream(person.into());
        needs.owner(ClaimKey::active_enrolment(person));
        if let Some(enrolment) = needs.owner(ClaimKey::enrolment(cohort, person)) {
            needs.stream(EnrolmentId::from(enrolment).into());
        }
    }
}

pub(super) fn attendance(command: &ImportAttendance, needs: &mut Needs<'_>) {
    let cohort = command.cohort_id;
    needs.stream(cohort.into());
    for mark in &command.marks {
        if let Some(person) = person(mark.external_id.as_ref(), mark.email.as_ref(), needs)
            && let Some(enrolment) = needs.owner(ClaimKey::enrolment(cohort, person))
        {
            Enrolment::needs(enrolment.into(), needs);
        }
    }
}

/// Asks for both keys of a row; its person, once they are known.
fn person(
    external_id: Option<&Personal<ExternalId>>,
    email: Option<&Personal<Email>>,
    needs: &mut Needs<'_>,
) -> Option<PersonId> {
    let mut known = true;
    for key in [
        external_id.map(|id| ClaimKey::external_id(id.reveal().as_str())),
        email.map(|email| ClaimKey::email(email.reveal().as_str())),
    ] {
        known &= key.is_none_or(|key| needs.ask(Need::Owner(key)));
    }
    if known { find::person(external_id, email, needs.world()) } else { None }
}
