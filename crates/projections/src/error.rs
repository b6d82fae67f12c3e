//! What can go wrong while read models are kept or asked; it never shows a row's values.

use rollbook_store::{Position, StoreError};

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The cursor is not one that this list gave.
    #[error("`after` is not a cursor of this list: take it from `next`")]
    BadCursor,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why a projection does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// No projection has this name.
    #[error("there is no projection `{0}`")]
    Unknown(String),
    /// Something in the log that this version of the software cannot read.
    #[error("position {position}: {source}")]
    Poison {
        /// Where it is in the log.
        position: Position,
        /// What is wrong with it.
        source: StoreError,
    },
    /// A row is not of the shape that this version writes: somebody else has changed it, or the version was not raised.
    #[error("a row of {projection} cannot be read or written; rebuild it")]
    Row {
        /// The projection.
        projection: &'static str,
        /// What is wrong with it. It may show values, which belong in no log.
        source: serde_json::Error,
    },
    /// A fold broke off: a defect of this version.
    #[error("the fold of {projection} broke off")]
    Fold {
        /// The projection.
        projection: &'static str,
    },
    /// The tables are those of newer software, which has to go on with them.
    #[error("{projection} was built by newer software (version {stored}, this is {ours})")]
    Newer {
        /// The projection.
        projection: &'static str,
        /// The version of the tables.
        stored: i32,
        /// The version of this software.
        ours: i32,
    },
    /// The cursor is not one that this list gave.
    #[error("`after` is not a cursor of this list: take it from `next`")]
    BadCursor,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueryError> for ProjectionError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::BadCursor => Self::BadCursor,
            QueryError::Store(error) => Self::Store(error),
        }
    }
}

impl From<sqlx::Error> for ProjectionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
