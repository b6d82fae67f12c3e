//! Syllabi: what each week of a cohort shows, in order. It knows no reader; who sees which week is the policy's.

mod diff;
mod queries;
#[cfg(test)]
mod tests;

use rollbook_domain::syllabus::{MaterialContent, SyllabusEvent};
use rollbook_domain::{CohortId, Event, MaterialId, StreamType};
use rollbook_store::Recorded;
use serde::{Deserialize, Serialize};

use crate::{ReadModel, SiteRows};

pub use diff::{ChangedPart, Difference, DifferenceCounts, SyllabusDiff, compare};
pub use queries::{MaterialFile, file, of_cohort, of_week, reasons};

/// The read model.
#[derive(Debug)]
pub struct Syllabi;

/// A week of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub week: u8,
    /// What it shows, in order.
    pub materials: Vec<Material>,
    /// What its students reflect on.
    pub question: Option<String>,
    /// The stream's version when the week changed last.
    pub version: i64,
}

/// A material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Which.
    pub material_id: MaterialId,
    /// What it is called.
    pub title: String,
    /// What it consists of.
    pub content: MaterialContent,
    /// The material of another run that it was copied from.
    pub copied_from: Option<MaterialId>,
}

impl Row {
    fn new(cohort_id: CohortId, week: u8) -> Self {
        Self { cohort_id, week, materials: Vec::new(), question: None, version: 0 }
    }

    fn insert(&mut self, position: u16, material: Material) {
        let index = usize::from(position).saturating_sub(1).min(self.materials.len());
        self.materials.insert(index, material);
    }

    fn take(&mut self, id: MaterialId) -> Option<Material> {
        let index = self.materials.iter().position(|material| material.material_id == id)?;
        Some(self.materials.remove(index))
    }
}

impl ReadModel for Syllabi {
    const NAME: &'static str = "syllabus";
    const VERSION: i32 = 1;
    const TABLE: &'static str = "syllabus";
    const KEY: &'static [&'static str] = &["cohort_id", "week"];
    const COLUMNS: &'static [&'static str] = &["materials", "question", "version"];
    const STREAMS: &'static [StreamType] = &[StreamType::Syllabus];

    type Key = (CohortId, u8);
    type Row = Row;

    fn touches(event: &Recorded) -> Vec<Self::Key> {
        let Event::Syllabus(happened) = &event.event else { return Vec::new() };
        let cohort = CohortId(event.stream.id);
        weeks_of(happened).into_iter().map(|week| (cohort, week)).collect()
    }

    fn key(row: &Row) -> Self::Key {
        (row.cohort_id, row.week)
    }

    fn fold(event: &Recorded, rows: &mut SiteRows<'_, Self>) {
        let Event::Syllabus(happened) = &event.event else { return };
        let mut syllabus = Touched { cohort: CohortId(event.stream.id), version: event.sequence, rows };
        match happened {
            SyllabusEvent::MaterialAdded { material_id, week, position, title, content } => {
                let (title, content) = (title.clone(), content.clone());
                let material = Material { material_id: *material_id, title, content, copied_from: None };
                syllabus.change(*week, |row| row.insert(*position, material));
            }
            SyllabusEvent::MaterialUpdated { material_id, week, title, content } => syllabus.change(*week, |row| {
                if let Some(material) = row.materials.iter_mut().find(|m| m.material_id == *material_id) {
                    if let Some(title) = title {
                        material.title.clone_from(title);
                    }
                    if let Some(content) = content {
                        material.content.clone_from(content);
                    }
                }
            }),
            SyllabusEvent::MaterialMoved { material_id, from_week, week, position } => {
                let mut moved = None;
                syllabus.change(*from_week, |row| moved = row.take(*material_id));
                syllabus.change(*week, |row| moved.into_iter().for_each(|material| row.insert(*position, material)));
            }
            SyllabusEvent::MaterialRemoved { material_id, week } => {
                syllabus.change(*week, |row| drop(row.take(*material_id)));
            }
            SyllabusEvent::ReflectionQuestionSet { week, text } => {
                syllabus.change(*week, |row| row.question.clone_from(text));
            }
            SyllabusEvent::ContentCopied { from_cohort: _, materials, questions } => {
                for copied in materials {
                    let (title, content) = (copied.title.clone(), copied.content.clone());
                    let copied_from = Some(copied.copied_from);
                    let material = Material { material_id: copied.material_id, title, content, copied_from };
                    syllabus.change(copied.week, |row| row.insert(copied.position, material));
                }
                for (week, text) in questions {
                    syllabus.change(*week, |row| row.question = Some(text.clone()));
                }
            }
        }
    }
}

/// The weeks that an event changes.
fn weeks_of(event: &SyllabusEvent) -> std::collections::BTreeSet<u8> {
    match event {
        SyllabusEvent::MaterialAdded { week, .. }
        | SyllabusEvent::MaterialUpdated { week, .. }
        | SyllabusEvent::MaterialRemoved { week, .. }
        | SyllabusEvent::ReflectionQuestionSet { week, .. } => [*week].into(),
        SyllabusEvent::MaterialMoved { from_week, week, .. } => [*from_week, *week].into(),
        SyllabusEvent::ContentCopied { from_cohort: _, materials, questions } => {
            materials.iter().map(|material| material.week).chain(questions.keys().copied()).collect()
        }
    }
}

/// The rows of one syllabus, while an event changes them.
struct Touched<'r, 's> {
    cohort: CohortId,
    version: i64,
    rows: &'r mut SiteRows<'s, Syllabi>,
}

impl Touched<'_, '_> {
    /// Changes a week, which has a row from its first event on.
    fn change(&mut self, week: u8, change: impl FnOnce(&mut Row)) {
        let mut row = self.rows.get(&(self.cohort, week)).cloned().unwrap_or_else(|| Row::new(self.cohort, week));
        change(&mut row);
        row.version = self.version;
        self.rows.put(row);
    }
}
