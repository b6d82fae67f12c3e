//! The rules that a command about a person can break.

/// Why a command about a person was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PersonRule {
    /// Another person has the address.
    #[error("another person has this email address already")]
    EmailTaken,
}
