//! Allocating a marker, marking, and changing marks.

use super::reflections::{marked_with, submitted};
use super::*;
use Outcome::{Fail, Pass};

fn assign(marker_id: PersonId) -> EnrolmentCommand {
    EnrolmentCommand::AssignMarker(AssignMarker { enrolment_id: ENROLMENT, marker_id })
}

fn assigned(marker_id: PersonId, previous: Option<PersonId>) -> EnrolmentEvent {
    EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id, previous })
}

fn mark_as(number: u8, outcome: Outcome, feedback: &str) -> EnrolmentCommand {
    let (week, feedback) = (week(number), text(feedback));
    EnrolmentCommand::MarkReflection(MarkReflection { enrolment_id: ENROLMENT, week, outcome, feedback })
}

fn amend(number: u8, outcome: Outcome, feedback: &str) -> EnrolmentCommand {
    let (week, feedback, reason) = (week(number), text(feedback), text("misread"));
    EnrolmentCommand::AmendMark(AmendMark { enrolment_id: ENROLMENT, week, outcome, feedback, reason })
}

fn amended(outcome: Outcome, feedback: &str, by: PersonId) -> EnrolmentEvent {
    let (feedback, reason) = (feedback.into(), "misread".into());
    EnrolmentEvent::Reflections(ReflectionEvent::MarkAmended { week: 1, outcome, feedback, reason, by: Some(by) })
}

#[test]
fn a_marker_of_the_cohort_is_assigned_and_replaced() {
    given([]).when(assign(MARKER)).then_expect_events(vec![assigned(MARKER, None)]);
    given([assigned(MARKER, None)])
        .when(assign(OTHER_MARKER))
        .then_expect_events(vec![assigned(OTHER_MARKER, Some(MARKER))]);
    given([assigned(MARKER, None)]).when(assign(MARKER)).then_expect_events(vec![]);
}

#[test]
fn refuses_a_marker_who_is_not_appointed() {
    given([]).when(assign(ADMIN)).then_expect_error(EnrolmentRule::NotAMarkerOfCohort);
}

#[test]
fn a_reflection_is_marked_by_the_allocated_marker_or_another() {
    given([assigned(OTHER_MARKER, None), submitted(1)])
        .by(Authority::Marker)
        .when(mark_as(1, Pass, "thank you"))
        .then_expect_events(vec![marked_with(1, Pass)]);
}

#[test]
fn a_reflection_of_whoever_left_or_is_done_is_marked_as_well() {
    for gone in [withdrawn(), completed()] {
        given([submitted(1), gone])
            .by(Authority::Marker)
            .when(mark_as(1, Fail, "thank you"))
            .then_expect_events(vec![marked_with(1, Fail)]);
    }
}

#[test]
fn refuses_to_mark_or_amend_what_was_not_handed_in() {
    given([submitted(1)]).when(mark_as(2, Pass, "good")).then_expect_error(EnrolmentRule::NoReflection { week: 2 });
    given([submitted(1)]).when(amend(2, Pass, "good")).then_expect_error(EnrolmentRule::NoReflection { week: 2 });
}

#[test]
fn of_two_markers_one_is_refused_even_in_the_same_words() {
    let marked = || given([submitted(1), marked_with(1, Pass)]);
    let rule = EnrolmentRule::AlreadyMarked { week: 1 };
    marked().person(MARKER).when(mark_as(1, Pass, "thank you")).then_expect_events(vec![]);
    marked().person(OTHER_MARKER).when(mark_as(1, Pass, "thank you")).then_expect_error(rule.clone());
    marked().person(MARKER).when(mark_as(1, Fail, "thank you")).then_expect_error(rule.clone());
    marked().person(MARKER).when(mark_as(1, Pass, "well done")).then_expect_error(rule);
}

#[test]
fn a_revision_waits_to_be_marked_again() {
    let revised = EnrolmentEvent::Reflections(ReflectionEvent::ReflectionRevised {
        week: 1,
        text: "better".into(),
        visibility: Visibility::Private,
    });
    given([submitted(1), marked_with(1, Fail), revised])
        .by(Authority::Marker)
        .when(mark_as(1, Pass, "thank you"))
        .then_expect_events(vec![marked_with(1, Pass)]);
}

#[test]
fn a_mark_is_amended_with_a_reason() {
    let marked = || given([submitted(1), marked_with(1, Pass)]).person(OTHER_MARKER);
    marked().when(amend(1, Fail, "thank you")).then_expect_events(vec![amended(Fail, "thank you", OTHER_MARKER)]);
    marked().when(amend(1, Pass, "see me")).then_expect_events(vec![amended(Pass, "see me", OTHER_MARKER)]);
    marked().when(amend(1, Pass, "thank you")).then_expect_events(vec![]);
}

#[test]
fn an_amended_mark_is_the_mark() {
    let amended = || given([submitted(1), marked_with(1, Pass), amended(Fail, "see me", ADMIN)]);
    amended().when(amend(1, Fail, "see me")).then_expect_events(vec![]);
    amended()
        .person(MARKER)
        .when(mark_as(1, Pass, "thank you"))
        .then_expect_error(EnrolmentRule::AlreadyMarked { week: 1 });
}

#[test]
fn refuses_to_amend_what_is_not_marked() {
    given([submitted(1)]).when(amend(1, Pass, "good")).then_expect_error(EnrolmentRule::NotMarked { week: 1 });
}
