//! A file whose rows change much, in pieces: each is a command of its own, so that nobody waits for the append of a whole file. Only
//! rows that change something are in them. What is wrong with the file, and what it says that was so already, was told when it was
//! decided as a whole; and so was who may bring it in.

use super::{ImportAttendance, ImportRoster, ImportedMark, ImportedRow, RosterRow};
use crate::command::{BatchCommand, Command};
use crate::plan::Plan;

/// The most events that a file's rows append together, where what belongs together has no more.
pub const PIECE_EVENTS: usize = 1_000;

/// Rows of a file that belong together and change something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How many events they come to.
    pub events: usize,
    /// Each row's place in the command, and in [`Plan::rows`].
    pub rows: Vec<(usize, usize)>,
}

/// A part of a file's rows as a command of its own.
#[derive(Debug)]
pub struct Piece {
    /// The command.
    pub command: Command,
    rows: Vec<usize>,
}

impl Plan {
    /// The rows of the pieces in which a file is brought in; none where it goes as one.
    pub fn pieces(&self) -> Option<Vec<Part>> {
        let events: usize = self.parts.iter().map(|part| part.events).sum();
        if events <= PIECE_EVENTS || self.parts.len() < 2 {
            return None;
        }
        let mut pieces: Vec<Part> = Vec::new();
        for part in &self.parts {
            match pieces.last_mut().filter(|piece| piece.events + part.events <= PIECE_EVENTS) {
                Some(piece) => {
                    piece.events += part.events;
                    piece.rows.extend(&part.rows);
                }
                None => pieces.push(part.clone()),
            }
        }
        // A piece reads like the file.
        for piece in &mut pieces {
            piece.rows.sort_unstable();
        }
        Some(pieces)
    }
}

impl Piece {
    /// These rows of a file, of which that was told; none of another command, or of rows that it does not have.
    pub fn of(command: &Command, rows: Vec<(usize, usize)>, told: &[ImportedRow]) -> Option<Self> {
        let number = |row: usize| told.get(row).map(|told| Some(told.number));
        let command = match command {
            Command::Batch(BatchCommand::ImportRoster(whole)) => {
                let of = |(place, row): &(usize, usize)| {
                    Some(RosterRow { number: number(*row)?, ..whole.rows.get(*place)?.clone() })
                };
                ImportRoster { cohort_id: whole.cohort_id, rows: rows.iter().map(of).collect::<Option<_>>()? }.into()
            }
            Command::Batch(BatchCommand::ImportAttendance(whole)) => {
                let of = |(place, row): &(usize, usize)| {
                    Some(ImportedMark { number: number(*row)?, ..whole.marks.get(*place)?.clone() })
                };
                ImportAttendance { cohort_id: whole.cohort_id, marks: rows.iter().map(of).collect::<Option<_>>()? }
                    .into()
            }
            _ => return None,
        };
        Some(Self { command, rows: rows.into_iter().map(|(_, row)| row).collect() })
    }

    /// Puts what became of its rows in the place of what would have. Facts may have changed in between: of attendance, a row whose
    /// student is gone is told once, and not for each of its weeks.
    pub fn tell(&self, became: Vec<ImportedRow>, rows: &mut [Option<ImportedRow>]) {
        let mut became = became.into_iter().peekable();
        for row in &self.rows {
            let is_of = |told: &ImportedRow, of: &ImportedRow| {
                told.number == of.number && (told.week.is_none() || told.week == of.week)
            };
            let told = rows[*row].as_ref().and_then(|before| became.next_if(|told| is_of(told, before)));
            rows[*row] = told;
        }
    }
}
