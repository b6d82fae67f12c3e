//! Enrolling, hubs, withdrawing, coming back, completing.

use super::*;
use crate::cohort::CohortStatus;
use crate::origin::Origin;

fn enrol() -> EnrolmentCommand {
    EnrolmentCommand::EnrolStudent(EnrolStudent {
        enrolment_id: Some(ENROLMENT),
        cohort_id: COHORT,
        person_id: STUDENT,
        hub_id: None,
    })
}

fn join(hub_id: Option<HubId>) -> EnrolmentCommand {
    EnrolmentCommand::JoinHub(JoinHub { enrolment_id: ENROLMENT, hub_id })
}

fn withdraw() -> EnrolmentCommand {
    EnrolmentCommand::WithdrawStudent(WithdrawStudent { enrolment_id: ENROLMENT, reason: text("moved away") })
}

fn reinstate() -> EnrolmentCommand {
    EnrolmentCommand::ReinstateStudent(ReinstateStudent { enrolment_id: ENROLMENT })
}

fn complete() -> EnrolmentCommand {
    EnrolmentCommand::CompleteEnrolment(CompleteEnrolment { enrolment_id: ENROLMENT })
}

fn joined(hub_id: HubId, previous: Option<HubId>) -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::HubJoined { hub_id, previous, origin: Origin::Hand })
}

fn reinstated() -> EnrolmentEvent {
    EnrolmentEvent::Membership(MembershipEvent::StudentReinstated { moved_from: None })
}

type Obstacle = (fn(&mut EnrolmentFacts), EnrolmentRule);

/// Each way in which a cohort or a person can have no room for a student, with the rule that says so.
fn obstacles() -> Vec<Obstacle> {
    vec![
        (
            |facts| Arc::make_mut(&mut facts.cohort).status = CohortStatus::Completed,
            EnrolmentRule::CohortClosed { status: CohortStatus::Completed },
        ),
        (
            |facts| Arc::make_mut(&mut facts.cohort).status = CohortStatus::Cancelled,
            EnrolmentRule::CohortClosed { status: CohortStatus::Cancelled },
        ),
        (|facts| Arc::make_mut(&mut facts.person).active = false, EnrolmentRule::PersonInactive),
        (
            |facts| facts.active_enrolment = Some(OTHER_ENROLMENT),
            EnrolmentRule::ActiveElsewhere { enrolment_id: OTHER_ENROLMENT },
        ),
        (
            |facts| {
                Arc::make_mut(&mut facts.cohort).capacity = Some(50);
                facts.places_taken = 50;
            },
            EnrolmentRule::CohortFull { capacity: 50 },
        ),
    ]
}

fn last_place(facts: &mut EnrolmentFacts) {
    Arc::make_mut(&mut facts.cohort).capacity = Some(50);
    facts.places_taken = 49;
}

#[test]
fn a_person_begins_in_week_1() {
    Given::newcomer().when(enrol()).then_expect_events(vec![enrolled()]);
}

#[test]
fn a_person_can_be_enrolled_before_the_cohort_begins_and_into_the_last_place() {
    Given::newcomer()
        .facts(|facts| Arc::make_mut(&mut facts.cohort).status = CohortStatus::Upcoming)
        .facts(last_place)
        .when(enrol())
        .then_expect_events(vec![enrolled()]);
}

#[test]
fn refuses_whoever_the_cohort_has_no_room_for() {
    for (obstacle, rule) in obstacles() {
        Given::newcomer().facts(obstacle).when(enrol()).then_expect_error(rule);
    }
}

#[test]
fn refuses_a_second_enrolment_in_the_same_cohort() {
    // Also of somebody who is active there: reinstating is what helps, not leaving another cohort.
    Given::newcomer()
        .facts(|facts| {
            facts.same_cohort = Some(OTHER_ENROLMENT);
            facts.active_enrolment = Some(OTHER_ENROLMENT);
        })
        .when(enrol())
        .then_expect_error(EnrolmentRule::AlreadyEnrolled { enrolment_id: OTHER_ENROLMENT });
}

#[test]
fn refuses_to_enrol_into_a_closed_hub() {
    let into_hub = EnrolmentCommand::EnrolStudent(EnrolStudent {
        enrolment_id: Some(ENROLMENT),
        cohort_id: COHORT,
        person_id: STUDENT,
        hub_id: Some(HUB),
    });
    Given::newcomer()
        .facts(|facts| facts.hub = Some(hub([HubEvent::HubClosed {}])))
        .when(into_hub)
        .then_expect_error(EnrolmentRule::HubClosed);
}

#[test]
fn a_student_joins_changes_and_leaves_a_hub() {
    given([])
        .facts(|facts| facts.hub = Some(hub([])))
        .when(join(Some(HUB)))
        .then_expect_events(vec![joined(HUB, None)]);
    given([joined(HUB, None)])
        .facts(|facts| facts.hub = Some(hub([])))
        .when(join(Some(OTHER_HUB)))
        .then_expect_events(vec![joined(OTHER_HUB, Some(HUB))]);
    given([joined(HUB, None)])
        .when(join(None))
        .then_expect_events(vec![EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: HUB })]);
}

#[test]
fn joining_the_own_hub_changes_nothing() {
    given([joined(HUB, None)]).when(join(Some(HUB))).then_expect_events(vec![]);
    given([]).when(join(None)).then_expect_events(vec![]);
}

#[test]
fn refuses_to_join_a_closed_hub() {
    given([])
        .facts(|facts| facts.hub = Some(hub([HubEvent::HubClosed {}])))
        .when(join(Some(HUB)))
        .then_expect_error(EnrolmentRule::HubClosed);
}

#[test]
fn refuses_another_hub_for_whoever_takes_no_part() {
    let status = EnrolmentStatus::Withdrawn;
    given([withdrawn()]).when(join(Some(HUB))).then_expect_error(EnrolmentRule::NotActive { status });
}

#[test]
fn a_student_is_withdrawn_once() {
    given([]).when(withdraw()).then_expect_events(vec![withdrawn()]);
    given([withdrawn()]).when(withdraw()).then_expect_events(vec![]);
}

#[test]
fn refuses_to_withdraw_whoever_has_completed() {
    let status = EnrolmentStatus::Completed;
    given([completed()]).when(withdraw()).then_expect_error(EnrolmentRule::NotActive { status });
}

#[test]
fn a_withdrawn_student_comes_back_if_there_is_a_place() {
    given([withdrawn()]).facts(last_place).when(reinstate()).then_expect_events(vec![reinstated()]);
    for (obstacle, rule) in obstacles() {
        given([withdrawn()]).facts(obstacle).when(reinstate()).then_expect_error(rule);
    }
}

#[test]
fn a_withdrawn_student_comes_back_to_their_hub_unless_it_was_closed() {
    given([joined(HUB, None), withdrawn()])
        .facts(|facts| facts.hub = Some(hub([])))
        .when(reinstate())
        .then_expect_events(vec![reinstated()]);
    given([joined(HUB, None), withdrawn()])
        .facts(|facts| facts.hub = Some(hub([HubEvent::HubClosed {}])))
        .when(reinstate())
        .then_expect_events(vec![EnrolmentEvent::Membership(MembershipEvent::HubLeft { hub_id: HUB }), reinstated()]);
}

#[test]
fn reinstating_an_active_student_changes_nothing() {
    // Their own enrolment is the active one, and the cohort may well be full with them.
    given([])
        .facts(|facts| {
            facts.active_enrolment = Some(ENROLMENT);
            Arc::make_mut(&mut facts.cohort).capacity = Some(1);
            facts.places_taken = 1;
        })
        .when(reinstate())
        .then_expect_events(vec![]);
}

#[test]
fn refuses_to_reinstate_whoever_has_completed() {
    given([completed()]).when(reinstate()).then_expect_error(EnrolmentRule::EnrolmentCompleted);
}

#[test]
fn an_enrolment_is_completed_once() {
    given([]).when(complete()).then_expect_events(vec![completed()]);
    given([completed()]).when(complete()).then_expect_events(vec![]);
}

#[test]
fn refuses_to_complete_whoever_was_withdrawn() {
    let status = EnrolmentStatus::Withdrawn;
    given([withdrawn()]).when(complete()).then_expect_error(EnrolmentRule::NotActive { status });
}
