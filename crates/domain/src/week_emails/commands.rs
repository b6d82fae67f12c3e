//! The commands about a cohort's emails: what each says, and what it causes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{WeekEmails, WeekEmailsEvent, WeekEmailsFacts, WeekEmailsRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimSet;
use crate::cohort::{CohortStatus, Week, need_students};
use crate::command::{StreamCommand, about};
use crate::enrolment::Enrolment;
use crate::ids::{CohortId, EnrolmentId, MessageId, WeekEmailsId};
use crate::plan::{Lists, Planner};
use crate::refusal::Refusal;
use crate::world::{Needs, World};

/// Tells the students of a week that it is open: each active student who is in that week, is not held, and was not told of
/// it before. Asked again, it tells only those who have come since.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendWeekEmails {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The number of the week, from 1.
    pub week: Week,
}

impl StreamCommand for SendWeekEmails {
    about!(WeekEmails, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        need_students(self.cohort_id, ClaimSet::places(self.cohort_id), needs);
    }

    fn facts(&self, _: WeekEmailsId, _: &WeekEmails, world: &World) -> Result<WeekEmailsFacts, Refusal> {
        let cohort = world.existing(self.cohort_id)?.state;
        let students = world.students(&ClaimSet::places(self.cohort_id)).map(|(id, student)| (id, student.state));
        Ok(WeekEmailsFacts { cohort, students: students.collect() })
    }

    fn decide(&self, told: &WeekEmails, _: &DecisionContext, facts: &WeekEmailsFacts) -> Decision<WeekEmails> {
        let (cohort, week) = (&facts.cohort, self.week.get());
        if cohort.status != CohortStatus::Active {
            return Err(WeekEmailsRule::CohortNotActive { status: cohort.status });
        }
        let last_week = cohort.last_week();
        if week > last_week {
            return Err(WeekEmailsRule::NoSuchWeek { week, last_week });
        }
        let requested = told.addressees(week, facts).requested;
        if requested.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![WeekEmailsEvent::WeekEmailsRequested { week, enrolments: requested.into_iter().collect() }])
    }

    fn lists(&self, told: &WeekEmails, facts: &WeekEmailsFacts) -> Lists {
        let Addressees { requested, held, already } = told.addressees(self.week.get(), facts);
        let lists = [("requested", requested), ("held", held), ("already", already)];
        lists.map(|(name, students)| (name.to_owned(), students)).into()
    }

    /// Whoever is enrolled at the same time was not looked at: then all of it is decided again.
    fn consequences(&self, _: &WeekEmails, planner: &mut Planner<'_>) {
        planner.no_more_than_now(ClaimSet::places(self.cohort_id));
    }
}

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
}

/// Sends one message again that was not delivered, or not surely. No client sends this: what became of the message is looked
/// up before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryEmail {
    /// The id of the cohort.
    pub cohort_id: CohortId,
    /// The id of the message.
    pub message_id: MessageId,
    /// The enrolment of the student whom it goes to.
    pub enrolment_id: EnrolmentId,
}

impl StreamCommand for RetryEmail {
    about!(WeekEmails, cohort_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.stream(self.cohort_id.into());
        needs.stream(self.enrolment_id.into());
    }

    fn facts(&self, _: WeekEmailsId, _: &WeekEmails, world: &World) -> Result<WeekEmailsFacts, Refusal> {
        let cohort = world.existing(self.cohort_id)?.state;
        if world.existing::<Enrolment>(self.enrolment_id)?.state.cohort_id != Some(self.cohort_id) {
            return Err(Refusal::NotFound(self.enrolment_id.into()));
        }
        Ok(WeekEmailsFacts { cohort, students: Vec::new() })
    }

    fn decide(&self, _: &WeekEmails, _: &DecisionContext, _: &WeekEmailsFacts) -> Decision<WeekEmails> {
        let Self { cohort_id: _, message_id, enrolment_id } = *self;
        Ok(vec![WeekEmailsEvent::EmailRetried { message_id, enrolment_id }])
    }
}
