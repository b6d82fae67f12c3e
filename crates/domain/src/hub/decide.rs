//! What may happen to a hub, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{FoundHub, Hub, HubCommand, HubEvent, HubFacts, HubRule, RenameHub};
use crate::actor::{Asked, By};
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::{HubId, PersonId};
use crate::plan::Claims;

impl Hub {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(&self, command: &HubCommand, _by: &By, facts: &HubFacts) -> Result<Vec<HubEvent>, HubRule> {
        match command {
            HubCommand::FoundHub(c) => Ok(vec![found(c)]),
            HubCommand::RenameHub(c) => Ok(self.rename(c)),
            HubCommand::AppointCoordinator(c) => self.appoint(c.person_id, facts),
            HubCommand::DismissCoordinator(_) => Ok(self.dismiss()),
            HubCommand::CloseHub(_) => self.close(facts),
        }
    }

    fn rename(&self, command: &RenameHub) -> Vec<HubEvent> {
        let name = command.name.as_str().to_owned();
        let place = command.place.as_ref().map(|place| place.as_str().to_owned()).or_else(|| self.place.clone());
        if name == self.name && place == self.place {
            return Vec::new();
        }
        vec![HubEvent::HubRenamed { name, place }]
    }

    fn appoint(&self, person_id: PersonId, facts: &HubFacts) -> Result<Vec<HubEvent>, HubRule> {
        if self.coordinator == Some(person_id) {
            return Ok(Vec::new());
        }
        if self.closed {
            return Err(HubRule::HubClosed);
        }
        if !facts.person.active {
            return Err(HubRule::PersonInactive);
        }
        Ok(vec![HubEvent::CoordinatorAppointed { person_id }])
    }

    fn dismiss(&self) -> Vec<HubEvent> {
        self.coordinator.map(|person_id| HubEvent::CoordinatorDismissed { person_id }).into_iter().collect()
    }

    fn close(&self, facts: &HubFacts) -> Result<Vec<HubEvent>, HubRule> {
        if self.closed {
            return Ok(Vec::new());
        }
        if facts.places_taken > 0 {
            return Err(HubRule::HubHasStudents { count: facts.places_taken });
        }
        Ok(vec![HubEvent::HubClosed {}])
    }
}

fn found(command: &FoundHub) -> HubEvent {
    let place = command.place.as_ref().map(|place| place.as_str().to_owned());
    HubEvent::HubFounded { name: command.name.as_str().to_owned(), place }
}

impl Claims for Hub {
    type Id = HubId;

    /// An open hub is claimed by itself, so that a site's hubs are found; its places are claimed by the enrolments in it.
    fn claims(&self, id: HubId, event: &HubEvent, changes: &mut ClaimChanges) {
        match event {
            HubEvent::HubFounded { name: _, place: _ } => changes.take(ClaimKey::open_hub(id), id),
            HubEvent::HubClosed {} => changes.release(ClaimKey::open_hub(id)),
            HubEvent::HubRenamed { .. }
            | HubEvent::CoordinatorAppointed { .. }
            | HubEvent::CoordinatorDismissed { .. } => {}
        }
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
