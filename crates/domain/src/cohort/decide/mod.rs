//! What may happen to a cohort, as pure functions of its state: its status here, its sessions and its staff beside.

mod sessions;
mod staff;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Capacity, Cohort, CohortCommand, CohortEvent, CohortFacts, CohortRule, CohortStatus};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::ids::CohortId;
use crate::personal::Personal;
use crate::plan::Claims;

type Decision = Result<Vec<CohortEvent>, CohortRule>;

impl Cohort {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &CohortCommand,
        _by: &By,
        facts: &CohortFacts,
    ) -> Result<Vec<CohortEvent>, CohortRule> {
        match command {
            CohortCommand::ScheduleCohort(c) => sessions::schedule(c, facts),
            CohortCommand::RenameCohort(c) => Ok(self.rename(c.name.as_str())),
            CohortCommand::RescheduleSession(c) => self.reschedule(c),
            CohortCommand::CancelSession(c) => self.cancel_session(c.week.get(), c.reason.reveal().into()),
            CohortCommand::SetCapacity(c) => self.set_capacity(c.capacity.map(Capacity::get), facts),
            CohortCommand::StartCohort(_) => self.start(),
            CohortCommand::CompleteCohort(_) => self.complete(),
            CohortCommand::CancelCohort(c) => self.cancel(c.reason.reveal().into()),
            CohortCommand::ArchiveCohort(_) => self.archive(),
            CohortCommand::AppointMarker(c) => self.appoint_marker(c.person_id, facts),
            CohortCommand::DismissMarker(c) => self.dismiss_marker(c.person_id, c.reallocate, facts),
            CohortCommand::AppointInstructor(c) => self.appoint_instructor(c.person_id, c.lead, facts),
            CohortCommand::DismissInstructor(c) => Ok(self.dismiss_instructor(c.person_id)),
        }
    }

    /// A name is a label: it can be put right at any time, also on what is history.
    fn rename(&self, name: &str) -> Vec<CohortEvent> {
        if self.name == name { Vec::new() } else { vec![CohortEvent::CohortRenamed { name: name.to_owned() }] }
    }

    fn set_capacity(&self, capacity: Option<u32>, facts: &CohortFacts) -> Decision {
        if self.capacity == capacity {
            return Ok(Vec::new());
        }
        self.must_be_open()?;
        if capacity.is_some_and(|capacity| capacity < facts.places_taken) {
            return Err(CohortRule::CapacityBelowEnrolled { enrolled: facts.places_taken });
        }
        Ok(vec![CohortEvent::CapacitySet { capacity }])
    }

    fn start(&self) -> Decision {
        match self.status {
            CohortStatus::Upcoming => Ok(vec![CohortEvent::CohortStarted {}]),
            CohortStatus::Active => Ok(Vec::new()),
            status @ (CohortStatus::Completed | CohortStatus::Archived | CohortStatus::Cancelled) => {
                Err(CohortRule::CohortClosed { status })
            }
        }
    }

    fn complete(&self) -> Decision {
        match self.status {
            CohortStatus::Upcoming => Err(CohortRule::NotStarted),
            CohortStatus::Active => Ok(vec![CohortEvent::CohortCompleted {}]),
            CohortStatus::Completed => Ok(Vec::new()),
            status @ (CohortStatus::Archived | CohortStatus::Cancelled) => Err(CohortRule::CohortClosed { status }),
        }
    }

    fn cancel(&self, reason: Personal<String>) -> Decision {
        match self.status {
            CohortStatus::Upcoming | CohortStatus::Active => Ok(vec![CohortEvent::CohortCancelled { reason }]),
            CohortStatus::Cancelled => Ok(Vec::new()),
            status @ (CohortStatus::Completed | CohortStatus::Archived) => Err(CohortRule::CohortClosed { status }),
        }
    }

    fn archive(&self) -> Decision {
        match self.status {
            CohortStatus::Completed => Ok(vec![CohortEvent::CohortArchived {}]),
            CohortStatus::Archived => Ok(Vec::new()),
            status @ (CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Cancelled) => {
                Err(CohortRule::NotCompleted { status })
            }
        }
    }

    fn must_be_open(&self) -> Result<(), CohortRule> {
        if self.is_open() { Ok(()) } else { Err(CohortRule::CohortClosed { status: self.status }) }
    }
}

impl Claims for Cohort {
    type Id = CohortId;

    /// A cohort claims nothing; its places are claimed by the enrolments in it.
    fn claims(&self, _: CohortId, _: &CohortEvent, _: &mut ClaimChanges) {}
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
