//! What happened to a module. A contract: a changed event is a new version, an upcaster and a new fixture.

use serde::{Deserialize, Serialize};

/// The events of a `module` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[allow(clippy::enum_variant_names, reason = "the names are the contract")]
pub enum ModuleEvent {
    /// A module exists.
    ModuleDefined {
        /// Unique in the site.
        code: String,
        /// What it is called.
        title: String,
        /// How many weekly sessions a run has.
        weeks: u8,
    },
    /// It is called something else.
    ModuleRenamed {
        /// The title from now on.
        title: String,
    },
    /// No further cohort can be scheduled.
    ModuleRetired {},
}
