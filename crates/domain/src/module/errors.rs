//! The rules that a command about a module can break.

/// Why a command about a module was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ModuleRule {
    /// It is gone.
    #[error("the module takes nothing any more")]
    Closed,
}
