//! Emails to students: taken from the read model of messages, written, and handed to a provider, each once.
//!
//! It decides nothing about who is told of what (the domain does) and appends no event: what becomes of a message is a fact of
//! the outside, and is kept in tables of its own. Nothing in a log line, a metric or an error says what is in a message or to
//! whom it goes, and none shows a secret.

mod accounts;
mod config;
mod error;
mod letter;
mod measure;
mod patience;
mod provider;
mod queue;
mod site_directory;
mod templates;
mod worker;

pub use config::{ConfigError, Secret, Settings};
pub use error::MailError;
pub use measure::describe_metrics;
pub use queue::waits;
pub use site_directory::{SiteDirectory, SiteStatus};
pub use worker::{Mailer, Mailing, Round};
