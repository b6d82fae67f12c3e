//! Everything that can go wrong with a private server, each with what to do about it; never a password, and never a panic.

use std::io;
use std::path::PathBuf;

/// Why there is no private server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable server binaries anywhere.
    #[error(
        "no PostgreSQL server (15 or newer) on this machine. Install one with: {install}\n\
         Or set DATABASE_URL to a server of yours, or ROLLBOOK_PG_BIN to the folder with `postgres`, `initdb` and `pg_ctl`.\n\
         {searched}"
    )]
    NoBinaries {
        /// The one command that installs Postgres here.
        install: String,
        /// What was looked at, and why it did not do.
        searched: String,
    },

    /// The folder that was named explicitly does not do.
    #[error("ROLLBOOK_PG_BIN={} cannot be used: {reason}. Name the folder with `postgres`, `initdb` and `pg_ctl`, or unset it.", path.display())]
    Binaries {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The cluster was made by a major version that is not installed any more.
    #[error(
        "the data in {} was made by PostgreSQL {made_by}, which was not found. Install it with: {install}\n\
         Or set ROLLBOOK_PG_BIN to its folder, or move the data over with pg_upgrade.\n{searched}",
        cluster.display()
    )]
    OtherMajor {
        /// The cluster's folder.
        cluster: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The one command that installs it here.
        install: String,
        /// What was looked at, and why it did not do.
        searched: String,
    },

    /// The data directory cannot hold an instance.
    #[error("the data directory {} cannot be used: {reason}", path.display())]
    DataDirectory {
        /// The data directory.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// Run as root, and there is no user the server could run as.
    #[error(
        "PostgreSQL refuses to run as root, and there is no other user for it here (tried: {tried}). \
         Run as an ordinary user, or set DATABASE_URL."
    )]
    NoServerUser {
        /// The names that were looked up, with what came of each.
        tried: String,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {doing} {}: {source}. Check that the disk is not full and that the folder is yours.", path.display())]
    Io {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// A program of Postgres failed.
    #[error("{program} failed ({status}). It said:\n{output}\nMend that and run again: nothing half-made is kept.")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// The last lines that it wrote.
        output: String,
    },

    /// The server does not come up.
    #[error("PostgreSQL in {} did not start. {advice}\nThe end of its log:\n{log}", cluster.display())]
    NotStarted {
        /// The cluster's folder.
        cluster: PathBuf,
        /// What to do.
        advice: &'static str,
        /// The last lines of the server's log.
        log: String,
    },

    /// The server does not stop.
    #[error("PostgreSQL in {} did not stop: {output}\nIt is left running; the next start joins it.", cluster.display())]
    NotStopped {
        /// The cluster's folder.
        cluster: PathBuf,
        /// What `pg_ctl` said.
        output: String,
    },

    /// Somebody else has been starting or stopping the instance for too long.
    #[error("another process has been starting or stopping the instance in {} for {seconds} s. End it, then run again.", path.display())]
    Busy {
        /// The data directory.
        path: PathBuf,
        /// How long this process waited, in seconds.
        seconds: u64,
    },

    /// A process in another container uses the data directory.
    #[error(
        "the data directory {} is in use from another container, whose server cannot be reached from here. \
         Stop that one first, or give each its own data directory.",
        path.display()
    )]
    OtherContainer {
        /// The data directory.
        path: PathBuf,
    },

    /// A setting cannot be written to the configuration file.
    #[error(
        "the PostgreSQL setting {name:?} cannot be written: names are letters, digits, `_` and `.`; values are one line."
    )]
    Setting {
        /// Its name.
        name: String,
    },

    /// The server runs, but refuses what the set-up asks of it.
    #[error("PostgreSQL runs, but setting it up failed ({doing}): {}. Its log is in {}.", reason(source), log.display())]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The folder of the server's log.
        log: PathBuf,
        /// Why it failed.
        source: tokio_postgres::Error,
    },

    /// What answers on the instance's port is another server.
    #[error("the server on port {port} serves {found}, not {}. Stop it, or run again to take another port.", cluster.display())]
    OtherServer {
        /// The port on 127.0.0.1.
        port: u16,
        /// The folder that it serves.
        found: String,
        /// The folder that it should serve.
        cluster: PathBuf,
    },

    /// The operating system has no random bytes.
    #[error("the operating system gives no random bytes for a password: {0}. Set DATABASE_URL instead.")]
    Random(getrandom::Error),
}

/// What the server said, or what became of the connection.
fn reason(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Turns an input/output error into one that says what was done to which path.
pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { doing, path, source }
}
