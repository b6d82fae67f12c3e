//! What may happen to an enrolment, as pure functions of its state: one file per part of a student's life.
//!
//! The order is the same everywhere: what is already so causes no events, then the state refuses, then the facts do.

mod attendance;
mod claims;
mod membership;
mod progression;
mod reflections;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{Enrolment, EnrolmentCommand, EnrolmentEvent, EnrolmentFacts, EnrolmentRule};
use crate::actor::{Asked, By};
use crate::cohort::Cohort;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::text::Text;

/// What a decision comes to.
type Decided = Result<Vec<EnrolmentEvent>, EnrolmentRule>;

impl Enrolment {
    /// The events that a command causes now, or the rule that refuses it. The plans over many enrolments use the same
    /// rules through the parts that are named after what they do.
    pub fn decide(&self, command: &EnrolmentCommand, by: &By, facts: &EnrolmentFacts) -> Decided {
        let cohort = &*facts.cohort;
        match command {
            EnrolmentCommand::EnrolStudent(c) => Self::enrol(c, None, Origin::Hand, facts),
            EnrolmentCommand::JoinHub(c) => self.join_hub(c, facts),
            EnrolmentCommand::MarkAttendance(c) => self.mark_attendance(c, by, cohort),
            EnrolmentCommand::ResolveAbsenceFlag(c) => self.resolve_absence_flag(c),
            EnrolmentCommand::AdvanceStudent(c) => self.advance(c.to_week.get(), optional(c.reason.as_ref()), cohort),
            EnrolmentCommand::HoldStudent(c) => self.hold(plain(&c.reason), cohort),
            EnrolmentCommand::ReleaseStudent(c) => self.release(c, cohort),
            EnrolmentCommand::SetWeek(c) => self.set_week(c, cohort),
            EnrolmentCommand::WithdrawStudent(c) => self.withdraw(plain(&c.reason), None),
            EnrolmentCommand::ReinstateStudent(_) => self.reinstate(self.hub_id, None, facts),
            EnrolmentCommand::CompleteEnrolment(_) => self.complete(),
            EnrolmentCommand::SubmitReflection(c) => self.submit_reflection(c, by, cohort),
            EnrolmentCommand::SetReflectionVisibility(c) => self.set_visibility(c),
            EnrolmentCommand::AssignMarker(c) => self.assign_marker(c.marker_id, cohort),
            EnrolmentCommand::MarkReflection(c) => self.mark_reflection(c, by),
            EnrolmentCommand::AmendMark(c) => self.amend_mark(c, by),
        }
    }

    /// Refuses what only concerns students who take part.
    fn must_be_active(&self) -> Result<(), EnrolmentRule> {
        if self.is_active() { Ok(()) } else { Err(EnrolmentRule::NotActive { status: self.status }) }
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

/// Refuses what takes a cohort that is upcoming or active.
fn must_be_open(cohort: &Cohort) -> Result<(), EnrolmentRule> {
    if cohort.is_open() { Ok(()) } else { Err(EnrolmentRule::CohortClosed { status: cohort.status }) }
}

/// A command's text as events keep it: without its bound, so that a changed bound leaves old events readable.
fn plain<const MAX: usize>(text: &Personal<Text<MAX>>) -> Personal<String> {
    text.reveal().into()
}

fn optional<const MAX: usize>(text: Option<&Personal<Text<MAX>>>) -> Option<Personal<String>> {
    text.map(plain)
}
