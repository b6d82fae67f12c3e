//! A module: a course of weekly sessions that is run several times, each run a cohort.

mod commands;
mod decide;
mod errors;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use errors::ModuleRule;
pub use events::ModuleEvent;
pub use state::{Module, ModuleFacts};
