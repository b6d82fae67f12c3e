//! The rules of cohort, tested: given events, when a command, then events or a rule. Its status here, its sessions and
//! its staff beside.

mod sessions;
mod staff;

use std::sync::Arc;

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::{Value, json};

use super::{Cohort, CohortEvent, CohortFacts, CohortRule, CohortStatus};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::command::Command;
use crate::given::{self, ADMIN, COHORT, by, scheduled};
use crate::module::Module;
use crate::person::Person;

/// With a person to appoint who is active, a module of eight weeks, and nobody enrolled.
fn when(given: Vec<CohortEvent>, name: &str, body: Value) -> AggregateResultValidator<Cohort> {
    when_facts(given, name, body, facts())
}

fn when_facts(
    given: Vec<CohortEvent>,
    name: &str,
    mut body: Value,
    facts: CohortFacts,
) -> AggregateResultValidator<Cohort> {
    body["cohort_id"] = json!(COHORT);
    let Command::Cohort(command) = given::command(name, body) else { panic!("{name} is about a cohort") };
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts })
}

fn facts() -> CohortFacts {
    CohortFacts {
        module: Arc::new(Module { defined: true, weeks: 8, ..Module::default() }),
        person: Arc::new(Person { active: true, ..Person::default() }),
        copy_from: None,
        places_taken: 0,
        marker_load: 0,
    }
}

const STARTED: CohortEvent = CohortEvent::CohortStarted {};
const COMPLETED: CohortEvent = CohortEvent::CohortCompleted {};
const ARCHIVED: CohortEvent = CohortEvent::CohortArchived {};

fn cancelled() -> CohortEvent {
    CohortEvent::CohortCancelled { reason: "too few".into() }
}

/// A cohort that came to a status in the usual way.
fn in_status(status: CohortStatus) -> Vec<CohortEvent> {
    let mut events = vec![scheduled()];
    events.extend(match status {
        CohortStatus::Upcoming => vec![],
        CohortStatus::Active => vec![STARTED],
        CohortStatus::Completed => vec![STARTED, COMPLETED],
        CohortStatus::Archived => vec![STARTED, COMPLETED, ARCHIVED],
        CohortStatus::Cancelled => vec![cancelled()],
    });
    events
}

const ALL: [CohortStatus; 5] = [
    CohortStatus::Upcoming,
    CohortStatus::Active,
    CohortStatus::Completed,
    CohortStatus::Archived,
    CohortStatus::Cancelled,
];

/// What a command that changes the status brings in each of the five.
fn in_every_status(name: &str, body: &Value, expected: [Result<Vec<CohortEvent>, CohortRule>; 5]) {
    for (status, expected) in ALL.into_iter().zip(expected) {
        assert_eq!(when(in_status(status), name, body.clone()).inspect_result(), expected, "{name} when {status}");
    }
}

fn closed(status: CohortStatus) -> CohortRule {
    CohortRule::CohortClosed { status }
}

#[test]
fn starts_from_upcoming_once() {
    let [.., completed, archived, cancelled] = ALL.map(|status| Err(closed(status)));
    in_every_status("StartCohort", &json!({}), [Ok(vec![STARTED]), Ok(vec![]), completed, archived, cancelled]);
}

#[test]
fn completes_from_active_once() {
    let [.., archived, cancelled] = ALL.map(|status| Err(closed(status)));
    let not_started = Err(CohortRule::NotStarted);
    in_every_status("CompleteCohort", &json!({}), [not_started, Ok(vec![COMPLETED]), Ok(vec![]), archived, cancelled]);
}

#[test]
fn cancels_from_upcoming_or_active_once() {
    let [_, _, completed, archived, _] = ALL.map(|status| Err(closed(status)));
    let body = json!({ "reason": "too few" });
    let cancelled = || Ok(vec![cancelled()]);
    in_every_status("CancelCohort", &body, [cancelled(), cancelled(), completed, archived, Ok(vec![])]);
}

#[test]
fn archives_from_completed_once() {
    let [upcoming, active, _, _, cancelled] = ALL.map(|status| Err(CohortRule::NotCompleted { status }));
    in_every_status("ArchiveCohort", &json!({}), [upcoming, active, Ok(vec![ARCHIVED]), Ok(vec![]), cancelled]);
}

#[test]
fn renames_in_every_status_once() {
    let renamed = || Ok(vec![CohortEvent::CohortRenamed { name: "Været".to_owned() }]);
    in_every_status("RenameCohort", &json!({ "name": "Været" }), ALL.map(|_| renamed()));
    in_every_status("RenameCohort", &json!({ "name": "Frühjahr Ā" }), ALL.map(|_| Ok(vec![])));
}

#[test]
fn sets_the_capacity_of_an_open_cohort() {
    let set = || Ok(vec![CohortEvent::CapacitySet { capacity: Some(60) }]);
    let [.., completed, archived, cancelled] = ALL.map(|status| Err(closed(status)));
    in_every_status("SetCapacity", &json!({ "capacity": 60 }), [set(), set(), completed, archived, cancelled]);
}

#[test]
fn sets_the_same_capacity_once_and_lifts_it() {
    let sixty = CohortEvent::CapacitySet { capacity: Some(60) };
    let given = vec![scheduled(), sixty];
    when(given.clone(), "SetCapacity", json!({ "capacity": 60 })).then_expect_events(vec![]);
    when(given, "SetCapacity", json!({})).then_expect_events(vec![CohortEvent::CapacitySet { capacity: None }]);
}

#[test]
fn refuses_a_capacity_below_those_who_are_active() {
    let facts = || CohortFacts { places_taken: 50, ..facts() };
    when_facts(vec![scheduled()], "SetCapacity", json!({ "capacity": 49 }), facts())
        .then_expect_error(CohortRule::CapacityBelowEnrolled { enrolled: 50 });
    when_facts(vec![scheduled()], "SetCapacity", json!({ "capacity": 50 }), facts())
        .then_expect_events(vec![CohortEvent::CapacitySet { capacity: Some(50) }]);
}

#[test]
fn takes_no_capacity_of_nobody() {
    let body = json!({ "cohort_id": COHORT, "capacity": 0 });
    assert!(Command::decode("SetCapacity", body).unwrap().is_err());
}
