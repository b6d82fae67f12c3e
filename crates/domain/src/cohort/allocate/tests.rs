//! Dividing students among markers.

use proptest::prelude::*;

use super::*;
use crate::cohort::CohortEvent;
use crate::enrolment::{EnrolmentEvent, ReflectionEvent};
use crate::plan::given::*;

fn markers(numbers: impl IntoIterator<Item = u128>) -> BTreeSet<PersonId> {
    numbers.into_iter().map(marker).collect()
}

/// Students numbered from 1, each with the number of their marker, 0 for none.
fn students(with: impl IntoIterator<Item = u128>) -> Vec<(EnrolmentId, Option<PersonId>)> {
    let with = with.into_iter().zip(1..);
    with.map(|(number, student)| (enrolment(student), (number > 0).then(|| marker(number)))).collect()
}

fn loads(
    students: &[(EnrolmentId, Option<PersonId>)],
    markers: &BTreeSet<PersonId>,
    changes: &[(EnrolmentId, PersonId)],
) -> BTreeMap<PersonId, usize> {
    let mut after: BTreeMap<_, _> = students.iter().filter_map(|(id, marker)| Some((*id, (*marker)?))).collect();
    after.extend(changes.iter().copied());
    markers.iter().map(|marker| (*marker, after.values().filter(|m| *m == marker).count())).collect()
}

#[test]
fn nobody_who_has_a_marker_is_moved_unless_asked() {
    let given = students([1, 1, 1, 0, 0]);
    assert_eq!(divide(&given, &markers([1, 2]), false), [(enrolment(4), marker(2)), (enrolment(5), marker(2))]);
}

#[test]
fn rebalancing_moves_as_few_as_possible() {
    assert_eq!(divide(&students([1, 1, 1, 1, 2]), &markers([1, 2]), true), [(enrolment(4), marker(2))]);
    assert_eq!(divide(&students([1, 1, 1, 2, 2]), &markers([1, 2]), true), []);
    assert_eq!(divide(&students([1, 1, 2, 2, 2]), &markers([1, 2]), true), []);
}

#[test]
fn whose_marker_is_gone_counts_as_having_none() {
    for rebalance in [false, true] {
        let changes = divide(&students([1, 9, 2, 9]), &markers([1, 2]), rebalance);
        assert_eq!(changes, [(enrolment(2), marker(1)), (enrolment(4), marker(2))]);
    }
}

#[test]
fn without_markers_or_students_nothing_changes() {
    assert_eq!(divide(&students([0, 1]), &markers([]), true), []);
    assert_eq!(divide(&[], &markers([1, 2]), true), []);
}

proptest! {
    #[test]
    fn rebalanced_loads_differ_by_at_most_one_and_the_fewest_move(
        with in prop::collection::vec(0..8_u128, 0..80),
        appointed in prop::collection::btree_set(1..8_u128, 1..6),
    ) {
        let (students, markers) = (students(with), markers(appointed));
        let changes = divide(&students, &markers, true);
        let after = loads(&students, &markers, &changes);
        let (least, most) = (after.values().min().unwrap(), after.values().max().unwrap());
        prop_assert!(most - least <= 1, "{after:?}");
        prop_assert_eq!(after.values().sum::<usize>(), students.len());

        // Nobody can move fewer: the largest loads keep as much as an even division lets them.
        let before = loads(&students, &markers, &[]);
        let (share, rest) = (students.len() / markers.len(), students.len() % markers.len());
        let mut sizes: Vec<_> = before.values().copied().collect();
        sizes.sort_by(|a, b| b.cmp(a));
        let kept: usize = sizes.iter().enumerate().map(|(i, n)| (*n).min(share + usize::from(i < rest))).sum();
        prop_assert_eq!(changes.len(), students.len() - kept);

        prop_assert_eq!(divide(&apply(&students, &changes), &markers, true), vec![], "again changes nothing");
    }

    #[test]
    fn without_rebalancing_exactly_the_unassigned_get_a_marker_where_there_is_most_room(
        with in prop::collection::vec(0..8_u128, 0..80),
        appointed in prop::collection::btree_set(1..8_u128, 1..6),
    ) {
        let (students, markers) = (students(with), markers(appointed));
        let changes = divide(&students, &markers, false);
        let unassigned: Vec<_> =
            students.iter().filter(|(_, m)| m.is_none_or(|m| !markers.contains(&m))).map(|(id, _)| *id).collect();
        prop_assert_eq!(changes.iter().map(|(id, _)| *id).collect::<Vec<_>>(), unassigned);
        // Whoever was given somebody has at most one more than any other marker.
        let after = loads(&students, &markers, &changes);
        let least = after.values().min().copied().unwrap_or(0);
        for (_, marker) in &changes {
            prop_assert!(after[marker] <= least + 1, "{after:?}");
        }
    }

    #[test]
    fn the_order_of_the_students_does_not_matter(
        with in prop::collection::vec(0..8_u128, 0..40),
        rebalance: bool,
    ) {
        let (students, markers) = (students(with), markers([1, 2, 3]));
        let reversed: Vec<_> = students.iter().rev().copied().collect();
        prop_assert_eq!(divide(&students, &markers, rebalance), divide(&reversed, &markers, rebalance));
    }
}

fn apply(
    students: &[(EnrolmentId, Option<PersonId>)],
    changes: &[(EnrolmentId, PersonId)],
) -> Vec<(EnrolmentId, Option<PersonId>)> {
    let now: BTreeMap<_, _> = changes.iter().copied().collect();
    students.iter().map(|(id, marker)| (*id, now.get(id).copied().or(*marker))).collect()
}

fn school() -> School {
    let mut school = School::new();
    for number in 1..=4 {
        school.enrol(number, COHORT);
    }
    let assigned =
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id: marker(1), previous: None });
    for number in 1..=3 {
        school.lived(enrolment(number), [assigned.clone()]);
    }
    school.lived(enrolment(3), [withdrawn()]);
    school
}

#[test]
fn a_cohorts_active_students_are_divided_among_its_markers() {
    let mut school = school();
    school.happened(COHORT, [1, 2].map(|number| CohortEvent::MarkerAppointed { person_id: marker(number) }));
    let plan = school.plan(AllocateMarkers { cohort_id: COHORT, rebalance: false }).unwrap();
    assert_eq!(plan.lists["assigned"], [enrolment(4)]);
    let assigned =
        EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned { marker_id: marker(2), previous: None });
    assert_eq!(events(&plan, enrolment(4)), [assigned.into()]);
    assert_eq!(plan.writes.len(), 1);
}

#[test]
fn a_dismissed_markers_students_go_to_another() {
    let mut school = school();
    school.happened(COHORT, [CohortEvent::MarkerAppointed { person_id: marker(2) }]);
    let plan = school.plan(AllocateMarkers { cohort_id: COHORT, rebalance: false }).unwrap();
    let assigned = EnrolmentEvent::Reflections(ReflectionEvent::MarkerAssigned {
        marker_id: marker(2),
        previous: Some(marker(1)),
    });
    assert_eq!(events(&plan, enrolment(1)), [assigned.into()]);
    assert_eq!(plan.lists["assigned"], [enrolment(1), enrolment(2), enrolment(4)]);
}

#[test]
fn refuses_a_cohort_without_markers() {
    let refusal = school().plan(AllocateMarkers { cohort_id: COHORT, rebalance: true }).unwrap_err();
    assert_eq!(refusal, BatchRule::NoMarkers.into());
}
