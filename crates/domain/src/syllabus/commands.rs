//! The commands about a cohort's syllabus: what each says, and what it causes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::{MaterialContent, MaterialKind};
use super::{Material, Syllabus, SyllabusEvent, SyllabusFacts, SyllabusRule};
use crate::actor::DecisionContext;
use crate::aggregate::{AggregateSpec, Decision};
use crate::claim::ClaimKey;
use crate::cohort::{Cohort, CohortStatus, Week};
use crate::command::spec::filled_in;
use crate::command::{StreamCommand, about};
use crate::file::StoredFile;
use crate::ids::{CohortId, MaterialId, SyllabusId, UploadId};
use crate::number::Bounded;
use crate::refusal::Refusal;
use crate::text::{MaterialText, Question, Title};
use crate::world::{Needs, World};

/// The most materials of a cohort: some twenty a week in the longest module.
const MOST_MATERIALS: usize = 1_000;

/// The most characters that the pages of a cohort have together: a copy of all of them is one event.
const MOST_TEXT_CHARS: usize = 5_000_000;

/// A material's position among those of its week; 1 is the first. One beyond the last is the last.
pub type MaterialPosition = Bounded<1, 1000>;

/// Adds a material to a week.
///
/// `content` is, by kind: the YouTube link of a `video`, the upload's id of a `document` or an `image`, the address of a
/// `link` (http or https), the Markdown of a `page`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMaterial {
    /// The id of the cohort whose syllabus it is.
    pub cohort_id: CohortId,
    /// The id of the new material, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material_id: Option<MaterialId>,
    /// The number of the week, from 1.
    pub week: Week,
    /// What it is.
    pub kind: MaterialKind,
    /// What it is called.
    pub title: Title,
    /// What it consists of.
    pub content: MaterialText,
    /// Before which other; left out, it comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<MaterialPosition>,
    /// The upload that `content` names; the edge looks it up.
    #[serde(skip)]
    #[schemars(skip)]
    pub file: Option<StoredFile>,
}

impl StreamCommand for AddMaterial {
    about!(Syllabus, cohort_id, EditSyllabus);

    fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) {
        self.material_id.get_or_insert_with(|| new_id().into());
    }

    fn check(&self) -> Result<(), Refusal> {
        filled_in(self.material_id, "/material_id").map(|_| ())
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        need_owner(self.upload(), needs);
    }

    fn facts(&self, id: SyllabusId, before: &Syllabus, world: &World) -> Result<SyllabusFacts, Refusal> {
        let content = read(self.kind, &self.content, self.file.as_ref())?;
        with_upload(Some(content), self.upload(), (id, before), world)
    }

    fn upload(&self) -> Option<UploadId> {
        self.content.as_str().parse().ok().filter(|_| self.kind.is_file())
    }

    fn attach(&mut self, file: StoredFile) {
        self.file = Some(file);
    }

    fn decide(&self, syllabus: &Syllabus, _: &DecisionContext, facts: &SyllabusFacts) -> Decision<Syllabus> {
        let (Some(material_id), Some(content)) = (self.material_id, facts.content.clone()) else {
            return Err(SyllabusRule::Incomplete);
        };
        let (week, title) = (self.week.get(), self.title.as_str().to_owned());
        if let Some((there, _, material)) = syllabus.find(material_id) {
            let same = Material { id: material_id, title, content };
            return if there == week && *material == same { Ok(Vec::new()) } else { Err(SyllabusRule::MaterialExists) };
        }
        if syllabus.removed.contains(&material_id) {
            return Err(SyllabusRule::MaterialExists);
        }
        must_be_open(&facts.cohort)?;
        must_have(&facts.cohort, week)?;
        if syllabus.len() >= MOST_MATERIALS {
            return Err(SyllabusRule::TooManyMaterials { limit: MOST_MATERIALS });
        }
        syllabus.must_fit(&content, 0)?;
        syllabus.must_be_free(material_id, &content, facts)?;
        let position = position(self.position, syllabus.len_of(week) + 1);
        Ok(vec![SyllabusEvent::MaterialAdded { material_id, week, position, title, content }])
    }
}

/// Gives a material another title or content. Its kind stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMaterial {
    /// The id of the cohort whose syllabus it is.
    pub cohort_id: CohortId,
    /// The id of the material.
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

impl StreamCommand for UpdateMaterial {
    about!(Syllabus, cohort_id, EditSyllabus);

    fn check(&self) -> Result<(), Refusal> {
        let nothing = self.title.is_none() && self.content.is_none();
        if nothing { Err(Refusal::invalid("", "give a title or a content")) } else { Ok(()) }
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        need_owner(self.upload(), needs);
    }

    /// A material that is not there has no kind to read its content by.
    fn facts(&self, id: SyllabusId, before: &Syllabus, world: &World) -> Result<SyllabusFacts, Refusal> {
        let content = match (&self.content, before.find(self.material_id)) {
            (Some(text), Some((_, _, material))) => {
                let there = &material.content;
                // The file that it has is no news, however long ago it was uploaded.
                if there.upload().is_some_and(|upload| upload.to_string().eq_ignore_ascii_case(text.as_str())) {
                    Some(there.clone())
                } else {
                    Some(read(there.kind(), text, self.file.as_ref())?)
                }
            }
            _ => None,
        };
        with_upload(content, self.upload(), (id, before), world)
    }

    /// Whether a changed content is a file's is known only with the material; where it is not, the upload is not asked for.
    fn upload(&self) -> Option<UploadId> {
        self.content.as_ref()?.as_str().parse().ok()
    }

    fn attach(&mut self, file: StoredFile) {
        self.file = Some(file);
    }

    fn decide(&self, syllabus: &Syllabus, _: &DecisionContext, facts: &SyllabusFacts) -> Decision<Syllabus> {
        let material_id = self.material_id;
        let (week, _, material) = syllabus.known(material_id)?;
        let title = self.title.as_ref().map(|title| title.as_str().to_owned());
        let title = title.filter(|title| *title != material.title);
        let content = facts.content.clone().filter(|content| *content != material.content);
        if title.is_none() && content.is_none() {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        if let Some(content) = &content {
            syllabus.must_fit(content, material.content.text_chars())?;
            syllabus.must_be_free(material_id, content, facts)?;
        }
        Ok(vec![SyllabusEvent::MaterialUpdated { material_id, week, title, content }])
    }
}

/// Puts a material in another place, of its week or of another one. The others close up and make room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveMaterial {
    /// The id of the cohort whose syllabus it is.
    pub cohort_id: CohortId,
    /// The id of the material.
    pub material_id: MaterialId,
    /// The week from now on.
    pub week: Week,
    /// The place among that week's from now on.
    pub position: MaterialPosition,
}

impl StreamCommand for MoveMaterial {
    about!(Syllabus, cohort_id, EditSyllabus);

    fn decide(&self, syllabus: &Syllabus, _: &DecisionContext, facts: &SyllabusFacts) -> Decision<Syllabus> {
        let material_id = self.material_id;
        let (from_week, index, _) = syllabus.known(material_id)?;
        let week = self.week.get();
        must_have(&facts.cohort, week)?;
        let last = syllabus.len_of(week) + usize::from(from_week != week);
        let position = position(Some(self.position), last);
        if from_week == week && usize::from(position) == index + 1 {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::MaterialMoved { material_id, from_week, week, position }])
    }
}

/// Takes a material out. The log keeps it, and its file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMaterial {
    /// The id of the cohort whose syllabus it is.
    pub cohort_id: CohortId,
    /// The id of the material.
    pub material_id: MaterialId,
}

impl StreamCommand for RemoveMaterial {
    about!(Syllabus, cohort_id, EditSyllabus);

    fn decide(&self, syllabus: &Syllabus, _: &DecisionContext, facts: &SyllabusFacts) -> Decision<Syllabus> {
        if syllabus.removed.contains(&self.material_id) {
            return Ok(Vec::new());
        }
        let (week, _, _) = syllabus.known(self.material_id)?;
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::MaterialRemoved { material_id: self.material_id, week }])
    }
}

/// Says what the students reflect on in a week.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetReflectionQuestion {
    /// The id of the cohort whose syllabus it is.
    pub cohort_id: CohortId,
    /// The number of the week, from 1.
    pub week: Week,
    /// The question; left out or null, the week has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Question>,
}

impl StreamCommand for SetReflectionQuestion {
    about!(Syllabus, cohort_id, EditSyllabus);

    fn decide(&self, syllabus: &Syllabus, _: &DecisionContext, facts: &SyllabusFacts) -> Decision<Syllabus> {
        let week = self.week.get();
        let text = self.text.as_ref().map(|text| text.as_str().to_owned());
        must_have(&facts.cohort, week)?;
        if syllabus.questions.get(&week) == text.as_ref() {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::ReflectionQuestionSet { week, text }])
    }
}

/// The content that a command gives, read as what it is.
fn read(kind: MaterialKind, text: &MaterialText, file: Option<&StoredFile>) -> Result<MaterialContent, Refusal> {
    let content = MaterialContent::read(kind, text.as_str(), file);
    content.map_err(|error| Refusal::invalid("/content", error.to_string()))
}

fn need_owner(upload: Option<UploadId>, needs: &mut Needs<'_>) {
    if let Some(upload) = upload {
        needs.owner(ClaimKey::upload(upload));
    }
}

/// What every command is given, with a content and whose its upload is.
fn with_upload(
    content: Option<MaterialContent>,
    upload: Option<UploadId>,
    (id, before): (SyllabusId, &Syllabus),
    world: &World,
) -> Result<SyllabusFacts, Refusal> {
    let upload_owner = upload.and_then(|id| world.owner(&ClaimKey::upload(id))).map(Into::into);
    Ok(SyllabusFacts { content, upload_owner, ..Syllabus::facts(id, before, world)? })
}

impl Syllabus {
    fn known(&self, id: MaterialId) -> Result<(u8, usize, &Material), SyllabusRule> {
        let unknown =
            if self.removed.contains(&id) { SyllabusRule::MaterialWasRemoved } else { SyllabusRule::NoSuchMaterial };
        self.find(id).ok_or(unknown)
    }

    fn must_fit(&self, content: &MaterialContent, instead_of: usize) -> Result<(), SyllabusRule> {
        let chars = content.text_chars();
        if chars > instead_of && self.text_chars() - instead_of + chars > MOST_TEXT_CHARS {
            return Err(SyllabusRule::TooMuchText { limit: MOST_TEXT_CHARS });
        }
        Ok(())
    }

    /// A material may come back to a file that it had before; nobody else's file is its own.
    fn must_be_free(
        &self,
        id: MaterialId,
        content: &MaterialContent,
        facts: &SyllabusFacts,
    ) -> Result<(), SyllabusRule> {
        let (Some(upload), Some(owner)) = (content.upload(), facts.upload_owner) else { return Ok(()) };
        if owner == id && self.uploads.contains(&upload) { Ok(()) } else { Err(SyllabusRule::UploadUsed) }
    }
}

/// What is called off or put away is left as it was.
fn must_be_open(cohort: &Cohort) -> Result<(), SyllabusRule> {
    match cohort.status {
        CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Completed => Ok(()),
        status @ (CohortStatus::Archived | CohortStatus::Cancelled) => Err(SyllabusRule::SyllabusClosed { status }),
    }
}

fn must_have(cohort: &Cohort, week: u8) -> Result<(), SyllabusRule> {
    let last_week = cohort.last_week();
    if (1..=last_week).contains(&week) { Ok(()) } else { Err(SyllabusRule::NoSuchWeek { week, last_week }) }
}

/// The place asked for, or the last; one beyond the last is the last.
fn position(asked: Option<MaterialPosition>, last: usize) -> u16 {
    let last = u16::try_from(last).unwrap_or(u16::MAX);
    asked.and_then(|place| u16::try_from(place.get()).ok()).map_or(last, |place| place.min(last))
}
