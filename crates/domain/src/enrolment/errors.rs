//! The rules that a command about an enrolment can break.

/// Why a command about an enrolment was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum EnrolmentRule {
    /// The student left or is done.
    #[error("the student is not active in this cohort")]
    NotActive,
}
