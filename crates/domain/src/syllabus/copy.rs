//! A new run's syllabus, taken over from another run of its module. Both are independent afterwards.

use uuid::Uuid;

use super::{CopiedMaterial, Syllabus, SyllabusEvent};
use crate::ids::{CohortId, MaterialId};

impl Syllabus {
    /// What copying this syllabus into a new cohort brings there; none where there is nothing to copy.
    ///
    /// The new ids follow from the new cohort's and the old ones, so that deciding again gives the same.
    pub fn copied(&self, from_cohort: CohortId, to_cohort: CohortId) -> Option<SyllabusEvent> {
        if self.is_empty() {
            return None;
        }
        let of_week = |(week, materials): (&u8, &Vec<super::Material>)| {
            let week = *week;
            let copied = |(position, material): (u16, &super::Material)| CopiedMaterial {
                material_id: MaterialId(Uuid::new_v5(&to_cohort.0, material.id.0.as_bytes())),
                copied_from: material.id,
                week,
                position,
                title: material.title.clone(),
                content: material.content.clone(),
            };
            (1..).zip(materials).map(copied).collect::<Vec<_>>()
        };
        let materials = self.weeks.iter().flat_map(of_week).collect();
        Some(SyllabusEvent::ContentCopied { from_cohort, materials, questions: self.questions.clone() })
    }
}
