//! What two runs' syllabi have in common and what not.

use rollbook_domain::file::StoredFile;
use rollbook_domain::syllabus::MaterialContent;
use rollbook_domain::{CohortId, MaterialId, UploadId};
use uuid::Uuid;

use super::{ChangedPart, Material, Row, SyllabusDiff, compare};

const OLD: CohortId = CohortId(Uuid::from_u128(1));
const NEW: CohortId = CohortId(Uuid::from_u128(2));

fn id(number: u128) -> MaterialId {
    MaterialId(Uuid::from_u128(number))
}

fn page(number: u128, title: &str) -> Material {
    let content = MaterialContent::Page { markdown: "Läs.".to_owned() };
    Material { material_id: id(number), title: title.to_owned(), content, copied_from: None }
}

fn weeks(cohort_id: CohortId, weeks: Vec<Vec<Material>>) -> Vec<Row> {
    let row = |(week, materials)| Row { cohort_id, week, materials, question: None, version: 1 };
    (1..).zip(weeks).map(row).collect()
}

/// The same weeks in a new run.
fn copied(rows: &[Row]) -> Vec<Row> {
    let copy = |material: &Material| Material {
        material_id: MaterialId(Uuid::from_u128(material.material_id.0.as_u128() + 1_000)),
        copied_from: Some(material.material_id),
        ..material.clone()
    };
    let row = |row: &Row| Row { cohort_id: NEW, materials: row.materials.iter().map(copy).collect(), ..row.clone() };
    rows.iter().map(row).collect()
}

fn old() -> Vec<Row> {
    weeks(OLD, vec![vec![page(1, "A"), page(2, "B"), page(3, "C")], vec![page(4, "D"), page(5, "E")]])
}

fn diff(here: &[Row], there: &[Row]) -> SyllabusDiff {
    compare((NEW, here), (OLD, there))
}

fn counts(diff: &SyllabusDiff) -> [usize; 3] {
    [diff.counts.added, diff.counts.removed, diff.counts.changed]
}

fn parts(here: &[Row], there: &[Row]) -> Vec<(String, Vec<ChangedPart>)> {
    diff(here, there).changed.into_iter().map(|change| (change.title, change.parts)).collect()
}

#[test]
fn a_copy_is_the_same_in_either_direction() {
    let new = copied(&old());
    assert_eq!(counts(&diff(&new, &old())), [0, 0, 0]);
    assert_eq!(counts(&compare((OLD, &old()), (NEW, &new))), [0, 0, 0]);
}

#[test]
fn what_was_added_removed_and_changed_is_counted_and_named() {
    let mut new = copied(&old());
    new[0].materials.remove(1);
    new[1].materials.remove(0);
    new[1].materials[0].title = "E, rättad".to_owned();
    for (number, title) in [(21, "X"), (22, "Y"), (23, "Z")] {
        new[0].materials.insert(0, page(number, title));
    }
    let diff = diff(&new, &old());
    assert_eq!(counts(&diff), [3, 2, 1]);
    let titles = |list: &[super::Difference]| list.iter().map(|d| d.title.clone()).collect::<Vec<_>>();
    assert_eq!(
        (titles(&diff.added), titles(&diff.removed)),
        (vec!["Z".into(), "Y".into(), "X".into()], vec!["B".into(), "D".into()])
    );
    let [change] = &diff.changed[..] else { panic!("{:?}", diff.changed) };
    assert_eq!(
        (change.material_id, change.was, &change.parts[..]),
        (Some(id(1_005)), Some(id(5)), &[ChangedPart::Title][..])
    );
}

#[test]
fn descent_counts_before_looks() {
    // The copy of A is called B now, and the copy of B is called A: two changes, not two that merely changed places.
    let mut new = copied(&old());
    new[0].materials[0].title = "B".to_owned();
    new[0].materials[1].title = "A".to_owned();
    let expected = |title: &str| (title.to_owned(), vec![ChangedPart::Title]);
    assert_eq!(parts(&new, &old()), [expected("B"), expected("A")]);
}

#[test]
fn runs_that_never_were_copies_are_matched_by_week_kind_and_title() {
    let new = weeks(NEW, vec![vec![page(11, "A"), page(12, "B")], vec![page(13, "C"), page(14, "D"), page(15, "E")]]);
    let diff = diff(&new, &old());
    assert_eq!(counts(&diff), [1, 1, 0]);
    assert_eq!((diff.added[0].week, diff.removed[0].week), (2, 1));
}

#[test]
fn two_of_the_same_looks_are_two() {
    let one = weeks(OLD, vec![vec![page(1, "A")]]);
    let two = weeks(NEW, vec![vec![page(11, "A"), page(12, "A")]]);
    assert_eq!(counts(&diff(&two, &one)), [1, 0, 0]);
}

#[test]
fn copies_of_the_same_run_are_related() {
    let one = copied(&old());
    let mut other = copied(&old());
    other[0].materials[0].material_id = id(77);
    other[0].materials[0].title = "A, rättad".to_owned();
    assert_eq!(parts(&other, &one), [("A, rättad".to_owned(), vec![ChangedPart::Title])]);
}

#[test]
fn a_move_is_a_change_of_what_moved_alone() {
    let mut new = copied(&old());
    let first = new[0].materials.remove(0);
    new[0].materials.push(first);
    assert_eq!(parts(&new, &old()), [("A".to_owned(), vec![ChangedPart::Order])]);
    let mut new = copied(&old());
    let first = new[0].materials.remove(0);
    new[1].materials.insert(0, first);
    assert_eq!(parts(&new, &old()), [("A".to_owned(), vec![ChangedPart::Week])]);
}

#[test]
fn a_file_is_its_bytes_and_its_name() {
    let document = |number: u128, sha256: &str| {
        let file = StoredFile {
            key: format!("sites/1/document/{number}/notes.pdf"),
            name: "notes.pdf".to_owned(),
            size: 3,
            sha256: sha256.to_owned(),
            media_type: "application/pdf".to_owned(),
            webp_key: None,
        };
        let content = MaterialContent::Document { upload_id: UploadId(Uuid::from_u128(number)), file };
        weeks(OLD, vec![vec![Material { content, ..page(number, "Notes") }]])
    };
    assert_eq!(parts(&document(1, "aa"), &document(2, "aa")), []);
    assert_eq!(parts(&document(1, "ab"), &document(2, "aa")), [("Notes".to_owned(), vec![ChangedPart::Content])]);
}

#[test]
fn questions_are_compared_week_by_week() {
    let asked = |questions: [Option<&str>; 3]| -> Vec<Row> {
        let row = |(week, text): (u8, Option<&str>)| Row {
            cohort_id: OLD,
            week,
            materials: Vec::new(),
            question: text.map(str::to_owned),
            version: 1,
        };
        (1..).zip(questions).map(row).collect()
    };
    let diff = diff(&asked([Some("Och du?"), None, Some("Varför?")]), &asked([None, Some("Vad?"), Some("Hur?")]));
    assert_eq!(counts(&diff), [1, 1, 1]);
    assert_eq!((diff.changed[0].week, diff.changed[0].title.as_str()), (3, "Varför?"));
}
