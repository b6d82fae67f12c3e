//! Whether what the service promises holds when it is treated badly: a checker that reads the log and trusts nothing of
//! the service's own code, a load over HTTP that writes down what was acknowledged, and what kills under it. No part of
//! the service uses it.

pub mod check;
pub mod fake_postgres;
pub mod give_up;
pub mod hostile;
pub mod load;
pub mod program;
pub mod receipts;
pub mod run;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be asked.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A file, a process or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What came of it.
        source: std::io::Error,
    },
    /// A line of the acknowledged receipts is none.
    #[error("line {line} of the receipts is no receipt: {source}")]
    Receipt {
        /// Which one; the first is 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The read models cannot be compared.
    #[error("the read models cannot be compared: {0}")]
    Models(#[from] rollbook_projections::ProjectionError),
    /// The private PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] rollbook_embedded::Error),
    /// The service did something that it promises never to do.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    /// An error of a file, a process or a socket.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}
