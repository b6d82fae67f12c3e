//! What may happen to a module, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{DefineModule, Module, ModuleCommand, ModuleEvent, ModuleFacts, ModuleRule};
use crate::actor::{Asked, By};
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::ModuleId;
use crate::plan::Claims;

impl Module {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &ModuleCommand,
        _by: &By,
        facts: &ModuleFacts,
    ) -> Result<Vec<ModuleEvent>, ModuleRule> {
        match command {
            ModuleCommand::DefineModule(c) => define(c, facts),
            ModuleCommand::RenameModule(c) => self.rename(c.title.as_str()),
            ModuleCommand::RetireModule(_) => Ok(self.retire()),
        }
    }

    fn rename(&self, title: &str) -> Result<Vec<ModuleEvent>, ModuleRule> {
        if self.title == title {
            return Ok(Vec::new());
        }
        if self.retired {
            return Err(ModuleRule::ModuleRetired);
        }
        Ok(vec![ModuleEvent::ModuleRenamed { title: title.to_owned() }])
    }

    fn retire(&self) -> Vec<ModuleEvent> {
        if self.retired { Vec::new() } else { vec![ModuleEvent::ModuleRetired {}] }
    }
}

fn define(command: &DefineModule, facts: &ModuleFacts) -> Result<Vec<ModuleEvent>, ModuleRule> {
    let code = command.code.as_str().to_owned();
    if facts.code_owner.is_some() {
        return Err(ModuleRule::CodeTaken { code });
    }
    let title = command.title.as_str().to_owned();
    Ok(vec![ModuleEvent::ModuleDefined { code, title, weeks: command.weeks.get() }])
}

impl Claims for Module {
    type Id = ModuleId;

    fn claims(&self, id: ModuleId, event: &ModuleEvent, changes: &mut ClaimChanges) {
        match event {
            // A retired module keeps its code: it names the cohorts that were run.
            ModuleEvent::ModuleDefined { code, .. } => changes.take(ClaimKey::module_code(code), id),
            ModuleEvent::ModuleRenamed { .. } | ModuleEvent::ModuleRetired {} => {}
        }
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
