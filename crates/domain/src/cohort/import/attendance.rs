//! `ImportAttendance`: cell by cell, as if each were a mark of its own; a student's cells in the order of the weeks, so that
//! the flag is raised by the absence that reaches the threshold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cqrs_es::Aggregate;

use super::outcome::Wrong;
use super::{ImportAttendance, ImportRule, ImportedMark, ImportedRow, MAX_MARKS, Part, RowOutcome};
use super::{find, needs};
use crate::actor::Authority;
use crate::cohort::Cohort;
use crate::command::CommandSpec;
use crate::enrolment::{Enrolment, EnrolmentEvent, MarkAttendance};
use crate::ids::{EnrolmentId, StreamId};
use crate::personal::Personal;
use crate::plan::{Planner, Subject};
use crate::policy::{Right, is_coordinator_of};
use crate::refusal::Refusal;
use crate::text::{Note, Text};
use crate::world::{Loaded, Needs, World};

/// A student's cells: by week, the place in the command and the row's number.
type Cells = BTreeMap<u8, (usize, u32)>;

impl CommandSpec for ImportAttendance {
    fn right(&self) -> Right {
        Right::ImportAttendance
    }

    fn stream(&self) -> Option<StreamId> {
        Some(self.cohort_id.into())
    }

    fn subject(&self, world: &World) -> Subject {
        Subject::AnyOf(self.cohort_id, find::students_of_marks(self, world).collect())
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs::attendance(self, needs);
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        planner.import_attendance(self)
    }
}

impl Planner<'_> {
    fn import_attendance(&mut self, command: &ImportAttendance) -> Result<(), Refusal> {
        let cohort = self.world.existing::<Cohort>(command.cohort_id)?.state;
        let marks = &command.marks;
        if marks.len() > MAX_MARKS {
            let detail = format!("must have at most {MAX_MARKS} marks; this has {}", marks.len());
            return Err(Refusal::invalid("/marks", detail));
        }
        let mut told: BTreeMap<usize, ImportedRow> = BTreeMap::new();
        let mut students: BTreeMap<EnrolmentId, Cells> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for (place, mark) in marks.iter().enumerate() {
            let number = mark.number.unwrap_or_else(|| u32::try_from(place + 1).unwrap_or(u32::MAX));
            match self.student_of(command, mark) {
                Ok(id) => {
                    let cells = students.entry(id).or_default();
                    if let Some((_, first)) = cells.get(&mark.week.get()) {
                        let wrong = Wrong::row(ImportRule::DuplicateMark { first: *first });
                        told.insert(place, of_week(wrong.told(number), mark));
                    } else {
                        cells.insert(mark.week.get(), (place, number));
                    }
                }
                // Once for the row, not once for each of its weeks.
                Err(wrong) if unknown.insert(number) => drop(told.insert(place, wrong.told(number))),
                Err(_) => {}
            }
        }
        let mut loaded = HashMap::new();
        for (id, cells) in students {
            let student = self.world.existing::<Enrolment>(id)?;
            let events = self.mark_cells((id, &student), &cohort, marks, &cells, &mut told);
            loaded.insert(id, (student, events, cells));
        }
        let nth: HashMap<usize, usize> = told.keys().enumerate().map(|(nth, place)| (*place, nth)).collect();
        // In the order of the file, so that the log reads like it.
        for mark in marks {
            if let Ok(id) = self.student_of(command, mark)
                && let Some((student, events, cells)) = loaded.remove(&id)
            {
                let changes = |place: &usize| matches!(told[place].outcome, RowOutcome::New | RowOutcome::Updated);
                let places = cells.values().map(|(place, _)| *place).filter(changes);
                let part = Part { events: events.len(), rows: places.map(|place| (place, nth[&place])).collect() };
                self.plan.parts.extend((part.events > 0).then_some(part));
                self.write(id, &student, events);
            }
        }
        self.plan.rows.extend(told.into_values());
        Ok(())
    }

    /// The student of a cell, if the actor may mark them.
    fn student_of(&self, command: &ImportAttendance, mark: &ImportedMark) -> Result<EnrolmentId, Wrong> {
        let column = match (&mark.external_id, &mark.email) {
            (None, None) => return Err(Wrong::row(ImportRule::Nobody)),
            (_, Some(_)) => "email",
            (Some(_), None) => "external_id",
        };
        let person = find::person(mark.external_id.as_ref(), mark.email.as_ref(), self.world);
        let enrolment = person.and_then(|person| find::enrolment(command.cohort_id, person, self.world));
        let may = |id: &EnrolmentId| {
            self.context.authority != Authority::Coordinator
                || self.context.actor.person().is_some_and(|actor| is_coordinator_of(actor, *id, self.world))
        };
        enrolment.filter(may).ok_or_else(|| Wrong::at(column, ImportRule::NoSuchStudent))
    }

    /// Decides a student's cells one after the other.
    fn mark_cells(
        &self,
        (id, student): (EnrolmentId, &Loaded<Enrolment>),
        cohort: &Cohort,
        marks: &[ImportedMark],
        cells: &Cells,
        told: &mut BTreeMap<usize, ImportedRow>,
    ) -> Vec<EnrolmentEvent> {
        let mut state = Enrolment::clone(&student.state);
        let mut all = Vec::new();
        for (place, number) in cells.values() {
            let mark = &marks[*place];
            let before = state.attendance.get(&mark.week.get());
            // A file knows no place and no note: what is the same mark otherwise keeps them.
            let same = before.filter(|record| record.status == mark.status);
            let asked = MarkAttendance {
                enrolment_id: id,
                week: mark.week,
                status: mark.status,
                place: same.and_then(|record| record.place),
                note: same.and_then(|record| record.note.as_ref()).and_then(note),
            };
            let again = before.is_some();
            let row = match state.mark_attendance(&asked, &self.context, cohort) {
                Ok(events) => {
                    let outcome = match (events.is_empty(), again) {
                        (true, _) => RowOutcome::Unchanged,
                        (false, true) => RowOutcome::Updated,
                        (false, false) => RowOutcome::New,
                    };
                    for event in events {
                        state.apply(event.clone());
                        all.push(event);
                    }
                    ImportedRow { enrolment_id: Some(id), ..ImportedRow::new(*number, outcome) }
                }
                Err(rule) => Wrong::row(rule).told(*number),
            };
            told.insert(*place, of_week(row, mark));
        }
        all
    }
}

fn of_week(row: ImportedRow, mark: &ImportedMark) -> ImportedRow {
    ImportedRow { week: Some(mark.week.get()), ..row }
}

/// A note as commands take it. One that is longer than they take today was written under another limit.
fn note(note: &Personal<String>) -> Option<Personal<Note>> {
    Text::try_new(note.as_str()).ok().map(Personal::new)
}
