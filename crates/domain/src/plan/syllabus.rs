//! Commands over a cohort's syllabus, and the copy of another run's that a new cohort may begin with.

use super::Planner;
use super::one::{filled_in, invalid};
use crate::claim::ClaimKey;
use crate::file::StoredFile;
use crate::ids::{CohortId, SyllabusId};
use crate::refusal::Refusal;
use crate::syllabus::{MaterialContent, MaterialKind, Syllabus, SyllabusCommand, SyllabusFacts};

impl Planner<'_> {
    pub(super) fn syllabus(&mut self, command: &SyllabusCommand) -> Result<(), Refusal> {
        let (cohort_id, cohort) = self.known_cohort(command.cohort())?;
        let id = SyllabusId::from(cohort_id);
        let before = self.world.syllabus(id);
        let facts = SyllabusFacts {
            cohort: cohort.state,
            content: content(command, &before.state)?,
            upload_owner: command.upload().and_then(|id| self.world.owner(&ClaimKey::upload(id))).map(Into::into),
        };
        let events = before.state.decide(command, &self.by, &facts)?;
        self.write(id, &before, events);
        Ok(())
    }

    /// A new cohort's syllabus is there with the cohort, or neither is.
    pub(super) fn copy_syllabus(&mut self, from: CohortId, to: CohortId) {
        let copied = self.world.syllabus(from.into()).state.copied(from, to);
        let before = self.world.syllabus(to.into());
        self.write(SyllabusId::from(to), &before, copied.into_iter().collect());
    }
}

/// What a command's content is, if it has one that can be read: a material that is not there has no kind to read it by.
fn content(command: &SyllabusCommand, before: &Syllabus) -> Result<Option<MaterialContent>, Refusal> {
    let read = |kind: MaterialKind, text: &str, file: &Option<StoredFile>| {
        let content = MaterialContent::read(kind, text, file.as_ref());
        content.map(Some).map_err(|error| invalid("/content", &error.to_string()))
    };
    match command {
        SyllabusCommand::AddMaterial(c) => {
            filled_in(c.material_id, "/material_id")?;
            read(c.kind, c.content.as_str(), &c.file)
        }
        SyllabusCommand::UpdateMaterial(c) if c.title.is_none() && c.content.is_none() => {
            Err(invalid("", "give a title or a content"))
        }
        SyllabusCommand::UpdateMaterial(c) => match (&c.content, before.find(c.material_id)) {
            (Some(text), Some((_, _, material))) => {
                let there = &material.content;
                if there.upload().is_some_and(|upload| upload.to_string().eq_ignore_ascii_case(text.as_str())) {
                    // The file that it has is no news, however long ago it was uploaded.
                    return Ok(Some(there.clone()));
                }
                read(there.kind(), text.as_str(), &c.file)
            }
            _ => Ok(None),
        },
        SyllabusCommand::MoveMaterial(_)
        | SyllabusCommand::RemoveMaterial(_)
        | SyllabusCommand::SetReflectionQuestion(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
