//! A small school for tests: streams put together from events, people in every role. Never part of the library.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::actor::{Actor, Authority, DecisionContext};
use crate::claim::ClaimKey;
use crate::cohort::{CohortEvent, ScheduledSession, Zone};
use crate::command::Command;
use crate::enrolment::{EnrolmentEvent, MembershipEvent};
use crate::event::Event;
use crate::hub::HubEvent;
use crate::ids::{CohortId, EnrolmentId, HubId, MaterialId, ModuleId, PersonId, SiteId, StreamId};
use crate::module::ModuleEvent;
use crate::origin::Origin;
use crate::person::{PersonEvent, Role};
use crate::plan::{Plan, needs, plan};
use crate::policy::authorise;
use crate::refusal::Refusal;
use crate::world::World;

pub(crate) const OWNER: PersonId = PersonId(Uuid::from_u128(0x01));
pub(crate) const ADMIN: PersonId = PersonId(Uuid::from_u128(0x02));
pub(crate) const INSTRUCTOR: PersonId = PersonId(Uuid::from_u128(0x03));
pub(crate) const OTHER_INSTRUCTOR: PersonId = PersonId(Uuid::from_u128(0x04));
pub(crate) const COORDINATOR: PersonId = PersonId(Uuid::from_u128(0x05));
pub(crate) const OTHER_COORDINATOR: PersonId = PersonId(Uuid::from_u128(0x06));
pub(crate) const MARKER: PersonId = PersonId(Uuid::from_u128(0x07));
pub(crate) const OTHER_MARKER: PersonId = PersonId(Uuid::from_u128(0x08));
pub(crate) const STUDENT: PersonId = PersonId(Uuid::from_u128(0x09));
pub(crate) const OTHER_STUDENT: PersonId = PersonId(Uuid::from_u128(0x0a));
pub(crate) const DEACTIVATED: PersonId = PersonId(Uuid::from_u128(0x0b));
pub(crate) const NOBODY: PersonId = PersonId(Uuid::from_u128(0x0c));

/// A site of the registry.
pub(crate) const SITE: SiteId = SiteId(Uuid::from_u128(0x10));

pub(crate) const MODULE: ModuleId = ModuleId(Uuid::from_u128(0x20));
/// Run by the instructor, marked by the marker.
pub(crate) const COHORT: CohortId = CohortId(Uuid::from_u128(0x30));
/// Run by the other instructor, marked by the other marker.
pub(crate) const OTHER_COHORT: CohortId = CohortId(Uuid::from_u128(0x31));
/// Looked after by the coordinator.
pub(crate) const HUB: HubId = HubId(Uuid::from_u128(0x40));
/// Looked after by the other coordinator.
pub(crate) const OTHER_HUB: HubId = HubId(Uuid::from_u128(0x41));
/// The student, in the cohort and the hub.
pub(crate) const ENROLMENT: EnrolmentId = EnrolmentId(Uuid::from_u128(0x50));
/// The other student, in the same cohort and the other hub.
pub(crate) const OTHER_ENROLMENT: EnrolmentId = EnrolmentId(Uuid::from_u128(0x51));

/// Of the cohort's syllabus.
pub(crate) const MATERIAL: MaterialId = MaterialId(Uuid::from_u128(0x60));

/// An instant.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// Who asks, on an afternoon in the first week.
pub(crate) fn by(person: PersonId, authority: Authority) -> DecisionContext {
    let actor = if authority == Authority::SuperAdmin { Actor::SuperAdmin(person) } else { Actor::Person(person) };
    DecisionContext { actor, authority, at: instant("2025-08-20T06:00:00Z") }
}

/// A command as a client sends it.
pub(crate) fn command(name: &str, body: Value) -> Command {
    let decoded = Command::decode(name, body).unwrap_or_else(|| panic!("no command {name}"));
    decoded.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Of all that a world holds, what the command asks for: what is not in it is known not to be there.
pub(crate) fn asked(command: &Command, actor: Actor, whole: &World) -> World {
    let mut world = World::default();
    loop {
        let missing = needs(command, actor, &world);
        if missing.is_empty() {
            return world;
        }
        for need in missing {
            whole.give(need, &mut world);
        }
    }
}

/// What a command comes to, on what it asks of a world.
pub(crate) fn planned(command: &Command, actor: Actor, at: &str, whole: &World) -> Result<Plan, Refusal> {
    plan(command, actor, instant(at), &asked(command, actor, whole))
}

/// Whether an actor may, on what the command asks of a world.
pub(crate) fn authorised(command: &Command, actor: Actor, whole: &World) -> Result<Authority, Refusal> {
    authorise(command, actor, &asked(command, actor, whole))
}

/// Adds events to a stream.
pub(crate) fn append(
    world: &mut World,
    stream: impl Into<StreamId>,
    events: impl IntoIterator<Item = impl Into<Event>>,
) {
    let stream = stream.into();
    let mut loaded = world.known(stream);
    for event in events {
        let version = loaded.version() + 1;
        loaded.apply(&event.into(), version);
    }
    world.put(stream, loaded);
}

/// A person with nothing but a name and an address.
pub(crate) fn registered(name: &str) -> PersonEvent {
    let email = format!("{}@example.org", name.to_lowercase());
    PersonEvent::PersonRegistered { name: name.into(), email: email.into(), external_id: None, origin: Origin::Hand }
}

/// A cohort of eight weeks, Tuesdays at 19:00 in Sydney.
pub(crate) fn scheduled() -> CohortEvent {
    let starts_on = "2025-08-19".parse().expect("a date");
    let session_start = "19:00:00".parse().expect("a time");
    let timezone = Zone::try_from("Australia/Sydney".to_owned()).expect("a zone");
    let session =
        |week| ScheduledSession { week, starts_at: timezone.session(starts_on, session_start, week), minutes: 120 };
    CohortEvent::CohortScheduled {
        module_id: MODULE,
        name: "Frühjahr Ā".to_owned(),
        starts_on,
        session_start,
        session_minutes: 120,
        timezone,
        capacity: None,
        absence_threshold: 3,
        reflection_grace_days: 14,
        sessions: (1..=8).map(session).collect(),
    }
}

/// A student of a cohort.
pub(crate) fn enrolled(cohort_id: CohortId, person_id: PersonId, hub_id: Option<HubId>) -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id,
        person_id,
        hub_id,
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    })
}

/// The school with somebody in every role.
pub(crate) fn school() -> World {
    let mut world = World::default();
    let names = ["Ōwen", "Ádám", "Inés", "Ingrid", "Chloë", "Céline", "Małgorzata", "Magnús", "Søren", "Šárka"];
    for (id, name) in (1..).zip(names) {
        append(&mut world, PersonId(Uuid::from_u128(id)), [registered(name)]);
    }
    append(&mut world, OWNER, [PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: false }]);
    append(&mut world, ADMIN, [PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false }]);
    let former = [
        registered("Dörte"),
        PersonEvent::RoleGranted { role: Role::Admin, bootstrapped: false },
        PersonEvent::PersonDeactivated { reason: "has left".into() },
    ];
    append(&mut world, DEACTIVATED, former);
    let (code, title) = ("MUS-1".to_owned(), "Musik für alle".to_owned());
    append(&mut world, MODULE, [ModuleEvent::ModuleDefined { code, title, weeks: 8 }]);
    for (cohort, instructor, marker) in [(COHORT, INSTRUCTOR, MARKER), (OTHER_COHORT, OTHER_INSTRUCTOR, OTHER_MARKER)] {
        let events = [
            scheduled(),
            CohortEvent::InstructorAppointed { person_id: instructor, lead: true },
            CohortEvent::MarkerAppointed { person_id: marker },
        ];
        append(&mut world, cohort, events);
    }
    for (hub, name, person_id) in [(HUB, "Küche", COORDINATOR), (OTHER_HUB, "Salle d’été", OTHER_COORDINATOR)] {
        let founded = HubEvent::HubFounded { name: name.to_owned(), place: None };
        append(&mut world, hub, [founded, HubEvent::CoordinatorAppointed { person_id }]);
    }
    append(&mut world, ENROLMENT, [enrolled(COHORT, STUDENT, Some(HUB))]);
    append(&mut world, OTHER_ENROLMENT, [enrolled(COHORT, OTHER_STUDENT, Some(OTHER_HUB))]);
    world.put_owner(ClaimKey::external_id("LW-9"), Some(STUDENT.0));
    world.put_owner(ClaimKey::enrolment(COHORT, STUDENT), Some(ENROLMENT.0));
    world
}
