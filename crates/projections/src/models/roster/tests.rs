//! What the roster says, event by event.

use rollbook_domain::enrolment::{AttendanceEvent, MembershipEvent, ProgressionEvent, ReflectionEvent};
use rollbook_domain::{CommandId, SiteId};
use uuid::Uuid;

use super::*;
use crate::Rows;
use rollbook_domain::Origin;

fn fold(events: Vec<EnrolmentEvent>) -> Row {
    let id = EnrolmentId(Uuid::from_u128(1));
    let enrolled = EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled {
        cohort_id: CohortId(Uuid::from_u128(2)),
        person_id: PersonId(Uuid::from_u128(3)),
        hub_id: None,
        week: 1,
        moved_from: None,
        origin: Origin::Hand,
    });
    let mut rows = Rows::<Roster>::default();
    for (sequence, event) in (1..).zip([vec![enrolled], events].concat()) {
        rows.fold(&[Recorded {
            position: sequence,
            site: SiteId::DEFAULT,
            stream: id.into(),
            sequence,
            command_id: CommandId(Uuid::nil()),
            actor: None,
            authority: None,
            recorded_at: DateTime::UNIX_EPOCH,
            event: event.into(),
        }]);
    }
    rows.take(SiteId::DEFAULT, &id).expect("a row")
}

fn mark(week: u8, status: AttendanceStatus) -> EnrolmentEvent {
    let authority = Authority::Admin;
    EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked {
        week,
        status,
        place: None,
        note: None,
        by: None,
        authority,
        hub_id: None,
    })
}

#[test]
fn counts_only_absent_and_only_the_newest_mark_of_a_week() {
    use AttendanceStatus::{Absent, Excused, Late, Present};
    let row = fold(vec![mark(1, Absent), mark(2, Late), mark(3, Absent), mark(4, Excused), mark(3, Present)]);
    assert_eq!(row.absences, 1);
    assert_eq!(row.attendance, [(1, Absent), (2, Late), (3, Present), (4, Excused)].into());
    assert_eq!(row.version, 6);
}

#[test]
fn a_hold_lasts_until_the_release_whatever_week_is_set() {
    let (week, reason) = (1, Personal::from("to talk first"));
    let held = EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { week, reason: reason.clone() });
    let set = EnrolmentEvent::Progression(ProgressionEvent::WeekSet { from_week: 1, week: 4, reason: reason.clone() });
    let row = fold(vec![held.clone(), set.clone()]);
    assert_eq!((row.held, row.held_reason, row.week), (true, Some(reason), 4));
    let row =
        fold(vec![held, set, EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week: 4, reason: None })]);
    assert_eq!((row.held, row.held_reason, row.week), (false, None, 4));
}

#[test]
fn a_revision_after_a_fail_is_submitted_again() {
    let text = || Personal::from("…");
    let visibility = rollbook_domain::enrolment::Visibility::Private;
    let submitted =
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted { week: 1, text: text(), visibility });
    let failed = EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
        week: 1,
        outcome: Outcome::Fail,
        feedback: text(),
        by: None,
    });
    let revised = EnrolmentEvent::Reflections(ReflectionEvent::ReflectionRevised { week: 1, text: text(), visibility });
    assert_eq!(fold(vec![submitted.clone(), failed.clone()]).reflections, [(1, ReflectionState::Fail)].into());
    assert_eq!(fold(vec![submitted, failed, revised]).reflections, [(1, ReflectionState::Submitted)].into());
}
