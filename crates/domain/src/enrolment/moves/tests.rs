//! Moving between cohorts: never in both, never in neither.

use super::*;
use crate::claim::{ClaimSet, Limit};
use crate::cohort::CohortEvent;
use crate::enrolment::{EnrolmentEvent, EnrolmentStatus, MembershipEvent};
use crate::hub::HubEvent;
use crate::ids::{CohortId, HubId};
use crate::origin::Origin;
use crate::plan::given::*;
use crate::world::Need;

fn move_to(to_cohort_id: CohortId) -> MoveStudent {
    MoveStudent {
        enrolment_id: enrolment(1),
        to_cohort_id,
        new_enrolment_id: Some(enrolment(11)),
        reason: text("works on Tuesdays"),
    }
}

fn left_for(moved_to: EnrolmentId) -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentWithdrawn {
        reason: "works on Tuesdays".into(),
        moved_to: Some(moved_to),
    })
}

fn joined(hub_id: HubId, previous: Option<HubId>) -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous, origin: Origin::Hand })
}

/// Student 1 in week 5 of the cohort, in a hub.
fn school() -> School {
    let mut school = School::new();
    school.enrol(1, COHORT);
    school.lived(enrolment(1), [in_week(5), joined(HUB, None)]);
    school
}

/// As `school`, but the student had been in the other cohort before, up to week 3, in another hub.
fn school_of_a_returner(then: impl IntoIterator<Item = EnrolmentEvent>) -> School {
    let mut school = School::new();
    school.enrol(1, OTHER_COHORT);
    school.lived(enrolment(1), [in_week(3), joined(OTHER_HUB, None)]);
    school.lived(enrolment(1), then);
    let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: COHORT,
        person_id: person(1),
        hub_id: Some(HUB),
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    });
    school.lived(enrolment(2), [enrolled]);
    school
}

fn move_back() -> MoveStudent {
    MoveStudent { enrolment_id: enrolment(2), ..move_to(OTHER_COHORT) }
}

#[test]
fn a_student_leaves_here_and_begins_there_in_the_same_hub() {
    let mut school = school();
    let plan = school.carry_out(move_to(OTHER_COHORT)).unwrap();
    assert_eq!(events(&plan, enrolment(1)), [left_for(enrolment(11)).into()]);
    let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: OTHER_COHORT,
        person_id: person(1),
        hub_id: Some(HUB),
        week: 1,
        moved_from: Some(enrolment(1)),
        origin: Origin::Hand,
    });
    assert_eq!(events(&plan, enrolment(11)), [enrolled.into()]);
    assert_eq!(plan.limits, []);
}

#[test]
fn the_one_active_enrolment_passes_on_within_the_move() {
    let mut school = school();
    let plan = school.carry_out(move_to(OTHER_COHORT)).unwrap();
    let active = ClaimKey::active_enrolment(person(1));
    assert!(plan.claims.releases.contains(&active));
    assert!(plan.claims.takes.contains(&(active.clone(), enrolment(11).0)));
    assert_eq!(school.owner(&active), Some(enrolment(11).0));
    assert_eq!(school.owner(&ClaimKey::place(COHORT, enrolment(1))), None);
    assert_eq!(school.owner(&ClaimKey::place(OTHER_COHORT, enrolment(11))), Some(enrolment(11).0));
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, enrolment(1))), None);
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, enrolment(11))), Some(enrolment(11).0));
}

#[test]
fn whoever_had_been_there_comes_back_to_their_week_and_keeps_the_hub_they_meet_in() {
    let mut school = school_of_a_returner([withdrawn()]);
    let plan = school.carry_out(move_back()).unwrap();
    let back = EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: Some(enrolment(2)) });
    assert_eq!(events(&plan, enrolment(2)), [left_for(enrolment(1)).into()]);
    assert_eq!(events(&plan, enrolment(1)), [joined(HUB, Some(OTHER_HUB)).into(), back.into()]);
    assert_eq!(plan.writes.len(), 2, "the new id is not used");
    assert_eq!(school.student(enrolment(1)).week, 3);
    assert_eq!(school.owner(&ClaimKey::active_enrolment(person(1))), Some(enrolment(1).0));
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, enrolment(1))), Some(enrolment(1).0));
    assert_eq!(school.owner(&ClaimKey::hub_place(OTHER_HUB, enrolment(1))), None);
}

#[test]
fn the_enrolment_that_is_left_is_no_other_active_one() {
    let active = || [Need::Owner(ClaimKey::active_enrolment(person(1)))];
    assert!(school().plan_knowing(active(), ADMIN, move_to(OTHER_COHORT)).is_ok());
    assert!(school_of_a_returner([withdrawn()]).plan_knowing(active(), ADMIN, move_back()).is_ok());
}

#[test]
fn nobody_comes_back_into_a_closed_hub() {
    let mut school = school_of_a_returner([withdrawn()]);
    school.happened(HUB, [HubEvent::HubClosed {}]);
    school.carry_out(move_back()).unwrap();
    assert_eq!(school.student(enrolment(1)).hub_id, None);
}

#[test]
fn refuses_to_come_back_to_what_was_completed() {
    let refusal = school_of_a_returner([completed()]).plan(move_back()).unwrap_err();
    assert_eq!(refusal.code(), "enrolment_completed");
}

#[test]
fn the_capacity_there_holds() {
    let mut school = school();
    school.happened(OTHER_COHORT, [CohortEvent::CapacitySet { capacity: Some(1) }]);
    let limit = Limit::at_most(ClaimSet::places(OTHER_COHORT), 1);
    assert_eq!(school.plan(move_to(OTHER_COHORT)).unwrap().limits, [limit]);
    school.enrol(3, OTHER_COHORT);
    let refusal = school.plan(move_to(OTHER_COHORT)).unwrap_err();
    assert_eq!(refusal.code(), "cohort_full");
    assert!(refusal.detail().starts_with("Student 1 "), "{}", refusal.detail());
}

#[test]
fn the_cohort_there_must_be_open_and_exist() {
    let mut school = school();
    school.happened(OTHER_COHORT, [CohortEvent::CohortCompleted {}]);
    assert_eq!(school.plan(move_to(OTHER_COHORT)).unwrap_err().code(), "cohort_closed");
    let unknown = CohortId(uuid::Uuid::from_u128(99));
    assert_eq!(school.plan(move_to(unknown)).unwrap_err(), Refusal::NotFound(unknown.into()));
}

#[test]
fn refuses_a_move_to_where_they_are() {
    let refusal = school().plan(move_to(COHORT)).unwrap_err();
    assert_eq!(refusal, Refusal::Rule { rule: BatchRule::SameCohort.into(), student: Some("Student 1".into()) });
}

#[test]
fn refuses_to_move_whoever_takes_no_part() {
    for (gone, status) in [(withdrawn(), EnrolmentStatus::Withdrawn), (completed(), EnrolmentStatus::Completed)] {
        let mut school = school();
        school.lived(enrolment(1), [gone]);
        let rule = EnrolmentRule::NotActive { status }.into();
        let refusal = school.plan(move_to(OTHER_COHORT)).unwrap_err();
        assert_eq!(refusal, Refusal::Rule { rule, student: Some("Student 1".into()) });
    }
}

#[test]
fn the_new_enrolment_needs_an_id_of_its_own() {
    let mut school = school();
    school.enrol(11, OTHER_COHORT);
    let refusal = school.plan(move_to(OTHER_COHORT)).unwrap_err();
    assert_eq!(refusal, Refusal::AlreadyExists(enrolment(11).into()));
}
