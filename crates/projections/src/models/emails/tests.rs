//! Which messages events ask for, and that their ids are theirs for ever.

use rollbook_domain::enrolment::Outcome;
use rollbook_domain::enrolment::ReflectionEvent;
use rollbook_domain::{CohortId, CommandId, SiteId, StreamId, WeekEmailsId};

use super::*;
use crate::Rows;

const COHORT: CohortId = CohortId(Uuid::from_u128(30));
const STUDENT: EnrolmentId = EnrolmentId(Uuid::from_u128(51));
const OTHER: EnrolmentId = EnrolmentId(Uuid::from_u128(52));

fn recorded(stream: impl Into<StreamId>, sequence: i64, event: impl Into<Event>) -> Recorded {
    Recorded {
        position: 100 + sequence,
        site: SiteId::DEFAULT,
        stream: stream.into(),
        sequence,
        command_id: CommandId(Uuid::nil()),
        actor: None,
        authority: None,
        recorded_at: DateTime::UNIX_EPOCH,
        event: event.into(),
    }
}

fn requested(sequence: i64, week: u8, enrolments: &[EnrolmentId]) -> Recorded {
    let enrolments = enrolments.iter().copied().collect();
    let event = WeekEmailsEvent::WeekEmailsRequested { week, enrolments };
    recorded(WeekEmailsId::from(COHORT), sequence, event)
}

fn marked(sequence: i64) -> Recorded {
    let event = EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
        week: 2,
        outcome: Outcome::Pass,
        feedback: "Good.".into(),
        by: None,
    });
    recorded(STUDENT, sequence, event)
}

fn amended(sequence: i64) -> Recorded {
    let (feedback, reason) = ("Short.".into(), "reread".into());
    let event = EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended {
        week: 2,
        outcome: Outcome::Fail,
        feedback,
        reason,
        by: None,
    });
    recorded(STUDENT, sequence, event)
}

fn folded(events: &[Recorded]) -> Vec<Row> {
    let mut rows = Rows::<Emails>::default();
    rows.fold(events);
    rows.drain().map(|(_, row)| row).collect()
}

#[test]
fn a_week_is_told_to_a_student_by_one_message_however_often_it_is_asked_for() {
    let rows = folded(&[requested(1, 3, &[STUDENT, OTHER]), requested(2, 3, &[STUDENT])]);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.position == 101 && row.kind == EmailKind::WeekOpen), "{rows:?}");
    assert_eq!(folded(&[requested(1, 3, &[STUDENT]), requested(2, 4, &[STUDENT])]).len(), 2);
}

#[test]
fn each_marking_is_told_by_a_message_of_its_own() {
    let rows = folded(&[marked(5), amended(6), marked(8)]);
    let mut kinds: Vec<_> = rows.iter().map(|row| (row.position, row.kind)).collect();
    kinds.sort_unstable_by_key(|(position, _)| *position);
    let marked = EmailKind::ReflectionMarked;
    assert_eq!(kinds, [(105, marked), (106, EmailKind::MarkAmended), (108, marked)]);
}

#[test]
fn a_messages_id_never_changes() {
    // Deliveries are kept by it: a rebuild that made another one would send everything again.
    let ids: Vec<_> = folded(&[requested(1, 3, &[STUDENT])]).iter().map(|row| row.message_id.to_string()).collect();
    assert_eq!(ids, ["276c1703-62a8-5b0b-8a8e-c1588d0cb6fd"]);
}
