//! What can be asked about a cohort's syllabus.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::MaterialKind;
use crate::cohort::Week;
use crate::file::StoredFile;
use crate::ids::{CohortId, MaterialId, UploadId};
use crate::number::Bounded;
use crate::text::{MaterialText, Question, Title};

/// A material's place among those of its week; 1 is the first. One beyond the last is the last.
pub type Place = Bounded<1, 1000>;

/// Adds a material to a week.
///
/// `content` is, by kind: the YouTube link of a `video`, the upload's id of a `document` or an `image`, the address of a
/// `link` (http or https), the Markdown of a `page`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMaterial {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material_id: Option<MaterialId>,
    /// In which week.
    pub week: Week,
    /// What it is.
    pub kind: MaterialKind,
    /// What it is called.
    pub title: Title,
    /// What it consists of.
    pub content: MaterialText,
    /// Before which other; left out, it comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Place>,
    /// The upload that `content` names; the edge looks it up.
    #[serde(skip)]
    #[schemars(skip)]
    pub file: Option<StoredFile>,
}

/// Gives a material another title or content. Its kind stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMaterial {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub material_id: MaterialId,
    /// What it is called from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// What it consists of from now on, as in `AddMaterial`; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<MaterialText>,
    /// The upload that `content` names; the edge looks it up.
    #[serde(skip)]
    #[schemars(skip)]
    pub file: Option<StoredFile>,
}

/// Puts a material in another place, of its week or of another one. The others close up and make room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveMaterial {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub material_id: MaterialId,
    /// The week from now on.
    pub week: Week,
    /// The place among that week's from now on.
    pub position: Place,
}

/// Takes a material out. The log keeps it, and its file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMaterial {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// Which.
    pub material_id: MaterialId,
}

/// Says what the students reflect on in a week.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetReflectionQuestion {
    /// Which cohort's.
    pub cohort_id: CohortId,
    /// In which week.
    pub week: Week,
    /// The question; left out or null, the week has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Question>,
}

/// The commands of the syllabus aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SyllabusCommand {
    /// See [`AddMaterial`].
    AddMaterial(AddMaterial),
    /// See [`UpdateMaterial`].
    UpdateMaterial(UpdateMaterial),
    /// See [`MoveMaterial`].
    MoveMaterial(MoveMaterial),
    /// See [`RemoveMaterial`].
    RemoveMaterial(RemoveMaterial),
    /// See [`SetReflectionQuestion`].
    SetReflectionQuestion(SetReflectionQuestion),
}

impl SyllabusCommand {
    /// The cohort whose syllabus it is about.
    pub fn cohort(&self) -> CohortId {
        match self {
            Self::AddMaterial(c) => c.cohort_id,
            Self::UpdateMaterial(c) => c.cohort_id,
            Self::MoveMaterial(c) => c.cohort_id,
            Self::RemoveMaterial(c) => c.cohort_id,
            Self::SetReflectionQuestion(c) => c.cohort_id,
        }
    }

    /// The upload that the command may need. Whether a changed content is a file's is known only with the material; where
    /// it is not, the upload is not asked for.
    pub fn upload(&self) -> Option<UploadId> {
        match self {
            Self::AddMaterial(c) if c.kind.is_file() => c.content.as_str().parse().ok(),
            Self::UpdateMaterial(c) => c.content.as_ref()?.as_str().parse().ok(),
            Self::AddMaterial(_) | Self::MoveMaterial(_) | Self::RemoveMaterial(_) | Self::SetReflectionQuestion(_) => {
                None
            }
        }
    }

    /// Fills in the upload that the command needs.
    pub fn attach(&mut self, file: StoredFile) {
        match self {
            Self::AddMaterial(c) => c.file = Some(file),
            Self::UpdateMaterial(c) => c.file = Some(file),
            Self::MoveMaterial(_) | Self::RemoveMaterial(_) | Self::SetReflectionQuestion(_) => {}
        }
    }
}
