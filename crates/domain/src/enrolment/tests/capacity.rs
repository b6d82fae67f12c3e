//! Commands over one enrolment: what must exist, what is looked up, what is limited.

use crate::claim::{ClaimKey, ClaimSet, Limit};
use crate::cohort::CohortEvent;
use crate::enrolment::*;
use crate::ids::{CohortId, HubId, PersonId, StreamId};
use crate::plan::given::*;
use crate::refusal::{Refusal, Rule};

fn enrol(number: u128, cohort_id: CohortId) -> EnrolStudent {
    let person_id = person(number);
    EnrolStudent { enrolment_id: Some(enrolment(100 + number)), cohort_id, person_id, hub_id: None }
}

fn capacity(capacity: u32) -> [CohortEvent; 1] {
    [CohortEvent::CapacitySet { capacity: Some(capacity) }]
}

#[test]
fn enrolling_writes_the_stream_and_takes_the_claims() {
    let mut school = School::new();
    school.register(person(1), "Anna Ho");
    let plan = school.carry_out(enrol(1, COHORT)).unwrap();
    assert_eq!(plan.writes.len(), 1);
    assert_eq!(plan.writes[0].stream, enrolment(101).into());
    assert_eq!(plan.writes[0].expected_version, 0);
    assert_eq!(school.owner(&ClaimKey::active_enrolment(person(1))), Some(enrolment(101).0));
    assert_eq!(plan.limits, [], "without a capacity there is no limit");
}

#[test]
fn whoever_takes_a_place_is_bound_by_the_capacity() {
    let mut school = School::new();
    school.happened(COHORT, capacity(1));
    school.register(person(1), "Anna Ho");
    let limit = Limit::at_most(ClaimSet::places(COHORT), 1);
    assert_eq!(school.carry_out(enrol(1, COHORT)).unwrap().limits, std::slice::from_ref(&limit));

    school.lived(enrolment(101), [withdrawn()]);
    let back = ReinstateStudent { enrolment_id: enrolment(101) };
    assert_eq!(school.plan(back.clone()).unwrap().limits, [limit]);

    school.enrol(2, COHORT);
    let rule = Rule::Enrolment(EnrolmentRule::CohortFull { capacity: 1 });
    assert_eq!(school.plan(back).unwrap_err(), Refusal::Rule { rule, student: Some("Anna Ho".into()) });
}

#[test]
fn whoever_takes_no_place_is_not_bound_by_the_capacity() {
    // It may have been lowered meanwhile, or the cohort be as full as it may be.
    let mut school = School::new();
    school.happened(COHORT, capacity(1));
    let id = school.enrol(1, COHORT);
    let advance = AdvanceStudent { enrolment_id: id, to_week: week(2), reason: None };
    assert_eq!(school.plan(advance).unwrap().limits, []);
    assert_eq!(school.plan(JoinHub { enrolment_id: id, hub_id: Some(HUB) }).unwrap().limits, []);
    assert_eq!(school.plan(WithdrawStudent { enrolment_id: id, reason: text("ill") }).unwrap().limits, []);
}

#[test]
fn a_full_cohort_refuses_by_name() {
    let mut school = School::new();
    school.happened(COHORT, capacity(1));
    school.enrol(1, COHORT);
    school.register(person(2), "Bảo Trần");
    let refusal = school.plan(enrol(2, COHORT)).unwrap_err();
    assert_eq!(refusal.code(), "cohort_full");
    assert!(refusal.detail().starts_with("Bảo Trần "), "{}", refusal.detail());
}

#[test]
fn one_person_has_one_active_cohort_at_a_time() {
    let mut school = School::new();
    let here = school.enrol(1, COHORT);
    assert_eq!(school.plan(enrol(1, OTHER_COHORT)).unwrap_err().code(), "active_elsewhere");
    school.lived(here, [withdrawn()]);
    school.carry_out(enrol(1, OTHER_COHORT)).unwrap();
    let back = ReinstateStudent { enrolment_id: here };
    assert_eq!(school.plan(back).unwrap_err().code(), "active_elsewhere");
}

#[test]
fn one_person_has_one_enrolment_in_a_cohort_for_ever() {
    let mut school = School::new();
    let here = school.enrol(1, COHORT);
    assert_eq!(school.plan(enrol(1, COHORT)).unwrap_err().code(), "already_enrolled");
    school.lived(here, [withdrawn()]);
    assert_eq!(school.plan(enrol(1, COHORT)).unwrap_err().code(), "already_enrolled");
}

#[test]
fn what_is_named_must_exist() {
    let mut school = School::new();
    school.register(person(1), "Anna Ho");
    let nowhere = CohortId::from(uuid::Uuid::from_u128(99));
    let nobody = PersonId::from(uuid::Uuid::from_u128(99));
    let no_hub = HubId::from(uuid::Uuid::from_u128(99));
    let not_found = |stream: StreamId| Err(Refusal::NotFound(stream));

    let here = enrol(1, COHORT);
    let cases = [
        (EnrolStudent { cohort_id: nowhere, ..here.clone() }, nowhere.into()),
        (EnrolStudent { person_id: nobody, ..here.clone() }, nobody.into()),
        (EnrolStudent { hub_id: Some(no_hub), ..here }, no_hub.into()),
    ];
    for (command, missing) in cases {
        assert_eq!(school.plan(command).map(|plan| plan.writes), not_found(missing));
    }
    let id = school.enrol(2, COHORT);
    let join = JoinHub { enrolment_id: id, hub_id: Some(no_hub) };
    assert_eq!(school.plan(join).map(|plan| plan.writes), not_found(no_hub.into()));
    let complete = CompleteEnrolment { enrolment_id: enrolment(99) };
    assert_eq!(school.plan(complete).map(|plan| plan.writes), not_found(enrolment(99).into()));
}

#[test]
fn an_enrolment_is_not_made_under_an_id_that_is_taken() {
    let mut school = School::new();
    let taken = school.enrol(1, COHORT);
    school.register(person(2), "Anna Ho");
    let command = EnrolStudent { enrolment_id: Some(taken), ..enrol(2, COHORT) };
    assert_eq!(school.plan(command).unwrap_err(), Refusal::AlreadyExists(taken.into()));
}

#[test]
fn a_hub_is_joined_and_found_closed_on_coming_back() {
    let mut school = School::new();
    let id = school.enrol(1, COHORT);
    school.carry_out(JoinHub { enrolment_id: id, hub_id: Some(HUB) }).unwrap();
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, id)), Some(id.0));
    school.lived(id, [withdrawn()]);
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, id)), None);
    school.happened(HUB, [crate::hub::HubEvent::HubClosed {}]);
    assert_eq!(school.plan(JoinHub { enrolment_id: id, hub_id: Some(HUB) }).unwrap().writes, []);
    school.carry_out(ReinstateStudent { enrolment_id: id }).unwrap();
    assert_eq!(school.student(id).hub_id, None);
    assert_eq!(school.owner(&ClaimKey::hub_place(HUB, id)), None);
    assert_eq!(school.owner(&ClaimKey::place(COHORT, id)), Some(id.0));
}

#[test]
fn what_is_already_so_writes_nothing() {
    let mut school = School::new();
    let id = school.enrol(1, COHORT);
    let plan = school.plan(ReinstateStudent { enrolment_id: id }).unwrap();
    assert_eq!((plan.writes, plan.limits), (vec![], vec![]));
}

#[test]
fn whoever_may_not_learns_nothing() {
    let mut school = School::new();
    let id = school.enrol(1, COHORT);
    for enrolment_id in [id, enrolment(99)] {
        let command = HoldStudent { enrolment_id, reason: text("ill") };
        assert_eq!(school.plan_by(person(1), command).unwrap_err().code(), "not_allowed");
    }
}
