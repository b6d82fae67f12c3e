//! The rules of hub, tested: given events, when a command, then events or a rule.

use std::sync::Arc;

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};

use super::{Hub, HubEvent, HubFacts, HubRule};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::command::Command;
use crate::given::{self, ADMIN, COORDINATOR, HUB, OTHER_COORDINATOR, by};
use crate::person::Person;

/// With a person to appoint who is active, and nobody in the hub.
fn when(given: Vec<HubEvent>, name: &str, body: Value) -> AggregateResultValidator<Hub> {
    let person = Arc::new(Person { active: true, ..Person::default() });
    when_facts(given, name, body, HubFacts { person, places_taken: 0 })
}

fn when_facts(given: Vec<HubEvent>, name: &str, mut body: Value, facts: HubFacts) -> AggregateResultValidator<Hub> {
    body["hub_id"] = json!(HUB);
    let Command::Hub(command) = given::command(name, body) else { panic!("{name} is about a hub") };
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts })
}

fn founded() -> HubEvent {
    HubEvent::HubFounded { name: "Küche".to_owned(), place: Some("Köln".to_owned()) }
}

fn renamed(name: &str, place: &str) -> HubEvent {
    HubEvent::HubRenamed { name: name.to_owned(), place: Some(place.to_owned()) }
}

const APPOINTED: HubEvent = HubEvent::CoordinatorAppointed { person_id: COORDINATOR };

#[test]
fn founds_a_hub() {
    when(vec![], "FoundHub", json!({ "name": "Küche", "place": "Köln" })).then_expect_events(vec![founded()]);
    let nowhere = HubEvent::HubFounded { name: "Küche".to_owned(), place: None };
    when(vec![], "FoundHub", json!({ "name": "Küche" })).then_expect_events(vec![nowhere]);
}

#[test]
fn renames_and_keeps_the_place_that_is_left_out() {
    when(vec![founded()], "RenameHub", json!({ "name": "Saal" })).then_expect_events(vec![renamed("Saal", "Köln")]);
    when(vec![founded()], "RenameHub", json!({ "name": "Küche", "place": "Malmö" }))
        .then_expect_events(vec![renamed("Küche", "Malmö")]);
    when(vec![founded()], "RenameHub", json!({ "name": "Küche" })).then_expect_events(vec![]);
}

#[test]
fn appoints_a_coordinator_in_place_of_the_one_before() {
    let body = json!({ "person_id": COORDINATOR });
    when(vec![founded()], "AppointCoordinator", body.clone()).then_expect_events(vec![APPOINTED]);
    let before = vec![founded(), HubEvent::CoordinatorAppointed { person_id: OTHER_COORDINATOR }];
    when(before, "AppointCoordinator", body.clone()).then_expect_events(vec![APPOINTED]);
    when(vec![founded(), APPOINTED], "AppointCoordinator", body).then_expect_events(vec![]);
}

#[test]
fn refuses_a_coordinator_who_is_deactivated() {
    when_facts(vec![founded()], "AppointCoordinator", json!({ "person_id": COORDINATOR }), HubFacts::default())
        .then_expect_error(HubRule::PersonInactive);
}

#[test]
fn refuses_a_coordinator_for_a_closed_hub() {
    when(vec![founded(), HubEvent::HubClosed {}], "AppointCoordinator", json!({ "person_id": COORDINATOR }))
        .then_expect_error(HubRule::HubClosed);
}

#[test]
fn dismisses_the_coordinator_once() {
    let dismissed = HubEvent::CoordinatorDismissed { person_id: COORDINATOR };
    when(vec![founded(), APPOINTED], "DismissCoordinator", json!({})).then_expect_events(vec![dismissed]);
    when(vec![founded()], "DismissCoordinator", json!({})).then_expect_events(vec![]);
}

#[test]
fn closes_once() {
    when(vec![founded()], "CloseHub", json!({})).then_expect_events(vec![HubEvent::HubClosed {}]);
    when(vec![founded(), HubEvent::HubClosed {}], "CloseHub", json!({})).then_expect_events(vec![]);
}

#[test]
fn refuses_to_close_on_active_students() {
    let facts = HubFacts { places_taken: 3, ..HubFacts::default() };
    when_facts(vec![founded()], "CloseHub", json!({}), facts).then_expect_error(HubRule::HubHasStudents { count: 3 });
}

#[test]
fn nobody_looks_after_a_closed_hub() {
    let mut hub = Hub::default();
    for event in [founded(), APPOINTED, HubEvent::HubClosed {}] {
        hub.apply_event(&event);
    }
    assert_eq!(hub.coordinator, None);
}
