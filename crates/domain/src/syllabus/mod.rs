//! A syllabus: what a cohort's students see, week by week. Its stream has the id of its cohort.

mod commands;
mod content;
mod copy;
mod errors;
mod events;
mod spec;
mod state;
#[cfg(test)]
mod tests;
mod youtube;

pub use crate::command::SyllabusCommand;
pub use commands::*;
pub use content::{ContentError, MaterialContent, MaterialKind, stored_file_kind};
pub use errors::SyllabusRule;
pub use events::{CopiedMaterial, SyllabusEvent};
pub use state::{Material, Syllabus, SyllabusFacts};
