//! A cohort's end and a marker's, with their students, tested.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::Actor;
use crate::claim::{ClaimSet, Limit};
use crate::cohort::{CohortEvent, CohortRule};
use crate::enrolment::{EnrolmentEvent, MembershipEvent, ReflectionEvent};
use crate::event::Event;
use crate::given::*;
use crate::ids::{EnrolmentId, PersonId, StreamId};
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::world::World;

const SECOND_MARKER: PersonId = OTHER_MARKER;
const THIRD_MARKER: PersonId = OTHER_INSTRUCTOR;

fn enrolment(number: u128) -> EnrolmentId {
    EnrolmentId(Uuid::from_u128(0x100 + number))
}

/// The school's cohort, started, with these students, each with this marker and then these further events.
fn cohort_with(students: &[(Option<PersonId>, Vec<EnrolmentEvent>)]) -> World {
    let mut world = school();
    append(&mut world, COHORT, [CohortEvent::CohortStarted {}]);
    let (mut ever, mut active) = (Vec::new(), Vec::new());
    for (number, (marker, further)) in (1..).zip(students) {
        let id = enrolment(number);
        append(&mut world, id, [enrolled(COHORT, PersonId(Uuid::from_u128(0x200 + number)), None)]);
        append(
            &mut world,
            id,
            marker.map(|marker_id| {
                EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous: None })
            }),
        );
        append(&mut world, id, further.clone());
        ever.push(id.0);
        if world.enrolment(id).state.is_active() {
            active.push(id.0);
        }
    }
    world.put_members(ClaimSet::enrolments(COHORT), ever);
    world.put_members(ClaimSet::places(COHORT), active);
    world
}

fn withdrawn() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn { reason: "has moved".into(), moved_to: None })
}

fn when(world: &World, name: &str, mut body: Value) -> Result<Plan, Refusal> {
    body["cohort_id"] = json!(COHORT);
    planned(&command(name, body), Actor::Person(ADMIN), "2025-10-08T06:00:00Z", world)
}

/// The events by stream, with the version they follow.
fn written(plan: &Plan) -> Vec<(StreamId, i64, Vec<Event>)> {
    plan.writes.iter().map(|write| (write.stream, write.expected_version, write.events.clone())).collect()
}

#[test]
fn completing_a_cohort_completes_everyone_who_is_active_in_it() {
    let world = cohort_with(&[(None, vec![]), (None, vec![withdrawn()]), (Some(MARKER), vec![])]);
    let plan = when(&world, "CompleteCohort", json!({})).expect("accepted");
    let completed = || vec![EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {}).into()];
    assert_eq!(
        written(&plan),
        [
            (COHORT.into(), 4, vec![CohortEvent::CohortCompleted {}.into()]),
            (enrolment(1).into(), 1, completed()),
            (enrolment(3).into(), 2, completed()),
        ]
    );
    assert_eq!(plan.lists, BTreeMap::from([("completed".to_owned(), vec![enrolment(1), enrolment(3)])]));
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::places(COHORT), 0)]);
}

#[test]
fn cancelling_a_cohort_withdraws_everyone_for_the_same_reason() {
    let world = cohort_with(&[(None, vec![]), (None, vec![])]);
    let plan = when(&world, "CancelCohort", json!({ "reason": "für zu wenige" })).expect("accepted");
    let left = || {
        vec![
            EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn {
                reason: "für zu wenige".into(),
                moved_to: None,
            })
            .into(),
        ]
    };
    assert_eq!(
        written(&plan),
        [
            (COHORT.into(), 4, vec![CohortEvent::CohortCancelled { reason: "für zu wenige".into() }.into()]),
            (enrolment(1).into(), 1, left()),
            (enrolment(2).into(), 1, left()),
        ]
    );
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::places(COHORT), 0)]);
}

#[test]
fn ending_a_cohort_again_does_nothing() {
    let mut world = cohort_with(&[(None, vec![])]);
    append(&mut world, COHORT, [CohortEvent::CohortCompleted {}]);
    let plan = when(&world, "CompleteCohort", json!({})).expect("accepted");
    assert!(plan.writes.is_empty() && plan.limits.is_empty() && plan.lists.is_empty());
}

#[test]
fn a_cohort_that_has_not_started_ends_nobodys_enrolment() {
    let mut world = cohort_with(&[(None, vec![])]);
    append(&mut world, OTHER_COHORT, [scheduled()]);
    let complete = command("CompleteCohort", json!({ "cohort_id": OTHER_COHORT }));
    let refused = planned(&complete, Actor::Person(ADMIN), "2025-10-08T06:00:00Z", &world);
    assert_eq!(refused.expect_err("refused"), CohortRule::NotStarted.into());
}

fn dismiss(world: &World, reallocate: bool) -> Result<Plan, Refusal> {
    when(world, "DismissMarker", json!({ "person_id": MARKER, "reallocate": reallocate }))
}

fn appoint(world: &mut World, markers: &[PersonId]) {
    append(world, COHORT, markers.iter().map(|id| CohortEvent::MarkerAppointed { person_id: *id }));
}

/// Who takes whom, after checking that the dismissed marker took them before.
fn reassigned(plan: &Plan) -> BTreeMap<StreamId, PersonId> {
    let mut given = BTreeMap::new();
    for write in &plan.writes {
        for event in &write.events {
            if let Event::Enrolment(EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned {
                marker_id,
                previous,
            })) = event
            {
                assert_eq!(*previous, Some(MARKER));
                given.insert(write.stream, *marker_id);
            }
        }
    }
    given
}

#[test]
fn a_dismissed_markers_students_go_to_the_least_loaded_and_nobody_elses_marker_changes() {
    let students: Vec<_> = [Some(MARKER), Some(MARKER), Some(MARKER), Some(SECOND_MARKER), Some(SECOND_MARKER), None]
        .map(|marker| (marker, vec![]))
        .into();
    let mut world = cohort_with(&students);
    appoint(&mut world, &[SECOND_MARKER, THIRD_MARKER]);
    let plan = dismiss(&world, true).expect("accepted");

    assert_eq!(plan.writes[0].events, [CohortEvent::MarkerDismissed { person_id: MARKER }.into()]);
    let given = reassigned(&plan);
    let theirs: BTreeSet<StreamId> = (1..=3).map(|number| enrolment(number).into()).collect();
    assert_eq!(given.keys().copied().collect::<BTreeSet<_>>(), theirs);
    let third = given.values().filter(|marker| **marker == THIRD_MARKER).count();
    assert!((2..=3).contains(&third), "five students, two of them the second marker's before; now {third} the third's");
    assert_eq!(plan.lists["reallocated"].len(), 3);
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::enrolments(COHORT), 6)]);
}

#[test]
fn a_marker_with_students_is_not_dismissed_without_a_reallocation() {
    let mut world = cohort_with(&[(Some(MARKER), vec![]), (Some(MARKER), vec![]), (Some(MARKER), vec![withdrawn()])]);
    let count = 2;
    assert_eq!(dismiss(&world, false).expect_err("refused"), CohortRule::MarkerHasStudents { count }.into());
    assert_eq!(dismiss(&world, true).expect_err("refused"), CohortRule::NoOtherMarker { count }.into());
    appoint(&mut world, &[SECOND_MARKER]);
    assert_eq!(reassigned(&dismiss(&world, true).expect("accepted")).len(), 2);
}

#[test]
fn a_marker_without_students_is_dismissed_either_way() {
    let world = cohort_with(&[(None, vec![])]);
    for reallocate in [false, true] {
        assert_eq!(dismiss(&world, reallocate).expect("accepted").writes.len(), 1);
    }
}

#[test]
fn a_completed_cohorts_students_still_have_their_marker_and_an_archived_ones_no_more() {
    let mut world =
        cohort_with(&[(Some(MARKER), vec![EnrolmentEvent::Membership(MembershipEvent::EnrolmentCompleted {})])]);
    append(&mut world, COHORT, [CohortEvent::CohortCompleted {}]);
    assert_eq!(dismiss(&world, false).expect_err("refused"), CohortRule::MarkerHasStudents { count: 1 }.into());
    append(&mut world, COHORT, [CohortEvent::CohortArchived {}]);
    assert_eq!(dismiss(&world, false).expect("accepted").writes.len(), 1);
}
