//! Telling the students of a week: the lists of the receipt, and what makes it a conflict.

use uuid::Uuid;

use crate::claim::{ClaimSet, Limit};
use crate::ids::{CohortId, EnrolmentId, MessageId, WeekEmailsId};
use crate::plan::Plan;
use crate::plan::given::*;
use crate::refusal::Refusal;
use crate::week_emails::{RetryEmail, SendWeekEmails, WeekEmailsEvent};

fn send(number: u8) -> SendWeekEmails {
    SendWeekEmails { cohort_id: COHORT, week: week(number) }
}

fn retry(cohort_id: CohortId, enrolment_id: EnrolmentId) -> RetryEmail {
    RetryEmail { cohort_id, message_id: MessageId(Uuid::from_u128(7)), enrolment_id }
}

fn list(plan: &Plan, name: &str) -> Vec<EnrolmentId> {
    plan.lists[name].clone()
}

/// In week 6: 1 and 2 as usual, 3 held, 6 withdrawn. 5 is in week 5, 7 is elsewhere in week 6.
fn school() -> School {
    let mut school = School::new();
    for number in [1, 2, 3, 5, 6, 7] {
        let cohort = if number == 7 { OTHER_COHORT } else { COHORT };
        school.enrol(number, cohort);
        school.lived(enrolment(number), [in_week(if number == 5 { 5 } else { 6 })]);
    }
    school.lived(enrolment(3), [held(6, "ill")]);
    school.lived(enrolment(6), [withdrawn()]);
    school
}

#[test]
fn the_receipt_lists_everybody_in_that_week() {
    let mut school = school();
    let plan = school.carry_out(send(6)).unwrap();
    assert_eq!(list(&plan, "requested"), [enrolment(1), enrolment(2)]);
    assert_eq!(list(&plan, "held"), [enrolment(3)]);
    assert_eq!(list(&plan, "already"), []);
    let enrolments = [enrolment(1), enrolment(2)].into();
    let [write] = &plan.writes[..] else { panic!("one stream: {:?}", plan.writes) };
    assert_eq!(write.stream, WeekEmailsId::from(COHORT).into());
    assert_eq!(write.events, [WeekEmailsEvent::WeekEmailsRequested { week: 6, enrolments }.into()]);

    let again = school.plan(send(6)).unwrap();
    assert_eq!(again.writes, []);
    assert_eq!(list(&again, "already"), [enrolment(1), enrolment(2)]);
}

#[test]
fn whoever_comes_later_is_told_then() {
    let mut school = school();
    school.carry_out(send(6)).unwrap();
    school.lived(enrolment(5), [advanced(5, None)]);
    let plan = school.plan(send(6)).unwrap();
    assert_eq!(list(&plan, "requested"), [enrolment(5)]);
}

#[test]
fn whoever_is_enrolled_meanwhile_makes_it_a_conflict() {
    let plan = school().plan(send(6)).unwrap();
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::places(COHORT), 4)]);
}

#[test]
fn refuses_what_is_unknown_or_elsewhere() {
    let unknown = CohortId(Uuid::from_u128(99));
    let asked = SendWeekEmails { cohort_id: unknown, week: week(1) };
    assert_eq!(school().plan(asked).unwrap_err(), Refusal::NotFound(unknown.into()));
    assert_eq!(school().plan(retry(unknown, enrolment(1))).unwrap_err(), Refusal::NotFound(unknown.into()));
    for stranger in [enrolment(7), enrolment(99)] {
        assert_eq!(school().plan(retry(COHORT, stranger)).unwrap_err(), Refusal::NotFound(stranger.into()));
    }
    assert_eq!(school().plan(retry(COHORT, enrolment(1))).unwrap().writes.len(), 1);
}
