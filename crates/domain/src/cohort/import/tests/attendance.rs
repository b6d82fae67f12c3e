//! Registers from a file, cell by cell.

use super::*;
use crate::cohort::{ImportAttendance, ImportedMark};
use crate::enrolment::AttendanceStatus::{self, Absent, Late, Present};
use crate::enrolment::{AttendanceEvent, MembershipEvent};

pub(super) const COORDINATOR: PersonId = PersonId(Uuid::from_u128(0x70));
const INSTRUCTOR: PersonId = PersonId(Uuid::from_u128(0x71));

/// Two students who can be found by their addresses, the first in the hub of a coordinator.
pub(super) fn class() -> School {
    let mut school = school();
    for number in 1..=2 {
        school.enrol(number, COHORT);
        school.hold(ClaimKey::email(&address(number)), person(number).0);
    }
    for (id, name) in [(COORDINATOR, "Coralie"), (INSTRUCTOR, "Ines")] {
        school.register(id, name);
    }
    school.happened(NORTH, [HubEvent::CoordinatorAppointed { person_id: COORDINATOR }]);
    school.happened(COHORT, [CohortEvent::InstructorAppointed { person_id: INSTRUCTOR, lead: true }]);
    let joined =
        EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id: NORTH, previous: None, origin: Origin::Hand });
    school.lived(enrolment(1), [joined]);
    school
}

pub(super) fn address(number: u128) -> String {
    format!("{}@example.org", person(number))
}

pub(super) fn cell(number: u32, email: &str, in_week: u8, status: AttendanceStatus) -> ImportedMark {
    ImportedMark {
        number: Some(number),
        email: Some(Personal::new(Email::try_new(email).unwrap())),
        external_id: None,
        week: week(in_week),
        status,
    }
}

pub(super) fn file(marks: Vec<ImportedMark>) -> ImportAttendance {
    ImportAttendance { cohort_id: COHORT, marks }
}

#[test]
fn marks_any_weeks_of_many_students_in_one_append() {
    let mut school = class();
    let marks = vec![
        cell(2, &address(1), 3, Absent),
        cell(2, &address(1), 1, Absent),
        cell(3, &address(2).to_uppercase(), 1, Late),
        cell(2, &address(1), 2, Absent),
    ];
    let plan = school.carry_out(file(marks.clone())).unwrap();
    assert_eq!(outcomes(&plan), [RowOutcome::New; 4]);
    assert_eq!(plan.writes.len(), 2, "a stream is written once");
    let flagged = ["AttendanceMarked", "AttendanceMarked", "AttendanceMarked", "AbsenceFlagRaised", "AttendanceMarked"];
    assert_eq!(types(&plan), flagged);
    let again = school.carry_out(file(marks)).unwrap();
    assert_eq!(outcomes(&again), [RowOutcome::Unchanged; 4]);
    assert!(again.writes.is_empty());
}

#[test]
fn a_mark_that_says_the_same_keeps_its_place_and_note() {
    let mut school = class();
    let EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked { week, status, by, authority, hub_id, .. }) =
        marked(1, Present)
    else {
        unreachable!()
    };
    let noted = EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
        week,
        status,
        place: Some(crate::enrolment::Venue::Hub),
        note: Some("left early".into()),
        by,
        authority,
        hub_id,
    });
    school.lived(enrolment(1), [noted]);
    let plan = school.carry_out(file(vec![cell(2, &address(1), 1, Present)])).unwrap();
    assert_eq!((outcomes(&plan), plan.writes.len()), (vec![RowOutcome::Unchanged], 0));
    let plan = school.carry_out(file(vec![cell(2, &address(1), 1, Absent)])).unwrap();
    assert_eq!(outcomes(&plan), [RowOutcome::Updated]);
}

#[test]
fn a_cell_that_breaks_a_rule_is_wrong_by_row_and_week_and_the_others_stand() {
    let mut school = class();
    school.lived(enrolment(2), [withdrawn()]);
    let later = at("2025-07-01T09:00:00Z");
    let moved = CohortEvent::SessionRescheduled { week: 8, starts_at: later, minutes: 120, reason: "storm".into() };
    school.happened(COHORT, [moved]);
    let marks = vec![
        cell(2, &address(1), 1, Present),
        cell(2, &address(1), 8, Present),
        cell(2, &address(1), 9, Present),
        cell(3, &address(2), 1, Present),
        cell(4, &address(1), 1, Absent),
    ];
    let plan = school.carry_out(file(marks)).unwrap();
    assert_eq!(codes(&plan), ["", "session_in_future", "no_such_week", "not_active", "duplicate_mark"]);
    assert_eq!((plan.rows[1].number, plan.rows[1].week), (2, Some(8)));
    assert_eq!(types(&plan), ["AttendanceMarked"]);
}

#[test]
fn somebody_who_is_no_student_of_the_cohort_is_told_once_for_the_row() {
    let mut school = class();
    school.entered(person(3), "Tui", "tui@example.org", None);
    let nobody = ImportedMark { email: None, ..cell(4, "x@example.org", 1, Present) };
    let marks = vec![
        cell(2, "gone@example.org", 1, Present),
        cell(2, "gone@example.org", 2, Present),
        cell(3, "tui@example.org", 1, Present),
        nobody,
    ];
    let plan = school.carry_out(file(marks)).unwrap();
    assert_eq!(codes(&plan), ["no_such_student", "no_such_student", "nobody"]);
    assert_eq!(
        plan.rows.iter().map(|row| (row.number, row.week)).collect::<Vec<_>>(),
        [(2, None), (3, None), (4, None)]
    );
}

#[test]
fn a_coordinator_marks_their_hub_and_learns_nothing_of_others() {
    let school = class();
    let marks = |email: &str| file(vec![cell(2, &address(1), 1, Present), cell(3, email, 1, Present)]);
    let of_others = school.plan_by(COORDINATOR, marks(&address(2))).unwrap();
    let of_nobody = school.plan_by(COORDINATOR, marks("gone@example.org")).unwrap();
    assert_eq!(codes(&of_others), ["", "no_such_student"]);
    assert_eq!(of_others.rows, of_nobody.rows);
    let alone = file(vec![cell(3, &address(2), 1, Present)]);
    assert!(matches!(school.plan_by(COORDINATOR, alone), Err(Refusal::NotAllowed(_))));
}

#[test]
fn a_mark_by_a_higher_authority_stands() {
    let mut school = class();
    school.lived(enrolment(1), [marked(1, Absent)]);
    let marks = vec![cell(2, &address(1), 1, Present), cell(3, &address(2), 1, Present)];
    let plan = school.plan_by(INSTRUCTOR, file(marks)).unwrap();
    assert_eq!(codes(&plan), ["higher_authority_stands", ""]);
    let Event::Enrolment(EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked { authority, by, .. })) =
        &plan.writes[0].events[0]
    else {
        panic!("{:?}", plan.writes[0])
    };
    assert_eq!((*authority, *by), (crate::Authority::Instructor, Some(INSTRUCTOR)));
}
