//! The absence flag: what raises it, what clears it, what a talk does to it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use AttendanceStatus::{Absent, Excused, Late, Present};

fn resolve() -> EnrolmentCommand {
    EnrolmentCommand::ResolveAbsenceFlag(ResolveAbsenceFlag { enrolment_id: ENROLMENT, reason: text("we had coffee") })
}

#[test]
fn absences_in_weeks_1_3_and_6_raise_one_flag() {
    given([]).when(mark(1, Absent)).then_expect_events(vec![absent(1)]);
    given([absent(1)]).when(mark(3, Absent)).then_expect_events(vec![absent(3)]);
    given([absent(1), absent(3)]).when(mark(6, Absent)).then_expect_events(vec![absent(6), raised(1, [1, 3, 6])]);
}

#[test]
fn a_fourth_absence_does_not_raise_the_flag_again() {
    given(flagged()).when(mark(7, Absent)).then_expect_events(vec![absent(7)]);
}

#[test]
fn a_correction_below_the_threshold_clears_the_flag() {
    for status in [Present, Late, Excused] {
        given(flagged()).when(mark(3, status)).then_expect_events(vec![marked(3, status), cleared(1, [1, 6])]);
    }
}

#[test]
fn a_correction_that_stays_at_the_threshold_leaves_the_flag() {
    given(flagged().into_iter().chain([absent(7)])).when(mark(3, Present)).then_expect_events(vec![marked(3, Present)]);
}

#[test]
fn marking_it_absent_again_raises_the_flag_again() {
    given(flagged().into_iter().chain([marked(3, Present), cleared(1, [1, 6])]))
        .when(mark(3, Absent))
        .then_expect_events(vec![absent(3), raised(2, [1, 3, 6])]);
}

#[test]
fn late_excused_and_unmarked_never_count() {
    let others = [marked(2, Late), marked(4, Excused), marked(5, Present)];
    given([absent(1), absent(3)].into_iter().chain(others.clone()))
        .when(mark(7, Late))
        .then_expect_events(vec![marked(7, Late)]);
    given([absent(1)].into_iter().chain(others)).when(mark(7, Absent)).then_expect_events(vec![absent(7)]);
}

#[test]
fn the_cohort_says_how_many_absences_raise_the_flag() {
    let strict = |facts: &mut EnrolmentFacts| Arc::make_mut(&mut facts.cohort).absence_threshold = 1;
    given([]).facts(strict).when(mark(5, Absent)).then_expect_events(vec![absent(5), raised(1, [5])]);
    given([absent(5), raised(1, [5])])
        .facts(strict)
        .when(mark(5, Excused))
        .then_expect_events(vec![marked(5, Excused), cleared(1, [])]);
}

#[test]
fn resolving_closes_the_flag() {
    given(flagged()).when(resolve()).then_expect_events(vec![resolved(1)]);
    given(flagged().into_iter().chain([withdrawn()])).when(resolve()).then_expect_events(vec![resolved(1)]);
}

#[test]
fn refuses_to_resolve_what_is_not_open() {
    given([]).when(resolve()).then_expect_error(EnrolmentRule::NoOpenFlag);
    given(flagged().into_iter().chain([resolved(1)])).when(resolve()).then_expect_error(EnrolmentRule::NoOpenFlag);
    given(flagged().into_iter().chain([marked(3, Present), cleared(1, [1, 6])]))
        .when(resolve())
        .then_expect_error(EnrolmentRule::NoOpenFlag);
}

#[test]
fn a_further_absence_after_the_talk_raises_the_flag_anew() {
    given(flagged().into_iter().chain([resolved(1)]))
        .when(mark(7, Absent))
        .then_expect_events(vec![absent(7), raised(2, [1, 3, 6, 7])]);
}

#[test]
fn what_was_talked_about_does_not_raise_the_flag_again() {
    let talked = || given(flagged().into_iter().chain([resolved(1)]));
    talked().when(mark(7, Excused)).then_expect_events(vec![marked(7, Excused)]);
    // The same absence with another note is no further absence.
    let noted = EnrolmentCommand::MarkAttendance(MarkAttendance {
        enrolment_id: ENROLMENT,
        week: week(6),
        status: Absent,
        place: None,
        note: Some(text("confirmed")),
    });
    assert_eq!(talked().when(noted).inspect_result().unwrap().len(), 1);
}

#[test]
fn an_absence_that_was_corrected_after_the_talk_counts_as_a_further_one() {
    given(flagged().into_iter().chain([resolved(1), marked(6, Present)]))
        .when(mark(6, Absent))
        .then_expect_events(vec![absent(6), raised(2, [1, 3, 6])]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Mark(u8, AttendanceStatus),
    Resolve,
}

fn marks() -> impl Strategy<Value = Step> {
    let status = prop_oneof![Just(Absent), Just(Absent), Just(Present), Just(Late), Just(Excused)];
    (1..=8_u8, status).prop_map(|(week, status)| Step::Mark(week, status))
}

/// Plays steps through decide and apply; after each, `check` sees the state, the events and the week that was newly missed.
fn play(steps: Vec<Step>, mut check: impl FnMut(&Enrolment, &[EnrolmentEvent], Option<u8>)) {
    let mut state = Enrolment::default();
    state.apply(enrolled());
    let facts = EnrolmentFacts { cohort: Arc::new(cohort([])), ..EnrolmentFacts::default() };
    for step in steps {
        let missed_before = state.missed_weeks();
        let command = match step {
            Step::Mark(week, status) => mark(week, status),
            Step::Resolve if state.flag.open => resolve(),
            Step::Resolve => continue,
        };
        let events = command.decide(&state, &by(Authority::Admin), &facts).unwrap();
        for event in &events {
            state.apply(event.clone());
        }
        let further = state.missed_weeks().difference(&missed_before).next().copied();
        check(&state, &events, further);
    }
}

proptest! {
    #[test]
    fn while_nobody_talks_the_flag_is_open_exactly_from_the_third_absence_on(
        steps in prop::collection::vec(marks(), 0..60),
    ) {
        play(steps, |state, _, _| assert_eq!(state.flag.open, state.missed_weeks().len() >= 3));
    }

    #[test]
    fn with_talks_the_flag_is_open_exactly_from_a_further_absence_at_the_threshold_on(
        steps in prop::collection::vec(prop_oneof![4 => marks(), 1 => Just(Step::Resolve)], 0..80),
    ) {
        let mut open = false;
        let mut raised_so_far = 0;
        play(steps, |state, events, further| {
            let missed: BTreeSet<u8> = state.missed_weeks();
            let talked = events.iter().any(|e| matches!(e, EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { .. })));
            let was_open = open;
            open = !talked && missed.len() >= 3 && (open || further.is_some());
            assert_eq!(state.flag.open, open);
            raised_so_far += u16::from(open && !was_open);
            assert_eq!(state.flag.number, raised_so_far, "raised once each time it opens");
        });
    }
}
