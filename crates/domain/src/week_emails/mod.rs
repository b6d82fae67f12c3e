//! A cohort's emails: which week's messages were asked for, for whom; never whether one arrived, which is no fact of the log.

mod commands;
mod errors;
mod events;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::WeekEmailsCommand;
pub use commands::*;
pub use errors::WeekEmailsRule;
pub use events::WeekEmailsEvent;
pub use state::{WeekEmails, WeekEmailsFacts};
