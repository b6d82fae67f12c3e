//! A private Postgres server for whoever has none: started, joined and stopped with the program that needs it; it never touches
//! a server that it did not start, and never runs one as root.
//!
//! ```no_run
//! # async fn example() -> Result<(), rollbook_embedded::Error> {
//! use rollbook_embedded::{Instance, Options};
//!
//! let instance = Instance::start_or_join(Options::new(".rollbook")).await?;
//! // Connect to `instance.url()`, with sqlx, tokio-postgres or psql …
//! instance.stop().await
//! # }
//! ```
//!
//! # What is in the data directory
//!
//! | name | what |
//! |---|---|
//! | `cluster/` | the data, its log in `log/`; belongs to the user whom the server runs as, mode 700 |
//! | `rollbook.password`, `postgres.password` | of the service's role and of the superuser, mode 600 |
//! | `start.lock` | held by the one process that is starting or stopping the server |
//! | `instance.lock` | held, shared, by every process that uses the server: the last one out stops it |
//! | `namespace` | where the server was started, to tell containers apart that share the folder |
//! | `postgresql/` | server binaries, when they were downloaded |
//! | `elsewhere` | where all the others are, when the server's user cannot reach the data directory |
//!
//! The directory belongs to the user who runs the program and nobody else can enter it (mode 700); when root runs it, the group of
//! the server's user can pass through it but not look around (mode 710).
//!
//! Only processes on this machine can connect, and only with a password from those files (SCRAM-SHA-256). The service works as
//! the role `rollbook`, which owns the database `rollbook` and has no power over anything else.
//!
//! The port is the last one again if that is free, so that clients find a server that was started anew.

mod cluster;
mod download;
mod error;
mod find;
mod home;
mod install;
mod instance;
mod locks;
mod privileges;
mod process;
mod roles;
mod secrets;
mod server;
mod temporary;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use error::Error;
pub use find::{OLDEST_MAJOR, Search, Version};
pub use instance::Instance;
pub use temporary::temporary;

/// What is told about the progress, one line at a time, without a newline. Called from any thread.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// How to start an instance.
#[derive(Clone)]
pub struct Options {
    /// Where it lives. Made if it is missing.
    pub data_dir: PathBuf,
    /// The folder with `postgres`, `initdb` and `pg_ctl` (`ROLLBOOK_PG_BIN`); none other is then looked for.
    pub pg_bin: Option<PathBuf>,
    /// Further settings of Postgres, as in `postgresql.conf`. They count when this start starts the server, not when it joins it.
    pub settings: Vec<(String, String)>,
    /// Gets a line at every step that takes a while. Silent unless set.
    pub say: Say,
    /// Where to look for binaries, and where a cluster may go that cannot be in the data directory.
    pub search: Search,
}

impl Options {
    /// The usual options for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            pg_bin: None,
            settings: Vec::new(),
            say: Arc::new(|_| {}),
            search: Search::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .field("pg_bin", &self.pg_bin)
            .field("settings", &self.settings)
            .field("search", &self.search)
            .finish_non_exhaustive()
    }
}
