//! Advancing, holding, releasing, and setting the week.

use super::*;
use crate::cohort::CohortStatus;

fn advance(to_week: u8) -> EnrolmentCommand {
    EnrolmentCommand::AdvanceStudent(AdvanceStudent { enrolment_id: ENROLMENT, to_week: week(to_week), reason: None })
}

fn advance_because(to_week: u8, reason: &str) -> EnrolmentCommand {
    let (to_week, reason) = (week(to_week), Some(text(reason)));
    EnrolmentCommand::AdvanceStudent(AdvanceStudent { enrolment_id: ENROLMENT, to_week, reason })
}

fn hold(reason: &str) -> EnrolmentCommand {
    EnrolmentCommand::HoldStudent(HoldStudent { enrolment_id: ENROLMENT, reason: text(reason) })
}

fn release(reason: Option<&str>, to_week: Option<u8>) -> EnrolmentCommand {
    let (reason, to_week) = (reason.map(text), to_week.map(week));
    EnrolmentCommand::ReleaseStudent(ReleaseStudent { enrolment_id: ENROLMENT, reason, to_week })
}

fn set_week(number: u8) -> EnrolmentCommand {
    let (week, reason) = (week(number), text("joined late"));
    EnrolmentCommand::SetWeek(SetWeek { enrolment_id: ENROLMENT, week, reason })
}

fn advanced(from_week: u8, to_week: u8, reason: Option<&str>) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced {
        from_week,
        to_week,
        reason: reason.map(Into::into),
    })
}

fn released(week: u8, reason: Option<&str>) -> EnrolmentEvent {
    EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { week, reason: reason.map(Into::into) })
}

#[test]
fn a_student_is_advanced_by_one_week() {
    given([]).when(advance(2)).then_expect_events(vec![advanced(1, 2, None)]);
    given([]).when(advance_because(2, "well done")).then_expect_events(vec![advanced(1, 2, Some("well done"))]);
}

#[test]
fn a_student_can_be_advanced_before_the_cohort_begins() {
    given([])
        .facts(|facts| Arc::make_mut(&mut facts.cohort).status = CohortStatus::Upcoming)
        .when(advance(2))
        .then_expect_events(vec![advanced(1, 2, None)]);
}

#[test]
fn advancing_to_the_own_week_changes_nothing() {
    given([in_week(5)]).when(advance(5)).then_expect_events(vec![]);
}

#[test]
fn refuses_to_leap_or_to_go_back() {
    for to_week in [1, 4, 7, 8] {
        let rule = EnrolmentRule::NotTheNextWeek { week: 5, to_week };
        given([in_week(5)]).when(advance(to_week)).then_expect_error(rule);
    }
}

#[test]
fn refuses_a_week_after_the_last() {
    given([in_week(7)]).when(advance(8)).then_expect_events(vec![advanced(7, 8, None)]);
    given([in_week(8)]).when(advance(9)).then_expect_error(EnrolmentRule::NoSuchWeek { week: 9, last: 8 });
}

#[test]
fn refuses_to_advance_a_held_student_even_with_a_reason_or_to_their_own_week() {
    for command in [advance(2), advance_because(2, "please"), advance(1)] {
        given([held(1)]).when(command).then_expect_error(EnrolmentRule::StudentHeld { week: 1, reason: "ill".into() });
    }
}

#[test]
fn refuses_to_advance_a_flagged_student_without_a_reason() {
    given(flagged())
        .when(advance(2))
        .then_expect_error(EnrolmentRule::AbsenceFlagOpen { missed_weeks: [1, 3, 6].into() });
    given(flagged()).when(advance_because(2, "exam")).then_expect_events(vec![advanced(1, 2, Some("exam"))]);
    given(flagged().into_iter().chain([resolved(1)])).when(advance(2)).then_expect_events(vec![advanced(1, 2, None)]);
}

#[test]
fn a_student_is_held_with_a_reason() {
    given([in_week(4)]).when(hold("ill")).then_expect_events(vec![held(4)]);
}

#[test]
fn holding_again_is_the_same_or_needs_a_release_first() {
    given([held(1)]).when(hold("ill")).then_expect_events(vec![]);
    given([held(1)]).when(hold("away")).then_expect_error(EnrolmentRule::StudentHeld { week: 1, reason: "ill".into() });
}

#[test]
fn a_student_is_released_and_can_go_on_at_once() {
    given([held(1)]).when(release(None, None)).then_expect_events(vec![released(1, None)]);
    given([held(1)])
        .when(release(Some("well again"), Some(2)))
        .then_expect_events(vec![released(1, Some("well again")), advanced(1, 2, Some("well again"))]);
}

#[test]
fn refuses_to_release_whoever_is_not_held() {
    given([in_week(3)]).when(release(None, None)).then_expect_error(EnrolmentRule::NotHeld { week: 3 });
    given([held(1), released(1, None)])
        .when(release(None, Some(2)))
        .then_expect_error(EnrolmentRule::NotHeld { week: 1 });
}

#[test]
fn releasing_goes_on_by_the_rules_of_advancing() {
    given([held(1)])
        .when(release(None, Some(3)))
        .then_expect_error(EnrolmentRule::NotTheNextWeek { week: 1, to_week: 3 });
    given([held(1)])
        .when(release(None, Some(1)))
        .then_expect_error(EnrolmentRule::NotTheNextWeek { week: 1, to_week: 1 });
    given([in_week(8), held(8)])
        .when(release(None, Some(9)))
        .then_expect_error(EnrolmentRule::NoSuchWeek { week: 9, last: 8 });
    let flagged_and_held = || given(flagged().into_iter().chain([held(1)]));
    flagged_and_held()
        .when(release(None, Some(2)))
        .then_expect_error(EnrolmentRule::AbsenceFlagOpen { missed_weeks: [1, 3, 6].into() });
    flagged_and_held()
        .when(release(Some("talked"), Some(2)))
        .then_expect_events(vec![released(1, Some("talked")), advanced(1, 2, Some("talked"))]);
    flagged_and_held().when(release(None, None)).then_expect_events(vec![released(1, None)]);
}

#[test]
fn the_week_is_set_back_or_forward_and_a_hold_stays() {
    for (from_week, week) in [(5, 1), (5, 8), (5, 4)] {
        let reason = "joined late".into();
        given([in_week(5), held(5)]).when(set_week(week)).then_expect_events(vec![EnrolmentEvent::Progression(
            ProgressionEvent::WeekSet { from_week, week, reason },
        )]);
    }
    given([held(1), in_week(5)])
        .when(advance(6))
        .then_expect_error(EnrolmentRule::StudentHeld { week: 5, reason: "ill".into() });
}

#[test]
fn setting_the_same_week_changes_nothing() {
    given([in_week(5)]).when(set_week(5)).then_expect_events(vec![]);
}

#[test]
fn refuses_to_set_a_week_that_the_cohort_does_not_have() {
    given([]).when(set_week(9)).then_expect_error(EnrolmentRule::NoSuchWeek { week: 9, last: 8 });
}

#[test]
fn only_active_students_of_open_cohorts_are_moved_on() {
    for command in [advance(2), hold("ill"), release(None, None), set_week(3)] {
        for (gone, status) in [(withdrawn(), EnrolmentStatus::Withdrawn), (completed(), EnrolmentStatus::Completed)] {
            given([held(1), gone]).when(command.clone()).then_expect_error(EnrolmentRule::NotActive { status });
        }
        for status in [CohortStatus::Completed, CohortStatus::Archived, CohortStatus::Cancelled] {
            given([held(1)])
                .facts(|facts| Arc::make_mut(&mut facts.cohort).status = status)
                .when(command.clone())
                .then_expect_error(EnrolmentRule::CohortClosed { status });
        }
    }
}
