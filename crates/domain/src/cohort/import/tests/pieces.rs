//! A file in pieces comes to what it comes to as a whole.

use super::attendance::{COORDINATOR, address, cell, class, file};
use super::*;
use crate::cohort::{PIECE_EVENTS, Piece};
use crate::enrolment::AttendanceStatus::{Absent, Present};
use crate::enrolment::MembershipEvent;

/// Brings a file in piece by piece; what is told of it, and by how many events each piece. As a whole it comes to the same.
fn in_pieces(school: &School, by: PersonId, mut command: Command) -> (Vec<ImportedRow>, Vec<usize>) {
    command.fill_ids(Uuid::new_v4);
    let mut whole = school.clone();
    let plan = whole.carry_out_by(by, command.clone()).unwrap();
    let mut school = school.clone();
    let mut rows: Vec<_> = plan.rows.iter().cloned().map(Some).collect();
    let mut events = Vec::new();
    let whole = command;
    for part in plan.pieces().expect("it goes in pieces") {
        let piece = Piece::of(&whole, part.rows, &plan.rows).expect("rows of the file");
        let mut command = piece.command.clone();
        command.fill_ids(Uuid::new_v4);
        let plan = school.carry_out_by(by, command.clone()).unwrap();
        assert!(plan.pieces().is_none(), "a piece goes as one");
        events.push(types(&plan).len());
        piece.tell(plan.rows, &mut rows);
    }
    let rows: Vec<_> = rows.into_iter().map(|row| row.expect("every row is told")).collect();
    let told = |row: &ImportedRow| {
        let ImportedRow { number, outcome, week, column, code, reason, kept, person_id, enrolment_id } = row.clone();
        (number, outcome, week, column, code, reason, kept, person_id.is_some(), enrolment_id.is_some())
    };
    assert_eq!(rows.iter().map(told).collect::<Vec<_>>(), plan.rows.iter().map(told).collect::<Vec<_>>());
    assert_eq!(events.iter().sum::<usize>(), types(&plan).len());
    assert!(events.iter().all(|events| (1..=PIECE_EVENTS).contains(events)), "{events:?}");
    (rows, events)
}

fn newcomer(number: u32) -> RosterRow {
    row(&format!("Student {number}"), &format!("student{number}@example.org")).numbered(number)
}

#[test]
fn a_roster_of_few_changes_goes_as_one_however_long_it_is() {
    let mut school = school();
    let rows: Vec<_> = (1..=500).map(newcomer).collect();
    let first = roster(1 << 20, rows.clone());
    let plan = school.carry_out(first).unwrap();
    assert_eq!(types(&plan).len(), PIECE_EVENTS);
    assert!(plan.pieces().is_none());
    let more = roster(2 << 20, rows.into_iter().chain((501..=1000).map(newcomer)).collect());
    assert!(school.plan(more).unwrap().pieces().is_none());
}

#[test]
fn a_roster_in_pieces_is_told_as_a_whole() {
    let mut school = school();
    school.entered(person(1), "Known", "student7@example.org", Some("seven"));
    school.enrol(2, COHORT);
    school.hold(ClaimKey::email("student8@example.org"), person(2).0);
    let mut rows: Vec<_> = (1..=1_200).map(newcomer).collect();
    // Twice, once with its address and once with its id, in what would be other pieces; unknown hubs; and who is there already.
    rows.push(newcomer(3).numbered(1_201));
    rows.push(RosterRow { email: None, ..newcomer(1_202) }.known_as("seven"));
    rows.push(newcomer(1_203).at("Nowhere"));
    rows.push(newcomer(1_204).at("Southland"));
    let (rows, events) = in_pieces(&school, ADMIN, roster(1 << 20, rows));
    assert_eq!(events, [999, 1_000, 400]);
    let wrong = rows.iter().filter(|row| row.outcome == RowOutcome::Wrong).map(|row| row.number);
    assert_eq!(wrong.collect::<Vec<_>>(), [1_201, 1_202, 1_203]);
}

#[test]
fn places_that_are_taken_meanwhile_are_told() {
    let school = school();
    let mut command = roster(1 << 20, (1..=600).map(newcomer).collect());
    command.fill_ids(Uuid::new_v4);
    let plan = school.plan(command.clone()).unwrap();
    let mut rows: Vec<_> = plan.rows.iter().cloned().map(Some).collect();
    let second = plan.pieces().unwrap().remove(1);
    let second = Piece::of(&command, second.rows, &plan.rows).unwrap();
    let full = ImportedRow::wrong(501, None, "cohort_full", "it is");
    second.tell(vec![full.clone()], &mut rows);
    assert_eq!(rows[500], Some(full));
    assert_eq!(rows[499].as_ref().map(|row| row.outcome), Some(RowOutcome::New));
}

#[test]
fn a_students_weeks_stay_together_and_in_their_order() {
    let mut school = class();
    for number in 3..=300 {
        school.enrol(number, COHORT);
        school.hold(ClaimKey::email(&address(number)), person(number).0);
    }
    // From the last week to the first, all students of each.
    let numbers = (1..).zip((1..=8).rev().flat_map(|week| (1..=300).map(move |student| (week, student))));
    let marks = numbers.map(|(row, (week, student))| cell(row, &address(student), week, Absent)).collect();
    let (rows, events) = in_pieces(&school, ADMIN, file(marks).into());
    assert_eq!((rows.len(), events.len()), (2_400, 3));
}

#[test]
fn a_coordinators_pieces_are_of_their_students() {
    let mut school = class();
    let mut marks = Vec::new();
    for number in 3..=400 {
        school.enrol(number, COHORT);
        school.hold(ClaimKey::email(&address(number)), person(number).0);
        if number > 200 {
            let joined = EnrolmentEvent::Membership(MembershipEvent::HubJoined {
                hub_id: NORTH,
                previous: None,
                origin: Origin::Hand,
            });
            school.lived(enrolment(number), [joined]);
        }
        let row = u32::try_from(number).unwrap();
        marks.extend((1..=8).map(|week| cell(row, &address(number), week, Present)));
    }
    let (rows, events) = in_pieces(&school, COORDINATOR, file(marks).into());
    assert_eq!((rows.len(), events), (198 + 200 * 8, vec![1_000, 600]));
}
