//! What a module's stream adds up to. Applying never fails and never decides.

use serde::{Deserialize, Serialize};

use super::events::ModuleEvent;
use crate::ids::ModuleId;

/// A module as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// Whether it was ever defined.
    pub defined: bool,
    /// As on a timetable.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// How many weekly sessions a run has.
    pub weeks: u8,
    /// Whether no further cohort can be scheduled.
    pub retired: bool,
}

impl Module {
    pub(crate) fn apply_event(&mut self, event: &ModuleEvent) {
        match event {
            ModuleEvent::ModuleDefined { code, title, weeks } => {
                self.defined = true;
                self.code.clone_from(code);
                self.title.clone_from(title);
                self.weeks = *weeks;
            }
            ModuleEvent::ModuleRenamed { title } => self.title.clone_from(title),
            ModuleEvent::ModuleRetired {} => self.retired = true,
        }
    }
}

/// What a module needs to know from claims.
#[derive(Clone, Debug, Default)]
pub struct ModuleFacts {
    /// Which module has the code that the command gives.
    pub code_owner: Option<ModuleId>,
}
