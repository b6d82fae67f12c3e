//! A person's account: how they sign in, and which keys act for them. No secret, password, token or machine's address ever comes
//! here: those are rows of tables, and this is who was let in, by what, and who changed that.

mod commands;
mod errors;
mod events;
mod scope;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::AccountCommand;
pub use commands::*;

pub use errors::AccountRule;
pub use events::{AccountEvent, InvitationPurpose, PasswordChange, ShownFactor, SignInFailure, SignInMethod};
pub use scope::{CommandName, KeyScope, NoSuchCommand, ReadOnly};
pub use state::{Account, AccountFacts, Key};
