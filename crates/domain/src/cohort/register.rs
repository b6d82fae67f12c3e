//! `TakeAttendance`: a session's register in one append. Each mark is decided as if it came alone; all stand, or none.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cohort, Week};
use crate::aggregate::AggregateSpec;
use crate::command::CommandSpec;
use crate::enrolment::{AttendanceStatus, Enrolment, MarkAttendance, Venue};
use crate::ids::{CohortId, EnrolmentId, StreamId};
use crate::personal::Personal;
use crate::plan::{Planner, Subject};
use crate::policy::Right;
use crate::refusal::{InvalidField, Refusal};
use crate::text::Note;
use crate::world::{Needs, World};

/// The most marks in one register: twice the largest cohort there is.
const MAX_MARKS: usize = 2000;

/// One line of a register.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterMark {
    /// The id of the enrolment.
    pub enrolment_id: EnrolmentId,
    /// Whether they were there.
    pub status: AttendanceStatus,
    /// Whether in a hub or in the room where it is filmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Venue>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<Note>>,
}

/// Takes a session's register: all marks, or none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeAttendance {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The number of the week, from 1.
    pub week: Week,
    /// A mark for each student, at most one per student.
    #[schemars(length(min = 1, max = 2000))]
    pub marks: Vec<RegisterMark>,
}

impl CommandSpec for TakeAttendance {
    fn right(&self) -> Right {
        Right::TakeAttendance
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.cohort_id.into())
    }

    fn subject(&self, _: &World) -> Subject {
        Subject::Students(self.marks.iter().map(|mark| mark.enrolment_id).collect(), Some(self.cohort_id))
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.cohort_id.into());
        for mark in &self.marks {
            Enrolment::needs(mark.enrolment_id, needs);
        }
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        planner.world.existing::<Cohort>(self.cohort_id)?;
        let invalid = self.invalid_marks(planner.world);
        if !invalid.is_empty() {
            return Err(Refusal::Invalid(invalid));
        }
        for mark in &self.marks {
            let RegisterMark { enrolment_id, status, place, note } = mark.clone();
            planner.decide(&MarkAttendance { enrolment_id, week: self.week, status, place, note })?;
        }
        Ok(())
    }
}

impl TakeAttendance {
    fn invalid_marks(&self, world: &World) -> Vec<InvalidField> {
        let marks = &self.marks;
        if marks.is_empty() || marks.len() > MAX_MARKS {
            let detail = format!("must have 1 to {MAX_MARKS} marks; this has {}", marks.len());
            return vec![InvalidField { pointer: "/marks".to_owned(), detail }];
        }
        let mut seen = BTreeSet::new();
        let mut invalid = Vec::new();
        for (index, mark) in marks.iter().enumerate() {
            let detail = if !seen.insert(mark.enrolment_id) {
                "is in the register already; give each student one mark"
            } else if world.enrolment(mark.enrolment_id).state.cohort_id != Some(self.cohort_id) {
                "is no student of this cohort"
            } else {
                continue;
            };
            let pointer = format!("/marks/{index}/enrolment_id");
            invalid.push(InvalidField { pointer, detail: detail.to_owned() });
        }
        invalid
    }
}

#[cfg(test)]
mod tests;
