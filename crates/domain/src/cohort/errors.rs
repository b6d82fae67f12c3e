//! The rules that a command about a cohort can break.

/// Why a command about a cohort was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CohortRule {
    /// It is gone.
    #[error("the cohort takes nothing any more")]
    Closed,
}
