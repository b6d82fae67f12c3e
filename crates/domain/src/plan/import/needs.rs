//! What the imports must know, wave by wave: who the rows are about, then their places, then their enrolments.

use super::find::{self, hub_id};
use super::{ImportAttendance, ImportRoster};
use crate::claim::{ClaimKey, ClaimSet};
use crate::ids::PersonId;
use crate::personal::Personal;
use crate::plan::needs::student;
use crate::text::{Email, ExternalId};
use crate::world::{Need, Needs};

pub(in crate::plan) fn roster(command: &ImportRoster, needs: &mut Needs<'_>) {
    let cohort = command.cohort_id;
    needs.cohort(cohort);
    needs.ask(Need::Count(ClaimSet::places(cohort)));
    if command.rows.iter().filter_map(|row| row.hub.as_ref()).any(|hub| hub_id(hub).is_none()) {
        for hub in needs.members(ClaimSet::open_hubs()) {
            needs.hub(hub.into());
        }
    }
    for row in &command.rows {
        if let Some(hub) = row.hub.as_ref().and_then(hub_id) {
            needs.hub(hub);
        }
        let Some(person) = person(row.external_id.as_ref(), row.email.as_ref(), needs) else { continue };
        needs.person(person);
        needs.owner(ClaimKey::active_enrolment(person));
        if let Some(enrolment) = needs.owner(ClaimKey::enrolment(cohort, person)) {
            needs.enrolment(enrolment.into());
        }
    }
}

pub(in crate::plan) fn attendance(command: &ImportAttendance, needs: &mut Needs<'_>) {
    let cohort = command.cohort_id;
    needs.cohort(cohort);
    for mark in &command.marks {
        if let Some(person) = person(mark.external_id.as_ref(), mark.email.as_ref(), needs)
            && let Some(enrolment) = needs.owner(ClaimKey::enrolment(cohort, person))
        {
            student(enrolment.into(), needs);
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
