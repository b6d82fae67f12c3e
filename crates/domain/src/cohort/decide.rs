//! What may happen to a cohort, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Cohort, CohortCommand, CohortEvent, CohortFacts, CohortRule};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::CohortId;
use crate::plan::Claims;

impl Cohort {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &CohortCommand,
        by: &By,
        facts: &CohortFacts,
    ) -> Result<Vec<CohortEvent>, CohortRule> {
        let _ = (command, by, facts);
        unimplemented!("to be written")
    }
}

impl Claims for Cohort {
    type Id = CohortId;

    fn claims(&self, id: CohortId, event: &CohortEvent, changes: &mut ClaimChanges) {
        let _ = (id, event, changes);
    }
}

impl Aggregate for Cohort {
    const TYPE: &'static str = "cohort";
    type Command = Asked<CohortCommand, CohortFacts>;
    type Event = CohortEvent;
    type Error = CohortRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), CohortRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CohortEvent) {
        self.apply_event(&event);
    }
}
