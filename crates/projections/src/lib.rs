//! Read models: pure folds from events to rows, the engine that keeps them up to date, and the queries over them.
//!
//! Nothing here appends an event or decides a command. A model's file under [`models`] holds its row, its fold and its
//! queries; [`engine`] decides where the rows live (in tables, or in memory), so that live, rebuilt and verified rows
//! come from the same code.

pub mod as_of;
mod binary;
mod by_week;
pub mod engine;
pub mod erased;
pub mod error;
pub mod explain;
pub mod hot;
pub mod logged;
pub mod model;
pub mod models;
pub mod page;
pub mod replay;
mod storage;
pub mod wording;

pub use as_of::Moment;
pub use by_week::ByWeek;
pub use engine::{
    Difference, DifferenceKind, DifferenceSummary, ParkedStream, Phase, Progress, ProjectionItem, Projections, Retried,
    TooLate, Verification, VerificationSummary,
};
pub use error::{ProjectionError, QueryError};
pub use model::{ReadModel, Rows, SiteRows};
pub use page::{Page, Paged};
