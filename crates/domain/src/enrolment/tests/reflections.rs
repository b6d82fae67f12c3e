//! Handing in reflections, and choosing who may read them.

use super::*;
use crate::cohort::CohortStatus;
use Visibility::{Cohort as Public, Private};

pub(super) fn submitted(week: u8) -> EnrolmentEvent {
    EnrolmentEvent::Reflections(ReflectionEvent::ReflectionSubmitted {
        week,
        text: "I learnt".into(),
        visibility: Public,
    })
}

pub(super) fn marked_with(week: u8, outcome: Outcome) -> EnrolmentEvent {
    EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked {
        week,
        outcome,
        feedback: "thank you".into(),
        by: Some(MARKER),
    })
}

fn revised(week: u8, text: &str, visibility: Visibility) -> EnrolmentEvent {
    EnrolmentEvent::Reflections(ReflectionEvent::ReflectionRevised { week, text: text.into(), visibility })
}

fn submit(number: u8, words: &str, visibility: Visibility) -> EnrolmentCommand {
    let (week, text) = (week(number), text(words));
    EnrolmentCommand::SubmitReflection(SubmitReflection { enrolment_id: ENROLMENT, week, text, visibility })
}

fn show(number: u8, visibility: Visibility) -> EnrolmentCommand {
    let week = week(number);
    EnrolmentCommand::SetReflectionVisibility(SetReflectionVisibility { enrolment_id: ENROLMENT, week, visibility })
}

#[test]
fn a_reflection_is_handed_in_for_any_week_up_to_the_own() {
    for week in [1, 2, 3] {
        given([in_week(3)]).when(submit(week, "I learnt", Public)).then_expect_events(vec![submitted(week)]);
    }
    given([in_week(3)])
        .when(submit(4, "I learnt", Public))
        .then_expect_error(EnrolmentRule::WeekNotOpen { week: 4, own: 3 });
}

#[test]
fn a_held_or_flagged_student_hands_in_as_well() {
    given(flagged().into_iter().chain([held(1)]))
        .when(submit(1, "I learnt", Public))
        .then_expect_events(vec![submitted(1)]);
}

#[test]
fn handing_in_again_before_the_marking_revises() {
    given([submitted(1)]).when(submit(1, "I learnt more", Public)).then_expect_events(vec![revised(
        1,
        "I learnt more",
        Public,
    )]);
    given([submitted(1)])
        .when(submit(1, "I learnt", Private))
        .then_expect_events(vec![revised(1, "I learnt", Private)]);
}

#[test]
fn a_reflection_is_handed_in_fifty_times_and_no_more() {
    let times = |count: usize| [submitted(1)].into_iter().chain((1..count).map(|n| revised(1, &n.to_string(), Public)));
    given(times(49)).when(submit(1, "the last", Public)).then_expect_events(vec![revised(1, "the last", Public)]);
    let most = EnrolmentRule::RevisedTooOften { week: 1, most: 50 };
    given(times(50)).when(submit(1, "one more", Public)).then_expect_error(most.clone());
    given(times(50)).when(submit(1, "49", Public)).then_expect_events(vec![]);
    // A fail lets nobody begin anew, and another week is another reflection.
    given(times(50).chain([marked_with(1, Outcome::Fail)])).when(submit(1, "again", Public)).then_expect_error(most);
    given(times(50).chain([in_week(2)])).when(submit(2, "I learnt", Public)).then_expect_events(vec![submitted(2)]);
}

#[test]
fn handing_in_the_same_again_changes_nothing_even_when_it_is_late() {
    given([submitted(1)]).when(submit(1, "I learnt", Public)).then_expect_events(vec![]);
    given([submitted(1)]).at("2026-01-01T00:00:00Z").when(submit(1, "I learnt", Public)).then_expect_events(vec![]);
}

#[test]
fn a_failed_reflection_is_revised_even_in_the_same_words_and_a_passed_one_is_not() {
    for words in ["I learnt", "I learnt more"] {
        given([submitted(1), marked_with(1, Outcome::Fail)])
            .when(submit(1, words, Public))
            .then_expect_events(vec![revised(1, words, Public)]);
        given([submitted(1), marked_with(1, Outcome::Pass)])
            .when(submit(1, words, Public))
            .then_expect_error(EnrolmentRule::AlreadyPassed { week: 1 });
    }
}

#[test]
fn reflections_are_due_at_the_end_of_the_fourteenth_local_day_after_the_last_session() {
    // Sydney left daylight saving on 6 April, so 8 April ends at 14:00 UTC.
    let due = at("2025-04-08T14:00:00Z");
    let first = || given([]).by(Authority::Student);
    first().at("2025-04-08T13:59:59Z").when(submit(1, "I learnt", Public)).then_expect_events(vec![submitted(1)]);
    first()
        .at("2025-04-08T14:00:00Z")
        .when(submit(1, "I learnt", Public))
        .then_expect_error(EnrolmentRule::ReflectionOverdue { due });
    given([submitted(1), marked_with(1, Outcome::Fail)])
        .at("2025-04-08T14:00:00Z")
        .when(submit(1, "I learnt more", Public))
        .then_expect_error(EnrolmentRule::ReflectionOverdue { due });
}

#[test]
fn a_completed_student_hands_in_until_it_is_due() {
    given([completed()])
        .cohort([CohortEvent::CohortCompleted {}])
        .when(submit(1, "I learnt", Public))
        .then_expect_events(vec![submitted(1)]);
}

#[test]
fn refuses_a_withdrawn_student_and_a_cancelled_cohort() {
    given([withdrawn()])
        .when(submit(1, "I learnt", Public))
        .then_expect_error(EnrolmentRule::NotActive { status: EnrolmentStatus::Withdrawn });
    given([completed()])
        .cohort([CohortEvent::CohortCancelled { reason: "no room".into() }])
        .when(submit(1, "I learnt", Public))
        .then_expect_error(EnrolmentRule::CohortClosed { status: CohortStatus::Cancelled });
}

#[test]
fn who_may_read_is_chosen_again_at_any_time() {
    let private =
        EnrolmentEvent::Reflections(ReflectionEvent::ReflectionVisibilitySet { week: 1, visibility: Private });
    for gone in [None, Some(withdrawn()), Some(completed())] {
        given([submitted(1), marked_with(1, Outcome::Pass)].into_iter().chain(gone))
            .at("2026-01-01T00:00:00Z")
            .when(show(1, Private))
            .then_expect_events(vec![private.clone()]);
    }
    given([submitted(1)]).when(show(1, Public)).then_expect_events(vec![]);
    given([submitted(1), private]).when(show(1, Private)).then_expect_events(vec![]);
}

#[test]
fn refuses_to_show_what_was_not_handed_in() {
    given([submitted(1)]).when(show(2, Private)).then_expect_error(EnrolmentRule::NoReflection { week: 2 });
}
