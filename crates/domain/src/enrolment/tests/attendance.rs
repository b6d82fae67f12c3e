//! Marking attendance: when it may be done, and whose mark stands.

use super::*;
use crate::cohort::CohortStatus;
use crate::origin::Origin;
use AttendanceStatus::{Absent, Excused, Present};

#[test]
fn a_mark_says_who_in_what_capacity_and_in_which_hub() {
    let command = EnrolmentCommand::MarkAttendance(MarkAttendance {
        enrolment_id: ENROLMENT,
        week: week(2),
        status: AttendanceStatus::Late,
        place: Some(Venue::Flagship),
        note: Some(text("the train")),
    });
    given([EnrolmentEvent::Membership(MembershipEvent::HubJoined {
        hub_id: HUB,
        previous: None,
        origin: Origin::Hand,
    })])
    .by(Authority::Coordinator)
    .when(command)
    .then_expect_events(vec![EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
        week: 2,
        status: AttendanceStatus::Late,
        place: Some(Venue::Flagship),
        note: Some("the train".into()),
        by: by(Authority::Coordinator).actor.person(),
        authority: Authority::Coordinator,
        hub_id: Some(HUB),
    })]);
}

#[test]
fn the_same_mark_again_changes_nothing() {
    for authority in [Authority::Owner, Authority::Admin, Authority::Instructor, Authority::Coordinator] {
        given([marked(2, Present)]).by(authority).when(mark(2, Present)).then_expect_events(vec![]);
    }
}

#[test]
fn the_same_mark_by_a_higher_authority_is_kept() {
    given([marked_by(Authority::Coordinator, 2, Present)])
        .when(mark(2, Present))
        .then_expect_events(vec![marked(2, Present)]);
}

#[test]
fn another_note_is_another_mark() {
    let noted = EnrolmentCommand::MarkAttendance(MarkAttendance {
        enrolment_id: ENROLMENT,
        week: week(2),
        status: Present,
        place: None,
        note: Some(text("left early")),
    });
    let events = given([marked(2, Present)]).when(noted).inspect_result().unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_mark_by_a_higher_authority_stands() {
    use Authority::{Admin, Coordinator, Instructor, Owner, System};
    let table = [
        // the mark that is there, the one that comes, whether it is taken
        (Coordinator, Coordinator, true),
        (Coordinator, Instructor, true),
        (Coordinator, Admin, true),
        (Instructor, Coordinator, false),
        (Instructor, Instructor, true),
        (Instructor, Owner, true),
        (Admin, Coordinator, false),
        (Admin, Instructor, false),
        (Admin, Admin, true),
        (Admin, Owner, true),
        (Owner, Admin, true),
        (Owner, Instructor, false),
        (System, Admin, true),
        (System, Coordinator, false),
    ];
    for (before, now, taken) in table {
        let result = given([marked_by(before, 2, Present)]).by(now).when(mark(2, Absent));
        if taken {
            result.then_expect_events(vec![marked_by(now, 2, Absent)]);
        } else {
            result.then_expect_error(EnrolmentRule::HigherAuthorityStands { week: 2, authority: before });
        }
    }
}

#[test]
fn a_higher_mark_of_one_week_leaves_the_others_free() {
    given([marked(2, Present)]).by(Authority::Coordinator).when(mark(3, Excused)).then_expect_events(vec![marked_by(
        Authority::Coordinator,
        3,
        Excused,
    )]);
}

#[test]
fn attendance_is_taken_from_the_beginning_of_the_local_day() {
    // Week 2 is on 11 February in Sydney, which begins at 13:00 UTC the day before.
    given([]).at("2025-02-10T13:00:00Z").when(mark(2, Present)).then_expect_events(vec![marked(2, Present)]);
    given([]).at("2025-02-10T12:59:59Z").when(mark(2, Present)).then_expect_error(EnrolmentRule::SessionInFuture {
        week: 2,
        day: NaiveDate::from_ymd_opt(2025, 2, 11).unwrap(),
    });
}

#[test]
fn refuses_a_week_that_the_cohort_does_not_have() {
    given([]).when(mark(8, Present)).then_expect_events(vec![marked(8, Present)]);
    given([]).when(mark(9, Present)).then_expect_error(EnrolmentRule::NoSuchWeek { week: 9, last: 8 });
}

#[test]
fn refuses_a_cancelled_session() {
    given([])
        .cohort([CohortEvent::SessionCancelled { week: 4, reason: "flood".into() }])
        .when(mark(4, Present))
        .then_expect_error(EnrolmentRule::SessionCancelled { week: 4 });
}

#[test]
fn a_mark_of_a_session_cancelled_afterwards_can_be_corrected() {
    given([absent(4)])
        .cohort([CohortEvent::SessionCancelled { week: 4, reason: "flood".into() }])
        .when(mark(4, Excused))
        .then_expect_events(vec![marked(4, Excused)]);
}

#[test]
fn refuses_a_mark_of_a_withdrawn_student_but_not_its_repetition() {
    let status = EnrolmentStatus::Withdrawn;
    given([withdrawn()]).when(mark(2, Present)).then_expect_error(EnrolmentRule::NotActive { status });
    given([marked(2, Present), withdrawn()]).when(mark(2, Present)).then_expect_events(vec![]);
}

#[test]
fn a_completed_student_is_corrected_until_the_cohort_is_archived() {
    given([absent(2), completed()])
        .cohort([CohortEvent::CohortCompleted {}])
        .when(mark(2, Present))
        .then_expect_events(vec![marked(2, Present)]);
    given([absent(2), completed()])
        .cohort([CohortEvent::CohortCompleted {}, CohortEvent::CohortArchived {}])
        .when(mark(2, Present))
        .then_expect_error(EnrolmentRule::CohortClosed { status: CohortStatus::Archived });
}

#[test]
fn refuses_a_mark_in_a_cancelled_cohort() {
    given([completed()])
        .cohort([CohortEvent::CohortCancelled { reason: "no room".into() }])
        .when(mark(2, Present))
        .then_expect_error(EnrolmentRule::CohortClosed { status: CohortStatus::Cancelled });
}
