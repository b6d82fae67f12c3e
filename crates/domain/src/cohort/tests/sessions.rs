//! Planning, moving and calling off sessions, tested.

use serde_json::{Value, json};

use super::{ALL, STARTED, closed, facts, in_status, when, when_facts};
use crate::cohort::{Cohort, CohortEvent, CohortFacts, CohortRule, CohortStatus, SessionStatus};
use crate::command::Command;
use crate::given::{MODULE, instant, scheduled};
use crate::module::Module;

/// The school's usual cohort, as it is asked for.
fn tuesdays_in_sydney() -> Value {
    json!({
        "module_id": MODULE, "name": "Frühjahr Ā", "starts_on": "2025-08-19", "session_start": "19:00",
        "timezone": "Australia/Sydney",
    })
}

#[test]
fn schedules_every_session_of_the_module_at_the_same_local_time() {
    let events = when(vec![], "ScheduleCohort", tuesdays_in_sydney()).inspect_result().unwrap();
    assert_eq!(events, vec![scheduled()]);
    let CohortEvent::CohortScheduled { sessions, .. } = &events[0] else { panic!("{events:?}") };
    let instants: Vec<_> = sessions.iter().map(|session| session.starts_at.to_rfc3339()).collect();
    assert_eq!(
        instants,
        [
            "2025-08-19T09:00:00+00:00",
            "2025-08-26T09:00:00+00:00",
            "2025-09-02T09:00:00+00:00",
            "2025-09-09T09:00:00+00:00",
            "2025-09-16T09:00:00+00:00",
            "2025-09-23T09:00:00+00:00",
            "2025-09-30T09:00:00+00:00",
            "2025-10-07T08:00:00+00:00",
        ]
    );
}

#[test]
fn schedules_as_many_sessions_as_the_module_has_weeks() {
    let module = Module { weeks: 52, ..Module::default() }.into();
    let facts = CohortFacts { module, ..facts() };
    let events = when_facts(vec![], "ScheduleCohort", tuesdays_in_sydney(), facts).inspect_result().unwrap();
    let CohortEvent::CohortScheduled { sessions, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(sessions.len(), 52);
}

#[test]
fn refuses_a_cohort_of_a_retired_module() {
    let module = Module { weeks: 8, retired: true, ..Module::default() }.into();
    when_facts(vec![], "ScheduleCohort", tuesdays_in_sydney(), CohortFacts { module, ..facts() })
        .then_expect_error(CohortRule::ModuleRetired);
}

#[test]
fn refuses_a_first_day_outside_of_the_years_1970_to_2200() {
    for day in ["1969-12-31", "2201-01-01", "+262142-12-31"] {
        let mut body = tuesdays_in_sydney();
        body["starts_on"] = json!(day);
        let starts_on = day.parse().unwrap();
        when(vec![], "ScheduleCohort", body).then_expect_error(CohortRule::StartsOnOutOfRange { starts_on });
    }
}

#[test]
fn takes_no_local_time_that_is_none() {
    for time in ["24:00", "19", "19:60", "23:59:60", "7 pm"] {
        let mut body = tuesdays_in_sydney();
        body["session_start"] = json!(time);
        assert!(Command::decode("ScheduleCohort", body).unwrap().is_err(), "{time}");
    }
}

fn reschedule(week: u8, starts_at: &str) -> Value {
    json!({ "week": week, "starts_at": starts_at, "reason": "storm" })
}

fn rescheduled(week: u8, starts_at: &str, minutes: u16) -> CohortEvent {
    CohortEvent::SessionRescheduled { week, starts_at: instant(starts_at), minutes, reason: "storm".into() }
}

fn session_cancelled(week: u8) -> CohortEvent {
    CohortEvent::SessionCancelled { week, reason: "storm".into() }
}

const A_DAY_LATER: &str = "2025-08-27T09:00:00Z";

#[test]
fn moves_a_session_and_keeps_its_length_unless_told_otherwise() {
    when(vec![scheduled()], "RescheduleSession", reschedule(2, A_DAY_LATER)).then_expect_events(vec![rescheduled(
        2,
        A_DAY_LATER,
        120,
    )]);
    let mut longer = reschedule(2, "2025-08-26T09:00:00Z");
    longer["minutes"] = json!(150);
    when(vec![scheduled()], "RescheduleSession", longer).then_expect_events(vec![rescheduled(
        2,
        "2025-08-26T09:00:00Z",
        150,
    )]);
}

#[test]
fn moves_a_session_once() {
    when(vec![scheduled(), rescheduled(2, A_DAY_LATER, 120)], "RescheduleSession", reschedule(2, A_DAY_LATER))
        .then_expect_events(vec![]);
}

#[test]
fn a_cancelled_session_takes_place_again_when_it_is_rescheduled() {
    let as_planned = "2025-08-26T09:00:00Z";
    when(vec![scheduled(), session_cancelled(2)], "RescheduleSession", reschedule(2, as_planned))
        .then_expect_events(vec![rescheduled(2, as_planned, 120)]);
}

#[test]
fn refuses_two_sessions_at_one_instant() {
    let third = "2025-09-02T09:00:00Z";
    when(vec![scheduled()], "RescheduleSession", reschedule(2, third))
        .then_expect_error(CohortRule::SessionClash { week: 3 });
    when(vec![scheduled(), session_cancelled(3)], "RescheduleSession", reschedule(2, third))
        .then_expect_events(vec![rescheduled(2, third, 120)]);
}

#[test]
fn refuses_a_week_that_the_cohort_does_not_have() {
    let no_such_week = || CohortRule::NoSuchWeek { week: 9, last_week: 8 };
    when(vec![scheduled()], "RescheduleSession", reschedule(9, A_DAY_LATER)).then_expect_error(no_such_week());
    when(vec![scheduled()], "CancelSession", json!({ "week": 9, "reason": "storm" })).then_expect_error(no_such_week());
}

#[test]
fn refuses_an_instant_outside_of_the_years_1970_to_2200() {
    let starts_at = "2300-01-01T00:00:00Z";
    when(vec![scheduled()], "RescheduleSession", reschedule(2, starts_at))
        .then_expect_error(CohortRule::StartsAtOutOfRange { starts_at: instant(starts_at) });
}

#[test]
fn cancels_a_session_once() {
    let body = json!({ "week": 2, "reason": "storm" });
    when(vec![scheduled()], "CancelSession", body.clone()).then_expect_events(vec![session_cancelled(2)]);
    when(vec![scheduled(), STARTED, session_cancelled(2)], "CancelSession", body).then_expect_events(vec![]);
}

#[test]
fn refuses_to_touch_the_sessions_of_a_closed_cohort() {
    for status in ALL.into_iter().filter(|status| !matches!(status, CohortStatus::Upcoming | CohortStatus::Active)) {
        when(in_status(status), "RescheduleSession", reschedule(2, A_DAY_LATER)).then_expect_error(closed(status));
        when(in_status(status), "CancelSession", json!({ "week": 2, "reason": "storm" }))
            .then_expect_error(closed(status));
    }
}

fn cohort(events: Vec<CohortEvent>) -> Cohort {
    let mut cohort = Cohort::default();
    for event in events {
        cohort.apply_event(&event);
    }
    cohort
}

#[test]
fn reflections_are_due_after_the_last_session_that_takes_place() {
    let due = |events| cohort(events).reflections_due();
    let after_the_eighth = instant("2025-10-21T13:00:00Z");
    assert_eq!(due(vec![scheduled()]), Some(after_the_eighth));
    let after_the_seventh = instant("2025-10-14T13:00:00Z");
    assert_eq!(due(vec![scheduled(), session_cancelled(8)]), Some(after_the_seventh));
    let all_cancelled = [vec![scheduled()], (1..=8).map(session_cancelled).collect()].concat();
    assert_eq!(due(all_cancelled), Some(after_the_eighth));
    let moved = vec![scheduled(), rescheduled(3, "2025-10-10T09:00:00Z", 120)];
    assert_eq!(due(moved), Some(instant("2025-10-24T13:00:00Z")));
    assert_eq!(Cohort::default().reflections_due(), None);
}

#[test]
fn a_session_keeps_its_instant_when_it_is_cancelled() {
    let cohort = cohort(vec![scheduled(), session_cancelled(2)]);
    assert_eq!(cohort.sessions[&2].starts_at, instant("2025-08-26T09:00:00Z"));
    assert_eq!(cohort.sessions[&2].status, SessionStatus::Cancelled);
}
