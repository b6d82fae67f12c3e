//! What a command over one stream takes from the world, and what it leaves to be held, tested.

mod sites;
mod syllabus;
mod week_emails;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::{Actor, Authority};
use crate::claim::{ClaimKey, ClaimSet, Limit};
use crate::command::Command;
use crate::event::Event;
use crate::given::*;
use crate::hub::{HubEvent, HubRule};
use crate::ids::{ModuleId, PersonId, StreamId};
use crate::module::ModuleRule;
use crate::person::{BootstrapOwner, PersonEvent, PersonRule, Role};
use crate::personal::Personal;
use crate::plan::{Plan, needs};
use crate::refusal::{InvalidField, Refusal};
use crate::text::{Email, Name};
use crate::world::{Need, World};

const NEW: Uuid = Uuid::from_u128(0x99);

/// What the admin's command brings.
fn when(world: &World, name: &str, body: Value) -> Result<Plan, Refusal> {
    planned(&command(name, body), Actor::Person(ADMIN), "2025-08-20T06:00:00Z", world)
}

fn refusal(world: &World, name: &str, body: Value) -> Refusal {
    when(world, name, body).expect_err("refused")
}

fn register(id: Uuid) -> Value {
    json!({ "person_id": id, "name": "Zoë", "email": "Zoe@Example.org", "external_id": "Z-1" })
}

fn schedule(cohort: Uuid, module: Uuid) -> Value {
    json!({
        "cohort_id": cohort, "module_id": module, "name": "Herbst", "starts_on": "2025-08-19",
        "session_start": "19:00", "timezone": "Europe/Berlin",
    })
}

#[test]
fn a_registration_is_one_write_to_a_new_stream_and_takes_its_keys() {
    let plan = when(&school(), "RegisterPerson", register(NEW)).expect("accepted");
    assert_eq!(plan.authority, Authority::Admin);
    assert_eq!(plan.writes.len(), 1);
    assert_eq!((plan.writes[0].stream, plan.writes[0].expected_version), (PersonId(NEW).into(), 0));
    assert_eq!(plan.claims.takes, [(ClaimKey::email("zoe@example.org"), NEW), (ClaimKey::external_id("Z-1"), NEW)]);
}

#[test]
fn a_registration_looks_up_both_keys() {
    for (key, rule) in [
        (ClaimKey::email("zoe@example.org"), PersonRule::EmailTaken),
        (ClaimKey::external_id("Z-1"), PersonRule::ExternalIdTaken),
    ] {
        let mut world = school();
        world.put_owner(key, Some(STUDENT.0));
        assert_eq!(refusal(&world, "RegisterPerson", register(NEW)), rule.into());
    }
}

#[test]
fn an_own_address_is_no_others() {
    let mut world = school();
    world.put_owner(ClaimKey::email("søren@example.org"), Some(STUDENT.0));
    let body = json!({ "person_id": STUDENT, "email": "SØREN@example.org" });
    let plan = when(&world, "CorrectPerson", body).expect("accepted");
    assert_eq!(plan.writes.len(), 1);
    assert!(plan.claims.takes.is_empty() && plan.claims.releases.is_empty());
    let body = json!({ "person_id": OTHER_STUDENT, "email": "søren@example.org" });
    assert_eq!(refusal(&world, "CorrectPerson", body), PersonRule::EmailTaken.into());
}

#[test]
fn a_correction_of_nothing_is_invalid() {
    let nothing = InvalidField { pointer: String::new(), detail: "give a name or an email".to_owned() };
    assert_eq!(refusal(&school(), "CorrectPerson", json!({ "person_id": STUDENT })), Refusal::Invalid(vec![nothing]));
}

#[test]
fn nothing_to_change_is_an_empty_plan() {
    let plan = when(&school(), "ReactivatePerson", json!({ "person_id": STUDENT })).expect("accepted");
    assert!(plan.writes.is_empty() && plan.limits.is_empty());
}

#[test]
fn what_exists_is_not_created_again() {
    let world = school();
    for (name, body, stream) in [
        ("RegisterPerson", register(STUDENT.0), StreamId::from(STUDENT)),
        ("DefineModule", json!({ "module_id": MODULE, "code": "X", "title": "X" }), MODULE.into()),
        ("ScheduleCohort", schedule(COHORT.0, MODULE.0), COHORT.into()),
        ("FoundHub", json!({ "hub_id": HUB, "name": "Saal" }), HUB.into()),
    ] {
        assert_eq!(refusal(&world, name, body), Refusal::AlreadyExists(stream), "{name}");
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    let world = school();
    let person = StreamId::from(PersonId(NEW));
    for (name, body, stream) in [
        ("GrantRole", json!({ "person_id": NEW, "role": "admin" }), person),
        ("DeactivatePerson", json!({ "person_id": NEW, "reason": "left" }), person),
        ("RetireModule", json!({ "module_id": NEW }), ModuleId(NEW).into()),
        ("ScheduleCohort", schedule(NEW, NEW), ModuleId(NEW).into()),
        ("StartCohort", json!({ "cohort_id": NEW }), crate::CohortId(NEW).into()),
        ("AppointMarker", json!({ "cohort_id": COHORT, "person_id": NEW }), person),
        ("AppointInstructor", json!({ "cohort_id": COHORT, "person_id": NEW }), person),
        ("RenameHub", json!({ "hub_id": NEW, "name": "Saal" }), crate::HubId(NEW).into()),
        ("AppointCoordinator", json!({ "hub_id": HUB, "person_id": NEW }), person),
    ] {
        // Only owners grant roles.
        let actor = if name == "GrantRole" { OWNER } else { ADMIN };
        let refused = planned(&command(name, body), Actor::Person(actor), "2025-08-20T06:00:00Z", &world);
        assert_eq!(refused.expect_err("refused"), Refusal::NotFound(stream), "{name}");
    }
}

#[test]
fn an_id_that_was_never_filled_in_is_invalid() {
    for (name, body, pointer) in [
        ("RegisterPerson", json!({ "name": "Zoë", "email": "zoe@example.org" }), "/person_id"),
        ("FoundHub", json!({ "name": "Saal" }), "/hub_id"),
    ] {
        let Refusal::Invalid(fields) = refusal(&school(), name, body) else { panic!("{name} must be invalid") };
        assert_eq!(fields[0].pointer, pointer);
    }
}

#[test]
fn a_modules_code_is_looked_up() {
    let mut world = school();
    world.put_owner(ClaimKey::module_code("mus-1"), Some(MODULE.0));
    let body = json!({ "module_id": NEW, "code": "MUS-1", "title": "Musik" });
    assert_eq!(refusal(&world, "DefineModule", body), ModuleRule::CodeTaken { code: "MUS-1".to_owned() }.into());
}

#[test]
fn a_capacity_holds_for_whoever_enrols_at_the_same_time() {
    let mut world = school();
    let set = ClaimSet::places(COHORT);
    world.put_count(set.clone(), 2);
    let plan = when(&world, "SetCapacity", json!({ "cohort_id": COHORT, "capacity": 2 })).expect("accepted");
    assert_eq!(plan.limits, [Limit::at_most(set, 2)]);
    assert_eq!(
        refusal(&world, "SetCapacity", json!({ "cohort_id": COHORT, "capacity": 1 })).code(),
        "capacity_below_enrolled"
    );
}

#[test]
fn a_hub_closes_on_nobody_also_not_on_whoever_joins_at_the_same_time() {
    let mut world = school();
    let set = ClaimSet::hub_places(HUB);
    let plan = when(&world, "CloseHub", json!({ "hub_id": HUB })).expect("accepted");
    assert_eq!(plan.limits, [Limit::at_most(set.clone(), 0)]);
    world.put_count(set, 3);
    assert_eq!(refusal(&world, "CloseHub", json!({ "hub_id": HUB })), HubRule::HubHasStudents { count: 3 }.into());
    append(&mut world, HUB, [HubEvent::HubClosed {}]);
    assert!(when(&world, "CloseHub", json!({ "hub_id": HUB })).expect("accepted").limits.is_empty());
}

fn bootstrap(world: &World) -> Plan {
    let command = Command::from(BootstrapOwner {
        person_id: PersonId(NEW),
        name: Personal::new(Name::try_new("Søren").unwrap()),
        email: Personal::new(Email::try_new("Søren@example.org").unwrap()),
    });
    planned(&command, Actor::System, "2025-08-20T06:00:00Z", world).expect("accepted")
}

#[test]
fn the_first_owner_is_whoever_has_the_configured_address_or_a_new_person() {
    let role = Event::from(PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: true });
    let mut world = school();
    let plan = bootstrap(&world);
    assert_eq!((plan.writes[0].stream, plan.writes[0].events.len()), (PersonId(NEW).into(), 2));
    world.put_owner(ClaimKey::email("søren@example.org"), Some(STUDENT.0));
    let plan = bootstrap(&world);
    assert_eq!((plan.writes[0].stream, &plan.writes[0].events), (STUDENT.into(), &vec![role.clone()]));
    append(&mut world, STUDENT, [PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: true }]);
    assert!(bootstrap(&world).writes.is_empty());
}

#[test]
fn a_command_needs_its_actor_and_what_it_names_and_nothing_twice() {
    let asked = needs(
        &command("AppointCoordinator", json!({ "hub_id": HUB, "person_id": STUDENT })),
        Actor::Person(ADMIN),
        &World::default(),
    );
    assert_eq!(asked.len(), 3, "the hub, the person and the actor");
    let asked = needs(&command("RetireModule", json!({ "module_id": MODULE })), Actor::Person(ADMIN), &school());
    assert!(asked.is_empty());
}

#[test]
fn whoever_removes_an_owner_leaves_another() {
    let mut world = school();
    append(&mut world, STUDENT, [PersonEvent::RoleGranted { role: Role::Owner, bootstrapped: false }]);
    world.put_count(ClaimSet::owners(), 2);
    let super_admin = Actor::SuperAdmin(NOBODY);
    for (name, body) in [
        ("RevokeRole", json!({ "person_id": STUDENT, "role": "owner" })),
        ("DeactivatePerson", json!({ "person_id": STUDENT, "reason": "has left" })),
    ] {
        let plan = planned(&command(name, body), super_admin, "2025-08-20T06:00:00Z", &world).expect("accepted");
        assert_eq!(plan.limits, [Limit::at_least(ClaimSet::owners(), 1)], "{name}");
    }
    let other = command("RevokeRole", json!({ "person_id": ADMIN, "role": "admin" }));
    let plan = planned(&other, super_admin, "2025-08-20T06:00:00Z", &world).expect("accepted");
    assert_eq!(plan.limits, [], "who is no owner is none less");
}

/// A fact that `needs` forgot is never 0 or nobody: here it panics, and in a build without assertions nothing is appended.
#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "which its command did not ask for"))]
fn a_decision_on_what_was_not_asked_for_is_a_defect() {
    let at = instant("2025-08-20T06:00:00Z");
    let rename = command("RenameHub", json!({ "hub_id": HUB, "name": "Gemeindehaus" }));
    let decided = crate::plan::plan(&rename, Actor::SuperAdmin(ADMIN), at, &World::default());
    assert!(matches!(decided, Err(Refusal::Unasked(Need::Stream(_)))), "{decided:?}");
}
