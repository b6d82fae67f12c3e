//! `ImportRoster` and `ImportAttendance`: a file's rows, in one append or in [`pieces`]. A row that breaks a rule is a wrong
//! row with its reason, and the others stand; nothing here removes anybody, or changes back what somebody entered by hand.

mod attendance;
mod commands;
mod errors;
mod find;
mod needs;
mod outcome;
mod pieces;
mod roster;
#[cfg(test)]
mod tests;

pub use commands::{ImportAttendance, ImportRoster, ImportedMark, MAX_MARKS, MAX_ROWS, RosterRow};
pub use errors::ImportRule;
pub use outcome::{ImportedRow, RowOutcome};
pub use pieces::{PIECE_EVENTS, Part, Piece};
