//! What may happen to a module, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Module, ModuleCommand, ModuleEvent, ModuleFacts, ModuleRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::ModuleId;
use crate::plan::Claims;

impl Module {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &ModuleCommand,
        by: &By,
        facts: &ModuleFacts,
    ) -> Result<Vec<ModuleEvent>, ModuleRule> {
        let _ = (command, by, facts);
        unimplemented!("to be written")
    }
}

impl Claims for Module {
    type Id = ModuleId;

    fn claims(&self, id: ModuleId, event: &ModuleEvent, changes: &mut ClaimChanges) {
        let _ = (id, event, changes);
    }
}

impl Aggregate for Module {
    const TYPE: &'static str = "module";
    type Command = Asked<ModuleCommand, ModuleFacts>;
    type Event = ModuleEvent;
    type Error = ModuleRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), ModuleRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ModuleEvent) {
        self.apply_event(&event);
    }
}
