//! `TakeAttendance`: a session's register in one append. Each mark is decided as if it came alone; all stand, or none.

use std::collections::BTreeSet;

use super::{Planner, RegisterMark, TakeAttendance};
use crate::enrolment::{EnrolmentCommand, MarkAttendance};
use crate::refusal::{InvalidField, Refusal};

/// The most marks in one register: twice the largest cohort there is.
const MAX_MARKS: usize = 2000;

impl Planner<'_> {
    pub(super) fn take_attendance(&mut self, command: &TakeAttendance) -> Result<(), Refusal> {
        Self::existing(command.cohort_id, self.world.cohort(command.cohort_id))?;
        let invalid = self.invalid_marks(command);
        if !invalid.is_empty() {
            return Err(Refusal::Invalid(invalid));
        }
        for mark in &command.marks {
            let RegisterMark { enrolment_id, status, place, note } = mark.clone();
            let student = self.student(enrolment_id)?;
            let mark = MarkAttendance { enrolment_id, week: command.week, status, place, note };
            self.decide_student(&student, &EnrolmentCommand::MarkAttendance(mark))?;
        }
        Ok(())
    }

    fn invalid_marks(&self, command: &TakeAttendance) -> Vec<InvalidField> {
        let marks = &command.marks;
        if marks.is_empty() || marks.len() > MAX_MARKS {
            let detail = format!("must have 1 to {MAX_MARKS} marks; this has {}", marks.len());
            return vec![InvalidField { pointer: "/marks".to_owned(), detail }];
        }
        let mut seen = BTreeSet::new();
        let mut invalid = Vec::new();
        for (index, mark) in marks.iter().enumerate() {
            let detail = if !seen.insert(mark.enrolment_id) {
                "is in the register already; give each student one mark"
            } else if self.world.enrolment(mark.enrolment_id).state.cohort_id != Some(command.cohort_id) {
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
