//! Moving a cohort on: the proposal, what somebody decides otherwise, and the lists of the receipt.

use super::*;
use crate::claim::Limit;
use crate::cohort::{CohortEvent, CohortStatus};
use crate::enrolment::{AttendanceEvent, EnrolmentEvent};
use crate::plan::Plan;
use crate::plan::given::*;
use crate::refusal::Rule;

fn advance(to_week: u8) -> AdvanceCohort {
    AdvanceCohort { cohort_id: COHORT, to_week: week(to_week), hold: vec![], override_flags: vec![] }
}

fn because(number: u128, reason: &str) -> WithReason {
    WithReason { enrolment_id: enrolment(number), reason: text(reason) }
}

fn list(plan: &Plan, name: &str) -> Vec<EnrolmentId> {
    plan.lists[name].clone()
}

/// In week 6: 1 as usual, 2 flagged, 3 held, 4 flagged. 5 is in week 5, 6 was withdrawn in week 6, 7 is elsewhere.
fn school() -> School {
    let mut school = School::new();
    for number in 1..=7 {
        let cohort = if number == 7 { OTHER_COHORT } else { COHORT };
        school.enrol(number, cohort);
        school.lived(enrolment(number), [in_week(if number == 5 { 5 } else { 6 })]);
    }
    school.lived(enrolment(2), flagged());
    school.lived(enrolment(3), [held(6, "ill")]);
    school.lived(enrolment(4), flagged());
    school.lived(enrolment(6), [withdrawn()]);
    school
}

#[test]
fn the_proposal_looks_at_part_week_hold_and_flag_in_this_order() {
    let usual = Candidate { active: true, week: 6, held: None, open_flag: None };
    let is_held = Candidate { held: Some("ill".to_owned()), ..usual.clone() };
    let is_flagged = Candidate { open_flag: Some([1, 3, 6].into()), ..usual.clone() };
    let both = Candidate { held: is_held.held.clone(), ..is_flagged.clone() };
    let untouched = |why: &str| Proposal::Untouched { why: why.to_owned() };
    let stays_held = Proposal::StaysHeld { reason: "ill".to_owned() };
    let table = [
        (usual.clone(), 7, Proposal::Advance),
        (usual.clone(), 6, untouched("is in week 6")),
        (usual.clone(), 8, untouched("is in week 6")),
        (is_held.clone(), 7, stays_held.clone()),
        (both, 7, stays_held),
        (is_flagged.clone(), 7, Proposal::Hold { reason: "absent in weeks 1, 3, 6".to_owned() }),
        (is_held, 8, untouched("is in week 6")),
        (is_flagged, 8, untouched("is in week 6")),
        (Candidate { active: false, ..usual.clone() }, 7, untouched("takes no part any more")),
        (Candidate { week: u8::MAX, ..usual }, 7, untouched("is in week 255")),
    ];
    for (candidate, to_week, expected) in table {
        assert_eq!(propose(&candidate, to_week), expected, "{candidate:?} to week {to_week}");
    }
}

#[test]
fn everyone_in_the_week_before_advances_but_the_flagged_and_the_held() {
    let plan = school().plan(advance(7)).unwrap();
    assert_eq!(list(&plan, "advanced"), [enrolment(1)]);
    assert_eq!(list(&plan, "held"), [enrolment(2), enrolment(3), enrolment(4)]);
    assert_eq!(list(&plan, "untouched"), [enrolment(5)]);
    let flag = || [held(6, "absent in weeks 1, 3, 6").into()];
    assert_eq!(events(&plan, enrolment(1)), [advanced(6, None).into()]);
    assert_eq!(events(&plan, enrolment(2)), flag());
    assert_eq!(events(&plan, enrolment(4)), flag());
    assert_eq!(plan.writes.len(), 3, "who is held already, in another week, gone or elsewhere has no event");
}

#[test]
fn holds_and_overrides_are_decisions_with_reasons() {
    let command = AdvanceCohort {
        hold: vec![because(1, "exam"), because(4, "asked for it")],
        override_flags: vec![because(2, "was in hospital")],
        ..advance(7)
    };
    let plan = school().plan(command).unwrap();
    assert_eq!(list(&plan, "advanced"), [enrolment(2)]);
    assert_eq!(list(&plan, "held"), [enrolment(1), enrolment(3), enrolment(4)]);
    assert_eq!(events(&plan, enrolment(1)), [held(6, "exam").into()]);
    assert_eq!(events(&plan, enrolment(2)), [advanced(6, Some("was in hospital")).into()]);
    assert_eq!(events(&plan, enrolment(4)), [held(6, "asked for it").into()]);
}

#[test]
fn a_hold_or_an_override_of_whoever_is_held_already_leaves_them_held() {
    for command in [
        AdvanceCohort { hold: vec![because(3, "another reason")], ..advance(7) },
        AdvanceCohort { override_flags: vec![because(3, "well again")], ..advance(7) },
    ] {
        let plan = school().plan(command).unwrap();
        assert!(list(&plan, "held").contains(&enrolment(3)));
        assert_eq!(events(&plan, enrolment(3)), []);
    }
}

#[test]
fn an_override_of_whoever_is_not_flagged_keeps_its_reason() {
    let plan = school().plan(AdvanceCohort { override_flags: vec![because(1, "just in case")], ..advance(7) }).unwrap();
    assert_eq!(events(&plan, enrolment(1)), [advanced(6, Some("just in case")).into()]);
}

#[test]
fn a_resolved_flag_holds_nobody() {
    let mut school = school();
    school.lived(
        enrolment(2),
        [EnrolmentEvent::Attendance(AttendanceEvent::AbsenceFlagResolved { flag: 1, reason: "talked".into() })],
    );
    let plan = school.plan(advance(7)).unwrap();
    assert_eq!(list(&plan, "advanced"), [enrolment(1), enrolment(2)]);
}

#[test]
fn advancing_again_touches_only_whoever_was_left_behind() {
    let mut school = school();
    school.carry_out(advance(7)).unwrap();
    let again = school.plan(advance(7)).unwrap();
    assert_eq!(again.writes, []);
    assert_eq!(list(&again, "advanced"), []);
    assert_eq!(list(&again, "held"), [enrolment(2), enrolment(3), enrolment(4)]);
    assert_eq!(list(&again, "untouched"), [enrolment(1), enrolment(5)]);
}

#[test]
fn points_at_entries_that_could_have_no_effect() {
    let command = AdvanceCohort {
        // In another week, twice, withdrawn, unknown.
        hold: vec![because(5, "a"), because(1, "b"), because(1, "c"), because(6, "d"), because(99, "e")],
        // In both lists, elsewhere.
        override_flags: vec![because(2, "f"), because(1, "g"), because(7, "h")],
        ..advance(7)
    };
    assert_eq!(
        invalid(school().plan(command)),
        [
            "/hold/0/enrolment_id",
            "/hold/2/enrolment_id",
            "/hold/3/enrolment_id",
            "/hold/4/enrolment_id",
            "/override_flags/1/enrolment_id",
            "/override_flags/2/enrolment_id",
        ]
    );
}

#[test]
fn points_at_a_list_that_is_too_long() {
    let hold = vec![because(1, "a"); 2001];
    assert_eq!(invalid(school().plan(AdvanceCohort { hold, ..advance(7) })), ["/hold"]);
}

#[test]
fn a_cohort_is_moved_on_to_its_second_week_at_the_earliest_and_its_last_at_the_latest() {
    let school = school();
    for to_week in [2, 8] {
        assert_eq!(list(&school.plan(advance(to_week)).unwrap(), "untouched").len(), 5);
    }
    for to_week in [1, 9] {
        let rule = BatchRule::NoSuchWeek { week: to_week, last: 8 };
        assert_eq!(school.plan(advance(to_week)).unwrap_err(), rule.into());
    }
}

#[test]
fn refuses_a_cohort_that_is_over_or_unknown() {
    let mut school = school();
    school.happened(COHORT, [CohortEvent::CohortCompleted {}]);
    let rule = Rule::Batch(BatchRule::CohortClosed { status: CohortStatus::Completed });
    assert_eq!(school.plan(advance(7)).unwrap_err(), Refusal::Rule { rule, student: None });
    let cohort_id = crate::CohortId(uuid::Uuid::from_u128(99));
    let unknown = AdvanceCohort { cohort_id, ..advance(7) };
    assert_eq!(school.plan(unknown).unwrap_err(), Refusal::NotFound(cohort_id.into()));
}

#[test]
fn whoever_is_enrolled_meanwhile_makes_it_a_conflict() {
    let plan = school().plan(advance(7)).unwrap();
    assert_eq!(plan.limits, [Limit::at_most(ClaimSet::places(COHORT), 5)]);
}
