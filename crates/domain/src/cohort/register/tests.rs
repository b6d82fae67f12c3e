//! A register: all marks, or none.

use crate::cohort::{RegisterMark, TakeAttendance};
use crate::enrolment::{AttendanceEvent, AttendanceStatus, EnrolmentEvent, EnrolmentRule, MembershipEvent};
use crate::ids::EnrolmentId;
use crate::origin::Origin;
use crate::plan::given::*;
use crate::refusal::{Refusal, Rule};
use AttendanceStatus::{Absent, Present};

fn register(number: u8, marks: impl IntoIterator<Item = (EnrolmentId, AttendanceStatus)>) -> TakeAttendance {
    let line = |(enrolment_id, status)| RegisterMark { enrolment_id, status, place: None, note: None };
    TakeAttendance { cohort_id: COHORT, week: week(number), marks: marks.into_iter().map(line).collect() }
}

fn school(students: u128) -> School {
    let mut school = School::new();
    for number in 1..=students {
        school.enrol(number, COHORT);
    }
    school
}

#[test]
fn a_register_marks_each_student_in_its_order() {
    let plan = school(3).plan(register(2, [(enrolment(3), Absent), (enrolment(1), Present)])).unwrap();
    let streams: Vec<_> = plan.writes.iter().map(|write| write.stream).collect();
    assert_eq!(streams, [enrolment(3).into(), enrolment(1).into()]);
    assert_eq!(events(&plan, enrolment(3)), [marked(2, Absent).into()]);
    assert_eq!(events(&plan, enrolment(1)), [marked(2, Present).into()]);
}

#[test]
fn a_register_raises_flags() {
    let mut school = school(2);
    school.lived(enrolment(1), [marked(1, Absent), marked(2, Absent)]);
    let plan = school.plan(register(4, [(enrolment(1), Absent), (enrolment(2), Absent)])).unwrap();
    let raised =
        EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagRaised { flag: 1, missed_weeks: [1, 2, 4].into() });
    assert_eq!(events(&plan, enrolment(1)), [marked(4, Absent).into(), raised.into()]);
    assert_eq!(events(&plan, enrolment(2)), [marked(4, Absent).into()]);
}

#[test]
fn the_same_register_again_writes_nothing() {
    let mut school = school(2);
    let command = register(2, [(enrolment(1), Absent), (enrolment(2), Present)]);
    school.carry_out(command.clone()).unwrap();
    assert_eq!(school.plan(command).unwrap().writes, []);
}

#[test]
fn one_refusal_fails_all_and_names_the_student() {
    let mut school = school(3);
    school.lived(enrolment(2), [withdrawn()]);
    let refusal = school
        .plan(register(2, [(enrolment(1), Present), (enrolment(2), Present), (enrolment(3), Present)]))
        .unwrap_err();
    let status = crate::enrolment::EnrolmentStatus::Withdrawn;
    let rule = Rule::Enrolment(EnrolmentRule::NotActive { status });
    assert_eq!(refusal, Refusal::Rule { rule, student: Some("Student 2".into()) });
}

#[test]
fn refuses_a_register_without_marks_or_with_too_many() {
    let school = school(1);
    assert_eq!(invalid(school.plan(register(2, []))), ["/marks"]);
    let many = |students: u128| register(2, (1..=students).map(|number| (enrolment(number), Present)));
    assert_eq!(invalid(school.plan(many(2001))), ["/marks"]);
    // Of 2000 only the first is a student here: each of the others is pointed at.
    assert_eq!(invalid(school.plan(many(2000))).len(), 1999);
}

#[test]
fn points_at_whoever_comes_twice_or_is_no_student_of_the_cohort() {
    let mut school = school(2);
    school.enrol(3, OTHER_COHORT);
    let marks = [enrolment(1), enrolment(3), enrolment(2), enrolment(1), enrolment(99)];
    let result = school.plan(register(2, marks.map(|id| (id, Present))));
    assert_eq!(invalid(result), ["/marks/1/enrolment_id", "/marks/3/enrolment_id", "/marks/4/enrolment_id"]);
}

#[test]
fn refuses_a_cohort_that_does_not_exist() {
    let cohort_id = crate::CohortId(uuid::Uuid::from_u128(99));
    let command = TakeAttendance { cohort_id, ..register(2, [(enrolment(1), Present)]) };
    assert_eq!(school(1).plan(command).unwrap_err(), Refusal::NotFound(cohort_id.into()));
}

#[test]
fn a_coordinator_takes_the_register_of_their_own_hub_only() {
    let mut school = school(2);
    let coordinator = person(50);
    school.register(coordinator, "Cora Dinator");
    school.happened(HUB, [crate::hub::HubEvent::CoordinatorAppointed { person_id: coordinator }]);
    school.lived(
        enrolment(1),
        [EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id: HUB, previous: None, origin: Origin::Hand })],
    );
    let theirs = school.plan_by(coordinator, register(2, [(enrolment(1), Present)])).unwrap();
    assert_eq!(theirs.authority, crate::Authority::Coordinator);
    let both = register(2, [(enrolment(1), Present), (enrolment(2), Present)]);
    assert_eq!(school.plan_by(coordinator, both).unwrap_err().code(), "not_allowed");
}
