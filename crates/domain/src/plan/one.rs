//! Commands over one stream: the facts they need are taken from the world, the aggregate decides.

use super::Planner;
use crate::cohort::CohortCommand;
use crate::hub::HubCommand;
use crate::module::ModuleCommand;
use crate::person::PersonCommand;
use crate::refusal::Refusal;

impl Planner<'_> {
    pub(super) fn person(&mut self, command: &PersonCommand) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
    pub(super) fn module(&mut self, command: &ModuleCommand) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
    pub(super) fn cohort(&mut self, command: &CohortCommand) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
    pub(super) fn hub(&mut self, command: &HubCommand) -> Result<(), Refusal> {
        let _ = command;
        unimplemented!()
    }
}
