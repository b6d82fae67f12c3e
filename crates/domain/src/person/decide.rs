//! What may happen to a person, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Person, PersonCommand, PersonEvent, PersonFacts, PersonRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::PersonId;
use crate::plan::Claims;

impl Person {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &PersonCommand,
        by: &By,
        facts: &PersonFacts,
    ) -> Result<Vec<PersonEvent>, PersonRule> {
        let _ = (command, by, facts);
        unimplemented!("to be written")
    }
}

impl Claims for Person {
    type Id = PersonId;

    fn claims(&self, id: PersonId, event: &PersonEvent, changes: &mut ClaimChanges) {
        let _ = (id, event, changes);
    }
}

impl Aggregate for Person {
    const TYPE: &'static str = "person";
    type Command = Asked<PersonCommand, PersonFacts>;
    type Event = PersonEvent;
    type Error = PersonRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), PersonRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PersonEvent) {
        self.apply_event(&event);
    }
}
