//! Who is told of a week, as a pure function of what was asked for before.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{
    RetryEmail, SendWeekEmails, WeekEmails, WeekEmailsCommand, WeekEmailsEvent, WeekEmailsFacts, WeekEmailsRule,
};
use crate::actor::{Asked, By};
use crate::claim::ClaimChanges;
use crate::cohort::CohortStatus;
use crate::ids::{EnrolmentId, WeekEmailsId};
use crate::plan::Claims;

/// The active students of a week, by what becomes of them. Each is in one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// Are told now.
    pub requested: Vec<EnrolmentId>,
    /// Are not told, because they are held.
    pub held: Vec<EnrolmentId>,
    /// Were told before.
    pub already: Vec<EnrolmentId>,
}

impl WeekEmails {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &WeekEmailsCommand,
        _by: &By,
        facts: &WeekEmailsFacts,
    ) -> Result<Vec<WeekEmailsEvent>, WeekEmailsRule> {
        match command {
            WeekEmailsCommand::SendWeekEmails(c) => self.send(c, facts),
            WeekEmailsCommand::RetryEmail(RetryEmail { cohort_id: _, message_id, enrolment_id }) => {
                Ok(vec![WeekEmailsEvent::EmailRetried { message_id: *message_id, enrolment_id: *enrolment_id }])
            }
        }
    }

    /// Who is in a week, and whether they are told of it. Whoever was told before is not told again, held or not.
    pub fn addressees(&self, week: u8, facts: &WeekEmailsFacts) -> Addressees {
        let mut addressees = Addressees::default();
        for (id, student) in facts.students.iter().filter(|(_, student)| student.is_active() && student.week == week) {
            let list = if self.has_told(week, *id) {
                &mut addressees.already
            } else if student.held.is_some() {
                &mut addressees.held
            } else {
                &mut addressees.requested
            };
            list.push(*id);
        }
        addressees
    }

    fn send(&self, command: &SendWeekEmails, facts: &WeekEmailsFacts) -> Result<Vec<WeekEmailsEvent>, WeekEmailsRule> {
        let (cohort, week) = (&facts.cohort, command.week.get());
        if cohort.status != CohortStatus::Active {
            return Err(WeekEmailsRule::CohortNotActive { status: cohort.status });
        }
        let last_week = cohort.last_week();
        if week > last_week {
            return Err(WeekEmailsRule::NoSuchWeek { week, last_week });
        }
        let requested = self.addressees(week, facts).requested;
        if requested.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![WeekEmailsEvent::WeekEmailsRequested { week, enrolments: requested.into_iter().collect() }])
    }
}

impl Claims for WeekEmails {
    type Id = WeekEmailsId;

    /// Emails claim nothing.
    fn claims(&self, _: WeekEmailsId, _: &WeekEmailsEvent, _: &mut ClaimChanges) {}
}

impl Aggregate for WeekEmails {
    const TYPE: &'static str = "week_emails";
    type Command = Asked<WeekEmailsCommand, WeekEmailsFacts>;
    type Event = WeekEmailsEvent;
    type Error = WeekEmailsRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), WeekEmailsRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: WeekEmailsEvent) {
        self.apply_event(&event);
    }
}
