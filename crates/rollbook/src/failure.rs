//! Why a subcommand did not do what it was asked: one clear reason in words, for stderr. Never a backtrace or a password.

use std::fmt;
use std::io;

use rollbook_projections::QueryError;
use rollbook_store::{ExecuteError, StoreError};

/// A reason to end with status 1.
#[derive(Debug)]
pub struct Failure {
    reason: String,
    reader_gone: bool,
}

/// What a subcommand comes to.
pub type Done<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure for this reason.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), reader_gone: false }
    }

    /// Whether nobody reads the output any more (`rollbook events | head`): an end, and no failure.
    pub fn is_reader_gone(&self) -> bool {
        self.reader_gone
    }

    /// The same failure, saying first what was being done.
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        self.reason = format!("{what}: {}", self.reason);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { reader_gone: error.kind() == io::ErrorKind::BrokenPipe, reason: error.to_string() }
    }
}

impl From<ExecuteError> for Failure {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => Self::new(refusal.detail()),
            other => Self::new(other),
        }
    }
}

macro_rules! plain {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        }
    )*};
}

plain!(
    rollbook_http::SetUpError,
    StoreError,
    QueryError,
    rollbook_embedded::Error,
    rollbook_import::FileError,
    serde_json::Error,
    csv::Error
);
