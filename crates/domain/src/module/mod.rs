//! A module: a course of weekly sessions that is run several times, each run a cohort.

mod commands;
mod errors;
mod events;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::ModuleCommand;
pub use commands::*;
pub use errors::ModuleRule;
pub use events::ModuleEvent;
pub use state::{Module, ModuleFacts};
