//! What may happen to a enrolment, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Enrolment, EnrolmentCommand, EnrolmentEvent, EnrolmentFacts, EnrolmentRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::EnrolmentId;
use crate::plan::Claims;

impl Enrolment {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &EnrolmentCommand,
        by: &By,
        facts: &EnrolmentFacts,
    ) -> Result<Vec<EnrolmentEvent>, EnrolmentRule> {
        let _ = (command, by, facts);
        unimplemented!("to be written")
    }
}

impl Claims for Enrolment {
    type Id = EnrolmentId;

    fn claims(&self, id: EnrolmentId, event: &EnrolmentEvent, changes: &mut ClaimChanges) {
        let _ = (id, event, changes);
    }
}

impl Aggregate for Enrolment {
    const TYPE: &'static str = "enrolment";
    type Command = Asked<EnrolmentCommand, EnrolmentFacts>;
    type Event = EnrolmentEvent;
    type Error = EnrolmentRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), EnrolmentRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: EnrolmentEvent) {
        self.apply_event(&event);
    }
}
