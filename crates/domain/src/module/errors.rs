//! The rules that a command about a module can break.

/// Why a command about a module was refused. Comparable, no I/O.
#[derive(Clone, Debug, PartialEq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ModuleRule {
    /// Another module has the code, in some case.
    #[error("another module has the code {code} already; give another code")]
    CodeTaken {
        /// Which.
        code: String,
    },
    /// No further cohort can be scheduled, and nothing else changes.
    #[error("the module is retired and keeps its title; define a new module instead")]
    ModuleRetired,
}
