//! A site: a school of the installation, its slug, its hosts, whether it is open; never what belongs to the school itself.
//!
//! All site streams are recorded in one place, the registry: the default site of the main database. So slugs and hosts are
//! claimed over the whole installation.

mod commands;
mod errors;
mod events;
mod host;
mod links;
mod slug;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use crate::command::SiteCommand;
pub use commands::*;
pub use errors::SiteRule;
pub use events::{HostAdmits, SiteDatabase, SiteEvent, SiteHost};
pub use host::{HostError, HostName};
pub use links::page_of;
pub use slug::{Slug, SlugError};
pub use state::{FirstOwner, Site, SiteFacts};
