//! What a site's owners and admins settle about it, setting by setting. The stream is in the site itself, under the site's
//! id; nothing secret ever comes here.

mod commands;
mod errors;
mod events;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::SiteSettingsCommand;
pub use commands::*;
pub use errors::SiteSettingsRule;
pub use events::{SecondFactorPolicy, SettingValue, SiteSettingsEvent};
pub use state::SiteSettings;

/// Settings are decided by themselves.
pub type SiteSettingsFacts = ();
