//! What one run's syllabus has more, less and otherwise than another's. Nothing is kept: it is compared when it is asked.
//!
//! A material is the other run's if it was copied from it (or it from this one, or both from a third), and else if week,
//! kind and title are the same. A question is the other run's of the same week.

use std::collections::{BTreeMap, BTreeSet};

use rollbook_domain::syllabus::{MaterialContent, MaterialKind};
use rollbook_domain::{CohortId, MaterialId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Material, Row};

/// What a cohort's syllabus is against another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyllabusDiff {
    /// Whose syllabus is described.
    pub cohort_id: CohortId,
    /// Against whose.
    pub against: CohortId,
    /// How much there is of each.
    pub counts: DifferenceCounts,
    /// What it has and the other has not.
    pub added: Vec<Difference>,
    /// What the other has and it has not.
    pub removed: Vec<Difference>,
    /// What both have, and not alike; as it is here.
    pub changed: Vec<Difference>,
}

/// How much is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceCounts {
    /// How much is only here.
    pub added: usize,
    /// How much is only there.
    pub removed: usize,
    /// How much is here and there, and not alike.
    pub changed: usize,
}

/// A material or a question that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// In which week.
    pub week: u8,
    /// Which material; null is the week's reflection question.
    pub material_id: Option<MaterialId>,
    /// What kind of material.
    pub kind: Option<MaterialKind>,
    /// The material's title, or the question.
    pub title: String,
    /// Of a change: which material it is there.
    pub was: Option<MaterialId>,
    /// Of a change: what is different.
    pub parts: Vec<ChangedPart>,
}

/// What is different about something that both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangedPart {
    /// What it is called.
    Title,
    /// What it consists of, or the text of a question.
    Content,
    /// In which week it is.
    Week,
    /// Its order among those of its week that both have.
    Order,
}

/// A material with its week.
#[derive(Clone, Copy)]
struct Placed<'r> {
    week: u8,
    material: &'r Material,
}

/// Which material of the other run each of this run's is, by their places in both lists.
type Pairs = BTreeMap<usize, usize>;

/// Compares a cohort's syllabus with another's.
pub fn compare((cohort_id, here): (CohortId, &[Row]), (against, there): (CohortId, &[Row])) -> SyllabusDiff {
    let (ours, theirs) = (placed(here), placed(there));
    let pairs = pairs(&ours, &theirs);
    let reordered = reordered(&ours, &theirs, &pairs);
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (index, one) in ours.iter().enumerate() {
        let Some(other) = pairs.get(&index).map(|other| theirs[*other]) else {
            added.push(difference(*one));
            continue;
        };
        let parts = [
            (ChangedPart::Title, one.material.title != other.material.title),
            (ChangedPart::Content, !alike(&one.material.content, &other.material.content)),
            (ChangedPart::Week, one.week != other.week),
            (ChangedPart::Order, reordered.contains(&index)),
        ];
        let parts: Vec<_> = parts.into_iter().filter_map(|(part, differs)| differs.then_some(part)).collect();
        if !parts.is_empty() {
            changed.push(Difference { was: Some(other.material.material_id), parts, ..difference(*one) });
        }
    }
    let known: BTreeSet<_> = pairs.values().copied().collect();
    let gone = theirs.iter().enumerate().filter(|(index, _)| !known.contains(index));
    removed.extend(gone.map(|(_, other)| difference(*other)));

    let (asked, asked_there) = (questions(here), questions(there));
    for (week, text) in &asked {
        match asked_there.get(week) {
            None => added.push(question(*week, text)),
            Some(other) if other == text => {}
            Some(_) => changed.push(Difference { parts: vec![ChangedPart::Content], ..question(*week, text) }),
        }
    }
    removed
        .extend(asked_there.iter().filter(|(week, _)| !asked.contains_key(week)).map(|(w, text)| question(*w, text)));

    for list in [&mut added, &mut removed, &mut changed] {
        // The sort is stable: questions stay after the materials of their week.
        list.sort_by_key(|difference| difference.week);
    }
    let counts = DifferenceCounts { added: added.len(), removed: removed.len(), changed: changed.len() };
    SyllabusDiff { cohort_id, against, counts, added, removed, changed }
}

fn placed(rows: &[Row]) -> Vec<Placed<'_>> {
    rows.iter().flat_map(|row| row.materials.iter().map(|material| Placed { week: row.week, material })).collect()
}

fn pairs(ours: &[Placed<'_>], theirs: &[Placed<'_>]) -> Pairs {
    let mut pairs = Pairs::new();
    let mut taken = BTreeSet::new();
    for same in [related, look_alike] {
        for (index, one) in ours.iter().enumerate() {
            if pairs.contains_key(&index) {
                continue;
            }
            let found = (0..theirs.len()).find(|other| !taken.contains(other) && same(*one, theirs[*other]));
            if let Some(other) = found {
                pairs.insert(index, other);
                taken.insert(other);
            }
        }
    }
    pairs
}

/// Whether one was copied from the other, or both from a third.
fn related(one: Placed<'_>, other: Placed<'_>) -> bool {
    let (one, other) = (one.material, other.material);
    one.copied_from == Some(other.material_id)
        || other.copied_from == Some(one.material_id)
        || (one.copied_from.is_some() && one.copied_from == other.copied_from)
}

fn look_alike(one: Placed<'_>, other: Placed<'_>) -> bool {
    one.week == other.week
        && one.material.content.kind() == other.material.content.kind()
        && one.material.title == other.material.title
}

/// A file is what its bytes are, however often it was uploaded.
fn alike(one: &MaterialContent, other: &MaterialContent) -> bool {
    match (one.file(), other.file()) {
        (Some(a), Some(b)) => one.kind() == other.kind() && (&a.sha256, &a.name) == (&b.sha256, &b.name),
        _ => one == other,
    }
}

/// Of the materials that stayed in their week, the fewest whose moving gives the new order: what is not in a longest run that
/// kept the old one.
fn reordered(ours: &[Placed<'_>], theirs: &[Placed<'_>], pairs: &Pairs) -> BTreeSet<usize> {
    let stayed: Vec<_> = pairs.iter().filter(|(one, other)| ours[**one].week == theirs[**other].week).collect();
    let mut moved = BTreeSet::new();
    for of_week in stayed.chunk_by(|(a, _), (b, _)| ours[**a].week == ours[**b].week) {
        // The length of the longest run that ends at each, and what comes before it there.
        let mut longest: Vec<(usize, Option<usize>)> = Vec::with_capacity(of_week.len());
        for (end, (_, other)) in of_week.iter().enumerate() {
            let before = (0..end).filter(|start| of_week[*start].1 < *other).max_by_key(|start| longest[*start].0);
            longest.push((before.map_or(0, |start| longest[start].0) + 1, before));
        }
        let mut kept = BTreeSet::new();
        let mut at = (0..longest.len()).max_by_key(|end| longest[*end].0);
        while let Some(place) = at {
            kept.insert(place);
            at = longest[place].1;
        }
        let left = of_week.iter().enumerate().filter(|(place, _)| !kept.contains(place));
        moved.extend(left.map(|(_, (one, _))| **one));
    }
    moved
}

fn difference(placed: Placed<'_>) -> Difference {
    let Placed { week, material } = placed;
    Difference {
        week,
        material_id: Some(material.material_id),
        kind: Some(material.content.kind()),
        title: material.title.clone(),
        was: None,
        parts: Vec::new(),
    }
}

fn questions(rows: &[Row]) -> BTreeMap<u8, &str> {
    rows.iter().filter_map(|row| Some((row.week, row.question.as_deref()?))).collect()
}

fn question(week: u8, text: &str) -> Difference {
    Difference { week, material_id: None, kind: None, title: text.to_owned(), was: None, parts: Vec::new() }
}
