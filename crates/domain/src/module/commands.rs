//! What can be asked about a module.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cohort::Week;
use crate::ids::ModuleId;
use crate::text::{Code, Title};

/// Defines a course. Its code must be no other module's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineModule {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<ModuleId>,
    /// As on a timetable.
    pub code: Code,
    /// What it is called.
    pub title: Title,
    /// How many weekly sessions a run has.
    #[serde(default = "eight")]
    pub weeks: Week,
}

fn eight() -> Week {
    Week::EIGHT
}

/// Gives a module another title.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameModule {
    /// Which.
    pub module_id: ModuleId,
    /// The title from now on.
    pub title: Title,
}

/// Ends the scheduling of further cohorts of a module.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireModule {
    /// Which.
    pub module_id: ModuleId,
}

/// The commands of the module aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ModuleCommand {
    /// See [`DefineModule`].
    DefineModule(DefineModule),
    /// See [`RenameModule`].
    RenameModule(RenameModule),
    /// See [`RetireModule`].
    RetireModule(RetireModule),
}
