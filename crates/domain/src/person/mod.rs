//! A person: name, email, roles, activity. Passwords and tokens never come here.

mod access;
mod errors;
mod events;
mod identity;
mod import;
mod roles;
mod second_factors;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::PersonCommand;
pub use access::{DeactivatePerson, EndAccess, ReactivatePerson};
pub use errors::PersonRule;
pub use events::{Ends, PersonEvent, Role, SecondFactorKind};
pub use identity::{ChangeEmail, CorrectPerson, RegisterPerson};
pub(crate) use import::RosterEntry;
pub use roles::{BootstrapOwner, GrantRole, ReleaseOwner, RevokeRole};
pub use second_factors::{AddSecondFactor, MAX_SECOND_FACTORS, RemoveSecondFactor, RemoveSecondFactors};
pub use state::{AccessEpochs, Person, PersonFacts};
