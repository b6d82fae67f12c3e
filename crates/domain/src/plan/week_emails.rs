//! `SendWeekEmails` and `RetryEmail`: whom the emails of a cohort go to, decided over all its active students at once.

use super::Planner;
use crate::claim::{ClaimSet, Limit};
use crate::ids::WeekEmailsId;
use crate::refusal::Refusal;
use crate::week_emails::{RetryEmail, SendWeekEmails, WeekEmailsCommand, WeekEmailsFacts};

impl Planner<'_> {
    pub(super) fn week_emails(&mut self, command: &WeekEmailsCommand) -> Result<(), Refusal> {
        match command {
            WeekEmailsCommand::SendWeekEmails(c) => self.send_week_emails(c, command),
            WeekEmailsCommand::RetryEmail(c) => self.retry_email(c, command),
        }
    }

    fn send_week_emails(&mut self, send: &SendWeekEmails, command: &WeekEmailsCommand) -> Result<(), Refusal> {
        let cohort = Self::existing(send.cohort_id, self.world.cohort(send.cohort_id))?.state;
        let places = ClaimSet::places(send.cohort_id);
        let members = self.world.members(&places).iter();
        let students = members.map(|id| ((*id).into(), self.world.enrolment((*id).into()).state)).collect();
        let facts = WeekEmailsFacts { cohort, students };
        let id = WeekEmailsId::from(send.cohort_id);
        let before = self.world.week_emails(id);
        let events = before.state.decide(command, &self.by, &facts)?;
        let addressees = before.state.addressees(send.week.get(), &facts);
        self.write(id, &before, events);
        // Whoever is enrolled at the same time was not looked at: then all of it is decided again.
        let at_most = u32::try_from(facts.students.len()).unwrap_or(u32::MAX);
        self.plan.limits.push(Limit::at_most(places, at_most));
        self.plan.lists.extend(
            [("requested", addressees.requested), ("held", addressees.held), ("already", addressees.already)]
                .map(|(name, students)| (name.to_owned(), students)),
        );
        Ok(())
    }

    fn retry_email(&mut self, retry: &RetryEmail, command: &WeekEmailsCommand) -> Result<(), Refusal> {
        let cohort = Self::existing(retry.cohort_id, self.world.cohort(retry.cohort_id))?.state;
        let student = Self::existing(retry.enrolment_id, self.world.enrolment(retry.enrolment_id))?.state;
        if student.cohort_id != Some(retry.cohort_id) {
            return Err(Refusal::NotFound(retry.enrolment_id.into()));
        }
        let id = WeekEmailsId::from(retry.cohort_id);
        let before = self.world.week_emails(id);
        let events = before.state.decide(command, &self.by, &WeekEmailsFacts { cohort, students: Vec::new() })?;
        self.write(id, &before, events);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
