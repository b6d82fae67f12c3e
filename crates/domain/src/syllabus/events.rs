//! What happened to a syllabus. A contract: a changed event is a new version, an upcaster and a new fixture.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::MaterialContent;
use crate::ids::{CohortId, MaterialId};

/// A material as it was taken over from another cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedMaterial {
    /// Its id here.
    pub material_id: MaterialId,
    /// Its id there.
    pub copied_from: MaterialId,
    /// In which week.
    pub week: u8,
    /// Its place among that week's; 1 is the first.
    pub position: u16,
    /// What it is called.
    pub title: String,
    /// What it consists of.
    pub content: MaterialContent,
}

/// The events of a `syllabus` stream. Places that a change moves along with it are not said: they follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum SyllabusEvent {
    /// A week has one material more.
    MaterialAdded {
        /// Which.
        material_id: MaterialId,
        /// In which week.
        week: u8,
        /// Its place among that week's; 1 is the first.
        position: u16,
        /// What it is called.
        title: String,
        /// What it consists of.
        content: MaterialContent,
    },
    /// A material changed.
    MaterialUpdated {
        /// Which.
        material_id: MaterialId,
        /// In which week it is.
        week: u8,
        /// What it is called from now on; none: as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// What it consists of from now on; none: as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<MaterialContent>,
    },
    /// A material is in another place.
    MaterialMoved {
        /// Which.
        material_id: MaterialId,
        /// The week before.
        from_week: u8,
        /// The week from now on.
        week: u8,
        /// Its place among that week's from now on; 1 is the first.
        position: u16,
    },
    /// A material is not shown any more.
    MaterialRemoved {
        /// Which.
        material_id: MaterialId,
        /// In which week it was.
        week: u8,
    },
    /// What a week asks its students.
    ReflectionQuestionSet {
        /// Which week.
        week: u8,
        /// The question; none: the week has none any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A new cohort took everything over from another run of its module.
    ContentCopied {
        /// Which run.
        from_cohort: CohortId,
        /// All materials, by week and place.
        materials: Vec<CopiedMaterial>,
        /// All questions, by week.
        questions: BTreeMap<u8, String>,
    },
}
