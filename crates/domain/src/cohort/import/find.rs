//! How a file's row finds its person, its student and its hub among the facts that were loaded.

use std::collections::HashMap;

use super::{ImportAttendance, ImportRoster, ImportRule};
use crate::claim::{ClaimKey, ClaimSet};
use crate::ids::{CohortId, EnrolmentId, HubId, PersonId};
use crate::personal::Personal;
use crate::text::{Email, ExternalId, Name, name_key};
use crate::world::World;

/// The person whom a row is about: by external id, then by email.
pub(super) fn person(
    external_id: Option<&Personal<ExternalId>>,
    email: Option<&Personal<Email>>,
    world: &World,
) -> Option<PersonId> {
    let by_id = external_id.and_then(|id| world.owner(&ClaimKey::external_id(id.reveal().as_str())));
    let owner = by_id.or_else(|| world.owner(&ClaimKey::email(email?.reveal().as_str())));
    owner.map(PersonId::from)
}

/// A person's enrolment in a cohort.
pub(super) fn enrolment(cohort: CohortId, person: PersonId, world: &World) -> Option<EnrolmentId> {
    world.owner(&ClaimKey::enrolment(cohort, person)).map(EnrolmentId::from)
}

/// The students whom a file of attendance is about, as far as they are of the cohort.
pub(super) fn students_of_marks<'w>(
    command: &'w ImportAttendance,
    world: &'w World,
) -> impl Iterator<Item = EnrolmentId> + 'w {
    command.marks.iter().filter_map(|mark| {
        let person = person(mark.external_id.as_ref(), mark.email.as_ref(), world)?;
        enrolment(command.cohort_id, person, world)
    })
}

/// The open hubs of the site, by name.
pub(super) struct Hubs<'w> {
    world: &'w World,
    by_name: HashMap<String, Vec<HubId>>,
}

impl<'w> Hubs<'w> {
    pub(super) fn of(command: &ImportRoster, world: &'w World) -> Self {
        let mut by_name: HashMap<String, Vec<HubId>> = HashMap::new();
        if names_hubs(command) {
            for id in world.members(&ClaimSet::open_hubs()).iter().copied().map(HubId::from) {
                by_name.entry(name_key(&world.hub(id).state.name)).or_default().push(id);
            }
        }
        Self { world, by_name }
    }

    /// The hub that a row names, by id or by name in any case.
    pub(super) fn named(&self, text: &Name) -> Result<HubId, ImportRule> {
        if let Some(id) = hub_id(text) {
            let hub = self.world.hub(id).state;
            return if hub.founded && !hub.closed { Ok(id) } else { Err(ImportRule::UnknownHub) };
        }
        match self.by_name.get(&name_key(text.as_str())).map(Vec::as_slice) {
            Some([id]) => Ok(*id),
            Some(several) => Err(ImportRule::AmbiguousHub { count: several.len() }),
            None => Err(ImportRule::UnknownHub),
        }
    }
}

/// Whether a row names a hub by its name.
pub(super) fn names_hubs(command: &ImportRoster) -> bool {
    command.rows.iter().filter_map(|row| row.hub.as_ref()).any(|hub| hub_id(hub).is_none())
}

/// The id that a row gives in place of a name.
pub(super) fn hub_id(text: &Name) -> Option<HubId> {
    text.as_str().parse().ok()
}
