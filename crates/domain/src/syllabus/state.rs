//! What a syllabus's stream adds up to. Applying never fails and never decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::MaterialContent;
use super::events::SyllabusEvent;
use crate::cohort::Cohort;
use crate::ids::{MaterialId, UploadId};

/// A material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// Which.
    pub id: MaterialId,
    /// What it is called.
    pub title: String,
    /// What it consists of.
    pub content: MaterialContent,
}

/// A syllabus as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Syllabus {
    /// The materials of each week, in their order.
    pub weeks: BTreeMap<u8, Vec<Material>>,
    /// The reflection question of each week that has one.
    pub questions: BTreeMap<u8, String>,
    /// Materials that are not shown any more.
    pub removed: BTreeSet<MaterialId>,
    /// The uploads that its materials ever had.
    pub uploads: BTreeSet<UploadId>,
}

impl Syllabus {
    /// A material, with its week and its index there.
    pub fn find(&self, id: MaterialId) -> Option<(u8, usize, &Material)> {
        self.weeks.iter().find_map(|(week, materials)| {
            let index = materials.iter().position(|material| material.id == id)?;
            Some((*week, index, &materials[index]))
        })
    }

    /// How many materials a week has.
    pub fn len_of(&self, week: u8) -> usize {
        self.weeks.get(&week).map_or(0, Vec::len)
    }

    /// How many materials it has.
    pub fn len(&self) -> usize {
        self.weeks.values().map(Vec::len).sum()
    }

    /// Whether nobody has put anything in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.questions.is_empty()
    }

    /// How many characters its pages have together.
    pub fn text_chars(&self) -> usize {
        self.weeks.values().flatten().map(|material| material.content.text_chars()).sum()
    }

    pub(crate) fn apply_event(&mut self, event: &SyllabusEvent) {
        match event {
            SyllabusEvent::MaterialAdded { material_id, week, position, title, content } => {
                self.uploads.extend(content.upload());
                let material = Material { id: *material_id, title: title.clone(), content: content.clone() };
                self.insert(*week, *position, material);
            }
            SyllabusEvent::MaterialUpdated { material_id, week, title, content } => {
                let of_week = self.weeks.entry(*week).or_default();
                if let Some(material) = of_week.iter_mut().find(|material| material.id == *material_id) {
                    if let Some(title) = title {
                        material.title.clone_from(title);
                    }
                    if let Some(content) = content {
                        self.uploads.extend(content.upload());
                        material.content = content.clone();
                    }
                }
            }
            SyllabusEvent::MaterialMoved { material_id, from_week, week, position } => {
                if let Some(material) = self.take(*from_week, *material_id) {
                    self.insert(*week, *position, material);
                }
            }
            SyllabusEvent::MaterialRemoved { material_id, week } => {
                self.take(*week, *material_id);
                self.removed.insert(*material_id);
            }
            SyllabusEvent::ReflectionQuestionSet { week, text: Some(text) } => {
                self.questions.insert(*week, text.clone());
            }
            SyllabusEvent::ReflectionQuestionSet { week, text: None } => {
                self.questions.remove(week);
            }
            SyllabusEvent::ContentCopied { from_cohort: _, materials, questions } => {
                // The copied files stay claimed by the material that they were uploaded for.
                for copied in materials {
                    let (title, content) = (copied.title.clone(), copied.content.clone());
                    self.insert(copied.week, copied.position, Material { id: copied.material_id, title, content });
                }
                self.questions.extend(questions.iter().map(|(week, text)| (*week, text.clone())));
            }
        }
    }

    fn insert(&mut self, week: u8, position: u16, material: Material) {
        let of_week = self.weeks.entry(week).or_default();
        let index = usize::from(position).saturating_sub(1).min(of_week.len());
        of_week.insert(index, material);
    }

    fn take(&mut self, week: u8, id: MaterialId) -> Option<Material> {
        let of_week = self.weeks.get_mut(&week)?;
        let index = of_week.iter().position(|material| material.id == id)?;
        Some(of_week.remove(index))
    }
}

/// What a syllabus needs to know from other streams and claims.
#[derive(Clone, Debug, Default)]
pub struct SyllabusFacts {
    /// The cohort that it belongs to.
    pub cohort: Arc<Cohort>,
    /// What the command's content is, when there is one.
    pub content: Option<MaterialContent>,
    /// The material that the content's upload was first used for, if any.
    pub upload_owner: Option<MaterialId>,
}
