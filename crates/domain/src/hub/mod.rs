//! A hub: a home or hall where students meet, with a coordinator.

mod commands;
mod errors;
mod events;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::HubCommand;
pub use commands::*;
pub use errors::HubRule;
pub use events::HubEvent;
pub use state::{Hub, HubFacts};
