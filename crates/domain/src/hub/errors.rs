//! The rules that a command about a hub can break.

/// Why a command about a hub was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HubRule {
    /// It is gone.
    #[error("the hub takes nothing any more")]
    Closed,
}
