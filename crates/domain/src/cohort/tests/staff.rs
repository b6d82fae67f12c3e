//! Appointing and dismissing markers and instructors, tested.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{closed, facts, in_status, when, when_facts};
use crate::cohort::{CohortEvent, CohortFacts, CohortRule, CohortStatus};
use crate::given::{INSTRUCTOR, MARKER, OTHER_MARKER, scheduled};
use crate::ids::PersonId;
use crate::person::Person;

fn marker(person_id: PersonId) -> CohortEvent {
    CohortEvent::MarkerAppointed { person_id }
}

fn instructor(lead: bool) -> CohortEvent {
    CohortEvent::InstructorAppointed { person_id: INSTRUCTOR, lead }
}

#[test]
fn appoints_a_marker_once() {
    let body = json!({ "person_id": MARKER });
    when(vec![scheduled()], "AppointMarker", body.clone()).then_expect_events(vec![marker(MARKER)]);
    when(vec![scheduled(), marker(MARKER)], "AppointMarker", body).then_expect_events(vec![]);
}

#[test]
fn appoints_an_instructor_and_makes_them_the_lead() {
    let body = json!({ "person_id": INSTRUCTOR });
    let lead = json!({ "person_id": INSTRUCTOR, "lead": true });
    when(vec![scheduled()], "AppointInstructor", body.clone()).then_expect_events(vec![instructor(false)]);
    when(vec![scheduled(), instructor(false)], "AppointInstructor", body).then_expect_events(vec![]);
    when(vec![scheduled(), instructor(false)], "AppointInstructor", lead).then_expect_events(vec![instructor(true)]);
}

#[test]
fn refuses_to_appoint_whoever_is_deactivated() {
    for name in ["AppointMarker", "AppointInstructor"] {
        let facts = CohortFacts { person: Arc::new(Person::default()), ..facts() };
        when_facts(vec![scheduled()], name, json!({ "person_id": MARKER }), facts)
            .then_expect_error(CohortRule::PersonInactive);
    }
}

#[test]
fn appoints_as_long_as_something_is_left_to_mark() {
    for name in ["AppointMarker", "AppointInstructor"] {
        let appoint = |status| when(in_status(status), name, json!({ "person_id": MARKER })).inspect_result();
        for open in [CohortStatus::Upcoming, CohortStatus::Active, CohortStatus::Completed] {
            assert_eq!(appoint(open).map(|events| events.len()), Ok(1), "{name} when {open}");
        }
        for status in [CohortStatus::Archived, CohortStatus::Cancelled] {
            assert_eq!(appoint(status), Err(closed(status)), "{name} when {status}");
        }
    }
}

#[test]
fn dismisses_an_instructor_in_every_status_once() {
    for status in super::ALL {
        let appointed = [in_status(status), vec![instructor(true)]].concat();
        when(appointed, "DismissInstructor", json!({ "person_id": INSTRUCTOR }))
            .then_expect_events(vec![CohortEvent::InstructorDismissed { person_id: INSTRUCTOR }]);
    }
    when(vec![scheduled()], "DismissInstructor", json!({ "person_id": INSTRUCTOR })).then_expect_events(vec![]);
}

/// Dismisses the marker, who has this many students, from a cohort with these markers.
fn dismiss(markers: &[PersonId], marker_load: u32, reallocate: bool) -> Result<Vec<CohortEvent>, CohortRule> {
    let given = [vec![scheduled()], markers.iter().copied().map(marker).collect()].concat();
    let body: Value = json!({ "person_id": MARKER, "reallocate": reallocate });
    when_facts(given, "DismissMarker", body, CohortFacts { marker_load, ..facts() }).inspect_result()
}

#[test]
fn dismisses_a_marker_without_students_even_if_nobody_else_marks() {
    let dismissed = vec![CohortEvent::MarkerDismissed { person_id: MARKER }];
    assert_eq!(dismiss(&[MARKER], 0, false), Ok(dismissed));
    assert_eq!(dismiss(&[OTHER_MARKER], 0, false), Ok(vec![]));
}

#[test]
fn refuses_to_dismiss_a_marker_who_has_students_without_a_reallocation() {
    assert_eq!(dismiss(&[MARKER, OTHER_MARKER], 7, false), Err(CohortRule::MarkerHasStudents { count: 7 }));
    let dismissed = vec![CohortEvent::MarkerDismissed { person_id: MARKER }];
    assert_eq!(dismiss(&[MARKER, OTHER_MARKER], 7, true), Ok(dismissed));
}

#[test]
fn refuses_a_reallocation_that_nobody_is_left_for() {
    assert_eq!(dismiss(&[MARKER], 7, true), Err(CohortRule::NoOtherMarker { count: 7 }));
}
