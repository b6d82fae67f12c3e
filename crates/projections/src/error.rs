//! What can go wrong while read models are kept or asked; it never shows a row's values.

use rollbook_store::{Position, ScanError, StoreError};

use crate::Verification;

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
    /// A read model's table has not the column that this version writes: somebody else has changed it.
    #[error("column {column} of {table} is {kind}, which this version does not write")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: &'static str,
        /// Its type, or `missing`.
        kind: String,
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
    /// Rows are not what the log says, and nobody has said that they may be replaced: none of them is.
    #[error("{}; nothing was changed", differing(.0))]
    Differs(Vec<Verification>),
    /// Another rebuild of this database goes on.
    #[error("another rebuild is under way; try again when it has ended")]
    UnderWay,
    /// The schema cannot be built in.
    #[error("{0}")]
    Schema(String),
    /// The log has not come to a position.
    #[error("position {position} is none of the log, which is at {head}")]
    NotYet {
        /// The position that was asked for.
        position: Position,
        /// The position of the log.
        head: Position,
    },
    /// Somebody reads a table for so long that the rebuilt one could not take its place.
    #[error("{0} is being read by a long transaction, so that the rebuilt table could not take its place")]
    InUse(&'static str),
    /// A rebuild has put other tables in the place of those that were being compared.
    #[error("the tables were rebuilt while they were being verified; try again")]
    Swapped,
    /// The cursor is not one that this list gave.
    #[error("`after` is not a cursor of this list: take it from `next`")]
    BadCursor,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which read models differ, and in how many rows; never what is in them.
fn differing(found: &[Verification]) -> String {
    let one = |found: &Verification| match found.differing {
        1 => format!("1 row of {} is not what the log says", found.name),
        many => format!("{many} rows of {} are not what the log says", found.name),
    };
    found.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl From<ScanError> for ProjectionError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Unreadable { position, source } => Self::Poison { position, source },
            ScanError::Store(source) => Self::Store(source),
        }
    }
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
