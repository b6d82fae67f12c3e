//! What a syllabus' commands have in common, and what its events claim.

use super::{Syllabus, SyllabusEvent, SyllabusFacts};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::{CohortId, SyllabusId};
use crate::plan::Subject;
use crate::refusal::Refusal;
use crate::world::{Loaded, Needs, World};

impl AggregateSpec for Syllabus {
    /// Every cohort has one, before anything is in it.
    fn exists(_: SyllabusId, _: &Loaded<Self>) -> bool {
        true
    }

    fn needs(id: SyllabusId, needs: &mut Needs<'_>) {
        needs.stream(id.into());
        needs.stream(CohortId::from(id).into());
    }

    fn facts(id: SyllabusId, _: &Self, world: &World) -> Result<SyllabusFacts, Refusal> {
        Ok(SyllabusFacts { cohort: world.existing(CohortId::from(id))?.state, ..SyllabusFacts::default() })
    }

    fn subject(id: SyllabusId, _: &World) -> Subject {
        Subject::Cohort(id.into())
    }

    /// An uploaded file is claimed for ever, also after its material is gone: the log refers to it.
    fn claims(&self, _: SyllabusId, event: &SyllabusEvent, changes: &mut ClaimChanges) {
        let used = match event {
            SyllabusEvent::MaterialAdded { material_id, content, .. }
            | SyllabusEvent::MaterialUpdated { material_id, content: Some(content), .. } => {
                content.upload().map(|upload| (*material_id, upload))
            }
            SyllabusEvent::MaterialUpdated { content: None, .. }
            | SyllabusEvent::MaterialMoved { .. }
            | SyllabusEvent::MaterialRemoved { .. }
            | SyllabusEvent::ReflectionQuestionSet { .. }
            | SyllabusEvent::ContentCopied { .. } => None,
        };
        if let Some((material, upload)) = used.filter(|(_, upload)| !self.uploads.contains(upload)) {
            changes.take(ClaimKey::upload(upload), material);
        }
    }
}
