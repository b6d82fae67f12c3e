//! What can go wrong while emails are delivered, besides what a provider says; it shows nothing of a message.

use rollbook_projections::{QueryError, TooLate};
use rollbook_store::StoreError;

/// Why a round came to no end. Nothing is lost by it: the next one takes up where this one was.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The read models are behind the log, so that nobody can tell whether a message may still be sent.
    #[error(transparent)]
    Behind(#[from] TooLate),
    /// A request cannot be stored, or not be read again.
    #[error("a stored request is not of the shape that this version knows")]
    Payload(#[from] serde_json::Error),
    /// The log could not be told of a letter.
    #[error("a letter could not be recorded: {0}")]
    Record(&'static str),
    /// The settings of a site cannot be read.
    #[error("the settings of a site cannot be read: {0}")]
    Settings(#[from] QueryError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for MailError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
