//! The codes that clients hold on to, and texts that name the student and say what to do.

use super::*;
use crate::refusal::Refusal;

fn code(rule: &EnrolmentRule) -> &'static str {
    rule.into()
}

#[test]
fn codes_are_stable() {
    let student_held = EnrolmentRule::StudentHeld { week: 5, reason: "ill".into() };
    let higher = EnrolmentRule::HigherAuthorityStands { week: 5, authority: Authority::Admin };
    assert_eq!(code(&student_held), "student_held");
    assert_eq!(code(&higher), "higher_authority_stands");
    assert_eq!(code(&EnrolmentRule::AbsenceFlagOpen { missed_weeks: [1].into() }), "absence_flag_open");
    assert_eq!(code(&EnrolmentRule::NotAMarkerOfCohort), "not_a_marker_of_cohort");
    assert_eq!(code(&EnrolmentRule::CohortFull { capacity: 1 }), "cohort_full");
}

#[test]
fn a_refusal_names_the_student_and_says_what_to_do() {
    let detail = |rule: EnrolmentRule| Refusal::Rule { rule: rule.into(), student: Some("Anna Ho".into()) }.detail();
    assert_eq!(
        detail(EnrolmentRule::StudentHeld { week: 5, reason: "ill".into() }),
        "Anna Ho is held in week 5: ill (release them first)"
    );
    assert_eq!(
        detail(EnrolmentRule::AbsenceFlagOpen { missed_weeks: [1, 3, 6].into() }),
        "Anna Ho is absent in weeks 1, 3, 6; resolve the absence flag, or give a reason for going on"
    );
    assert_eq!(
        detail(EnrolmentRule::HigherAuthorityStands { week: 2, authority: Authority::Admin }),
        "Anna Ho's attendance in week 2 was marked by the admin, whose mark stands; ask them to change it"
    );
    assert_eq!(
        detail(EnrolmentRule::ReflectionOverdue { due: at("2025-04-08T14:00:00Z") }),
        "Anna Ho's reflections were due before 2025-04-08T14:00:00Z; it is too late to hand one in"
    );
    assert_eq!(
        detail(EnrolmentRule::CohortFull { capacity: 50 }),
        "Anna Ho finds no place: all 50 of the cohort are taken; raise its capacity or wait for a place"
    );
}

#[test]
fn missed_weeks_are_said_as_many_as_there_are() {
    assert_eq!(absent_in(&[6, 2, 4].into()), "absent in weeks 2, 4, 6");
    assert_eq!(absent_in(&[4].into()), "absent in week 4");
    assert_eq!(absent_in(&[].into()), "absent in no week");
}

#[test]
fn reasons_stay_out_of_debug_output() {
    let rule = EnrolmentRule::StudentHeld { week: 5, reason: "ill".into() };
    assert!(!format!("{rule:?}").contains("ill"));
}
