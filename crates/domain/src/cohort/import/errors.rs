//! The rules that a row of a file can break by itself. The others are those of people and enrolments.

use crate::text::TextError;

/// Why a row was left. Comparable, no I/O. The texts name nobody.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ImportRule {
    /// Two rows about one person.
    #[error("row {first} is about the same person already; leave one of the two")]
    DuplicateRow {
        /// The number of the first.
        first: u32,
    },
    /// Two marks of one session.
    #[error("row {first} has a mark of this student and week already; leave one of the two")]
    DuplicateMark {
        /// The number of the first.
        first: u32,
    },
    /// Nobody is made up.
    #[error("is missing, and nobody is known here by the row's external id; a new person needs a name and an email")]
    Missing,
    /// There are addresses or ids to know people by, and the row has neither.
    #[error("the row has no email and no external id to know the student by")]
    Nobody,
    /// An address that nobody is given any more.
    #[error("{0}")]
    EmailRefused(TextError),
    /// Nobody meets there, or there is no such place.
    #[error("no open hub has this name or id; found it first, or correct the row")]
    UnknownHub,
    /// Several hubs may have one name.
    #[error("{count} open hubs have this name; give the id of the one that is meant")]
    AmbiguousHub {
        /// How many.
        count: usize,
    },
    /// One answer for who is unknown, in another cohort, or not the caller's to mark.
    #[error("no student of this cohort whom you may mark has this email or external id")]
    NoSuchStudent,
    /// They left; a file does not bring them back.
    #[error("was withdrawn from the cohort and stays so; reinstate the student to bring them back")]
    StaysWithdrawn,
    /// They are done.
    #[error("has completed the cohort and stays so")]
    StaysCompleted,
}
