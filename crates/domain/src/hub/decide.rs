//! What may happen to a hub, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Hub, HubCommand, HubEvent, HubFacts, HubRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::HubId;
use crate::plan::Claims;

impl Hub {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(&self, command: &HubCommand, by: &By, facts: &HubFacts) -> Result<Vec<HubEvent>, HubRule> {
        let _ = (command, by, facts);
        unimplemented!("to be written")
    }
}

impl Claims for Hub {
    type Id = HubId;

    fn claims(&self, id: HubId, event: &HubEvent, changes: &mut ClaimChanges) {
        let _ = (id, event, changes);
    }
}

impl Aggregate for Hub {
    const TYPE: &'static str = "hub";
    type Command = Asked<HubCommand, HubFacts>;
    type Event = HubEvent;
    type Error = HubRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), HubRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: HubEvent) {
        self.apply_event(&event);
    }
}
