//! A person: name, email, roles, activity. Passwords and tokens never come here.

mod commands;
mod decide;
mod errors;
mod events;
mod import;
mod state;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use decide::MAX_SECOND_FACTORS;
pub use errors::PersonRule;
pub use events::{Ends, PersonEvent, Role, SecondFactorKind};
pub(crate) use import::FromFile;
pub use state::{AccessEpochs, Person, PersonFacts};
