//! What commands about a module have in common, and what its events claim.

use super::{Module, ModuleEvent};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::ModuleId;

impl AggregateSpec for Module {
    fn claims(&self, id: ModuleId, event: &ModuleEvent, changes: &mut ClaimChanges) {
        match event {
            // A retired module keeps its code: it names the cohorts that were run.
            ModuleEvent::ModuleDefined { code, .. } => changes.take(ClaimKey::module_code(code), id),
            ModuleEvent::ModuleRenamed { .. } | ModuleEvent::ModuleRetired {} => {}
        }
    }
}
