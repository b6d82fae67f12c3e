//! The rules that commands over many enrolments can break.

/// Why a command over many enrolments was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PlanRule {
    /// There is nobody to divide the students among.
    #[error("the cohort has no marker; appoint one first")]
    NoMarkers,
    /// The student is in that cohort already.
    #[error("the student is in that cohort already")]
    SameCohort,
}
