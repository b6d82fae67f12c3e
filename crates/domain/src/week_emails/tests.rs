//! The rules of emails, tested: given events, when a command, then events or a rule.

use std::sync::Arc;

use cqrs_es::test::{AggregateResultValidator, TestFramework};
use serde_json::json;
use uuid::Uuid;

use super::{Addressees, RetryEmail, WeekEmails, WeekEmailsCommand, WeekEmailsEvent, WeekEmailsFacts, WeekEmailsRule};
use crate::actor::Authority;
use crate::aggregate::AggregateCommand;
use crate::cohort::{Cohort, CohortEvent, CohortStatus};
use crate::command::Command;
use crate::enrolment::{Enrolment, EnrolmentStatus};
use crate::given::{self, ADMIN, COHORT, by, scheduled};
use crate::ids::{EnrolmentId, MessageId};

fn id(number: u128) -> EnrolmentId {
    EnrolmentId(Uuid::from_u128(number))
}

fn cohort(events: impl IntoIterator<Item = CohortEvent>) -> Arc<Cohort> {
    let mut cohort = Cohort::default();
    for event in [scheduled()].into_iter().chain(events) {
        cqrs_es::Aggregate::apply(&mut cohort, event);
    }
    Arc::new(cohort)
}

/// In week 3: 1 and 2 as usual, 3 held. 4 is in week 2, 5 was withdrawn in week 3.
fn facts() -> WeekEmailsFacts {
    let in_week = |week| Enrolment { cohort_id: Some(COHORT), week, ..Enrolment::default() };
    let students = [
        (id(1), in_week(3)),
        (id(2), in_week(3)),
        (id(3), Enrolment { held: Some("ill".into()), ..in_week(3) }),
        (id(4), in_week(2)),
        (id(5), Enrolment { status: EnrolmentStatus::Withdrawn, ..in_week(3) }),
    ];
    let students = students.into_iter().map(|(id, student)| (id, Arc::new(student))).collect();
    WeekEmailsFacts { cohort: cohort([CohortEvent::CohortStarted {}]), students }
}

fn requested(week: u8, students: impl IntoIterator<Item = u128>) -> WeekEmailsEvent {
    WeekEmailsEvent::WeekEmailsRequested { week, enrolments: students.into_iter().map(id).collect() }
}

fn send(given: Vec<WeekEmailsEvent>, week: u8, facts: WeekEmailsFacts) -> AggregateResultValidator<WeekEmails> {
    let command = given::command("SendWeekEmails", json!({ "cohort_id": COHORT, "week": week }));
    let Command::WeekEmails(command) = command else { panic!("it is about emails") };
    TestFramework::with(()).given(given).when(AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts })
}

#[test]
fn tells_each_active_student_who_is_in_that_week_and_not_held() {
    send(vec![], 3, facts()).then_expect_events(vec![requested(3, [1, 2])]);
}

#[test]
fn asked_again_it_tells_only_those_who_have_come_since() {
    send(vec![requested(3, [1])], 3, facts()).then_expect_events(vec![requested(3, [2])]);
    send(vec![requested(3, [1, 2])], 3, facts()).then_expect_events(vec![]);
    send(vec![requested(2, [1, 2])], 3, facts()).then_expect_events(vec![requested(3, [1, 2])]);
}

#[test]
fn each_student_of_the_week_is_in_one_list() {
    let mut emails = WeekEmails::default();
    emails.apply_event(&requested(3, [2]));
    let lists = Addressees { requested: vec![id(1)], held: vec![id(3)], already: vec![id(2)] };
    assert_eq!(emails.addressees(3, &facts()), lists);
}

#[test]
fn refuses_a_cohort_that_is_not_active() {
    let upcoming = WeekEmailsFacts { cohort: cohort([]), ..facts() };
    send(vec![], 1, upcoming).then_expect_error(WeekEmailsRule::CohortNotActive { status: CohortStatus::Upcoming });
    let over = cohort([CohortEvent::CohortStarted {}, CohortEvent::CohortCompleted {}]);
    let over = WeekEmailsFacts { cohort: over, ..facts() };
    send(vec![], 3, over).then_expect_error(WeekEmailsRule::CohortNotActive { status: CohortStatus::Completed });
}

#[test]
fn refuses_a_week_after_the_last() {
    send(vec![], 8, facts()).then_expect_events(vec![]);
    send(vec![], 9, facts()).then_expect_error(WeekEmailsRule::NoSuchWeek { week: 9, last_week: 8 });
}

#[test]
fn a_message_is_sent_again_as_often_as_somebody_asks() {
    let message_id = MessageId(Uuid::from_u128(7));
    let command = || {
        let retry = RetryEmail { cohort_id: COHORT, message_id, enrolment_id: id(1) };
        let command = WeekEmailsCommand::RetryEmail(retry);
        AggregateCommand { command, context: by(ADMIN, Authority::Admin), facts: facts() }
    };
    let retried = WeekEmailsEvent::EmailRetried { message_id, enrolment_id: id(1) };
    TestFramework::<WeekEmails>::with(())
        .given_no_previous_events()
        .when(command())
        .then_expect_events(vec![retried.clone()]);
    TestFramework::<WeekEmails>::with(())
        .given(vec![retried.clone()])
        .when(command())
        .then_expect_events(vec![retried]);
}
