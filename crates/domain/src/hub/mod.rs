//! A hub: a home or hall where students meet, with a coordinator.

mod commands;
mod decide;
mod errors;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use errors::HubRule;
pub use events::HubEvent;
pub use state::{Hub, HubFacts};
