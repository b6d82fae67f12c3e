//! The reading rows of docs/domain.md, for every kind of reader of one student's cohort.

use super::{OwnEnrolment, Reader, RosterScope, Weeks};
use crate::enrolment::{EnrolmentStatus, Visibility};
use crate::given::*;
use crate::ids::PersonId;

/// Who reads what about a student of the cohort, who is in the hub and in week 3. A prime marks the appointment elsewhere;
/// `mate` is in the student's week, `behind` in the week before, `left` was a mate, `student'` is in another cohort.
const TABLE: &str = "
    reads               admin instr instr' coord coord' marker marker' self mate behind left student' nobody
    whole_roster         yes   yes    –      –     –     yes     –      –    –     –     –      –       –
    hubs_roster           –     –     –     yes    –      –      –      –    –     –     –      –       –
    record               yes   yes    –     yes    –     yes     –     yes   –     –     –      –       –
    public_reflection    yes   yes    –     yes    –     yes     –     yes  yes    –     –      –       –
    private_reflection   yes    –     –      –     –     yes     –     yes   –     –     –      –       –
    hub                  yes    –     –     yes    –      –      –      –    –     –     –      –       –
    marking_queue        yes    –     –      –     –     yes     –      –    –     –     –      –       –
    audit                yes    –     –      –     –      –      –      –    –     –     –      –       –
    all_weeks            yes   yes    –      –     –     yes     –      –    –     –     –      –       –
    week_before          yes   yes    –     yes    –     yes     –     yes  yes   yes    –      –       –
    week                 yes   yes    –     yes    –     yes     –     yes  yes    –     –      –       –
    week_after           yes   yes    –      –     –     yes     –      –    –     –     –      –       –
    edit                 yes   yes    –      –     –      –      –      –    –     –     –      –       –
    cohort               yes   yes    –     yes   yes    yes     –     yes  yes   yes   yes     –       –
";

fn reader(person: PersonId) -> Reader {
    Reader {
        person,
        admin: false,
        instructs: [].into(),
        marks: [].into(),
        coordinates: [].into(),
        enrolments: Vec::new(),
    }
}

fn student(person: PersonId, cohort: crate::CohortId, week: u8, status: EnrolmentStatus) -> Reader {
    let own = OwnEnrolment { id: OTHER_ENROLMENT, cohort, week, status };
    Reader { enrolments: vec![own], ..reader(person) }
}

fn readers() -> [Reader; 13] {
    [
        Reader { admin: true, ..reader(ADMIN) },
        Reader { instructs: [COHORT].into(), ..reader(INSTRUCTOR) },
        Reader { instructs: [OTHER_COHORT].into(), ..reader(OTHER_INSTRUCTOR) },
        Reader { coordinates: [HUB].into(), ..reader(COORDINATOR) },
        Reader { coordinates: [OTHER_HUB].into(), ..reader(OTHER_COORDINATOR) },
        Reader { marks: [COHORT].into(), ..reader(MARKER) },
        Reader { marks: [OTHER_COHORT].into(), ..reader(OTHER_MARKER) },
        student(STUDENT, COHORT, 3, EnrolmentStatus::Active),
        student(OTHER_STUDENT, COHORT, 3, EnrolmentStatus::Active),
        student(OTHER_STUDENT, COHORT, 2, EnrolmentStatus::Active),
        student(OTHER_STUDENT, COHORT, 3, EnrolmentStatus::Withdrawn),
        student(OTHER_STUDENT, OTHER_COHORT, 8, EnrolmentStatus::Active),
        reader(NOBODY),
    ]
}

fn reads(reader: &Reader, what: &str) -> bool {
    // The student is the furthest of the hub, and the other coordinator's hub has nobody in the cohort.
    let furthest = if reader.coordinates.contains(&HUB) { 3 } else { 0 };
    let weeks = reader.syllabus(COHORT, furthest);
    let reflection = |visibility| reader.reflection(STUDENT, COHORT, Some(HUB), 3, visibility);
    match what {
        "whole_roster" => reader.roster(COHORT) == Some(RosterScope::Whole),
        "hubs_roster" => reader.roster(COHORT) == Some(RosterScope::Hubs([HUB].into())),
        "record" => reader.record(STUDENT, COHORT, Some(HUB)),
        "public_reflection" => reflection(Visibility::Cohort),
        "private_reflection" => reflection(Visibility::Private),
        "hub" => reader.hub(HUB),
        "marking_queue" => reader.marking(COHORT),
        "all_weeks" => weeks == Weeks::All,
        "week_before" => weeks.include(2),
        "week" => weeks.include(3),
        "week_after" => weeks.include(4),
        "edit" => reader.edits_syllabus(COHORT),
        "audit" => reader.audit(),
        "cohort" => reader.cohort(COHORT),
        other => panic!("no reading of {other}"),
    }
}

#[test]
fn everything_is_read_by_exactly_those_whom_the_table_names() {
    for row in TABLE.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        let mut words = row.split_whitespace();
        let what = words.next().unwrap();
        let expected: Vec<_> = words.map(|cell| cell == "yes").collect();
        let actual: Vec<_> = readers().iter().map(|reader| reads(reader, what)).collect();
        assert_eq!(actual, expected, "{what}");
    }
}

#[test]
fn nobody_but_admins_and_the_cohorts_staff_reads_the_record_of_a_student_without_a_hub() {
    for (reader, expected) in readers().iter().zip([true, true, false, false, false, true, false, true]) {
        assert_eq!(reader.record(STUDENT, COHORT, None), expected, "{:?}", reader.person);
    }
}

#[test]
fn a_student_keeps_their_own_reflections_after_leaving() {
    let left = student(STUDENT, COHORT, 3, EnrolmentStatus::Withdrawn);
    assert!(left.reflection(STUDENT, COHORT, None, 3, Visibility::Private));
}

#[test]
fn a_student_who_is_done_keeps_the_weeks_that_they_came_to() {
    assert_eq!(student(STUDENT, COHORT, 8, EnrolmentStatus::Completed).syllabus(COHORT, 0), Weeks::UpTo(8));
}

#[test]
fn a_coordinator_who_studies_sees_the_further_of_the_two() {
    let both = |week| Reader { coordinates: [HUB].into(), ..student(STUDENT, COHORT, week, EnrolmentStatus::Active) };
    assert_eq!([both(2), both(5)].map(|reader| reader.syllabus(COHORT, 3)), [Weeks::UpTo(3), Weeks::UpTo(5)]);
}

#[test]
fn hubs_open_no_week_to_somebody_who_looks_after_none() {
    assert_eq!(student(STUDENT, COHORT, 2, EnrolmentStatus::Active).syllabus(COHORT, 7), Weeks::UpTo(2));
}

#[test]
fn lists_show_what_is_shown_one_by_one() {
    for reader in readers() {
        for hub in [HUB, OTHER_HUB] {
            assert_eq!(reader.hubs().is_none_or(|hubs| hubs.contains(&hub)), reader.hub(hub), "{reader:?}");
        }
        for cohort in [COHORT, OTHER_COHORT] {
            let listed = reader.queues().is_none_or(|cohorts| cohorts.contains(&cohort));
            assert_eq!(listed, reader.marking(cohort), "{reader:?}");
        }
    }
}
