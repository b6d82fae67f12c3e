//! Copies: everything, under new ids, and independent afterwards.

use super::*;
use crate::given::OTHER_COHORT;

fn source() -> Syllabus {
    let question = |week| SyllabusEvent::ReflectionQuestionSet { week, text: Some(format!("Fråga {week}?")) };
    syllabus(&[three(), vec![added_with(4, 8, 1, picture(UPLOAD)), question(1), question(8), removed(2, 1)]].concat())
}

fn copied() -> SyllabusEvent {
    source().copied(COHORT, OTHER_COHORT).unwrap()
}

#[test]
fn a_copy_has_all_materials_and_questions_under_new_ids() {
    let SyllabusEvent::ContentCopied { from_cohort, materials, questions } = copied() else { panic!("a copy") };
    assert_eq!(from_cohort, COHORT);
    let places: Vec<_> =
        materials.iter().map(|m| (m.copied_from.0.as_u128(), m.week, m.position, m.title.as_str())).collect();
    assert_eq!(places, [(1, 1, 1, "M1"), (3, 2, 1, "M3"), (4, 8, 1, "M4")]);
    assert!(materials.iter().all(|material| source().find(material.material_id).is_none()));
    assert_eq!(questions, source().questions);
}

#[test]
fn copying_again_gives_the_same_ids_and_another_cohort_others() {
    assert_eq!(source().copied(COHORT, OTHER_COHORT), source().copied(COHORT, OTHER_COHORT));
    assert_ne!(source().copied(COHORT, OTHER_COHORT), source().copied(COHORT, crate::CohortId(Uuid::from_u128(7))));
}

#[test]
fn nothing_is_copied_from_nothing() {
    assert_eq!(Syllabus::default().copied(COHORT, OTHER_COHORT), None);
    let emptied = syllabus(&[added(1, 1, 1), removed(1, 1)]);
    assert_eq!(emptied.copied(COHORT, OTHER_COHORT), None);
}

#[test]
fn a_copy_adds_up_to_what_it_was_made_of() {
    let copy = syllabus(&[copied()]);
    assert_eq!((copy.len(), &copy.questions), (source().len(), &source().questions));
    let contents = |syllabus: &Syllabus| -> Vec<_> {
        syllabus
            .weeks
            .iter()
            .flat_map(|(week, m)| m.iter().map(|m| (*week, m.title.clone(), m.content.clone())))
            .collect()
    };
    assert_eq!(contents(&copy), contents(&source()));
}

#[test]
fn a_copied_file_stays_claimed_by_the_material_that_it_was_uploaded_for() {
    let mut changes = ClaimChanges::default();
    Syllabus::default().claims(OTHER_COHORT.into(), &copied(), &mut changes);
    assert_eq!(changes, ClaimChanges::default());
}
