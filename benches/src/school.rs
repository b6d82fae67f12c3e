//! A school to measure with: cohorts of seventy, everybody enrolled, the sessions over and nothing marked yet.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use futures::stream::{self, StreamExt};
use rollbook_domain::claim::ClaimKey;
use rollbook_domain::enrolment::EnrolmentFacts;
use rollbook_domain::person::BootstrapOwner;
use rollbook_domain::{Actor, CohortId, Command, EnrolmentId, Event, PersonId, Personal, SiteId};
use rollbook_store::{Clock, EventStore, Executor, Receipt, Request};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// How many students a cohort has.
pub const COHORT: usize = 70;
/// How many weeks a term has.
pub const WEEKS: usize = 8;
/// How many commands a student's term has.
pub const TERM: usize = 4 * WEEKS - 1;

/// The school.
#[derive(Clone)]
pub struct School {
    /// What carries its commands out.
    pub executor: Executor,
    /// Its owner.
    pub owner: PersonId,
    /// Its cohorts.
    pub cohorts: Vec<Uuid>,
    /// Its students, who have done nothing yet.
    pub students: Vec<Student>,
}

/// A student of a cohort.
#[derive(Clone, Copy, Debug)]
pub struct Student {
    /// Who.
    pub person: PersonId,
    /// In their cohort.
    pub enrolment: EnrolmentId,
}

impl School {
    /// Opens a school of so many students, in cohorts of the usual size.
    pub async fn open(pool: &PgPool, students: usize) -> Self {
        let cohorts = (0..students).step_by(COHORT).map(|first| COHORT.min(students - first)).collect::<Vec<_>>();
        Self::with(pool, &cohorts).await
    }

    /// Opens a school with cohorts of these sizes.
    pub async fn with(pool: &PgPool, cohorts: &[usize]) -> Self {
        let before: DateTime<Utc> = "2026-02-01T00:00:00Z".parse().expect("an instant");
        let after: DateTime<Utc> = "2026-03-25T00:00:00Z".parse().expect("an instant");
        let clock = Clock::frozen(before);
        let executor = Executor::new(EventStore::new(pool.clone()), clock.clone());
        let owner = owner(&executor).await;
        let mut school = Self { executor, owner, cohorts: Vec::new(), students: Vec::new() };
        let module = school.create("DefineModule", json!({"code": "AKO-1", "title": "Ako", "weeks": WEEKS})).await;
        let hub = school.create("FoundHub", json!({"name": "Northland"})).await;
        for nth in 0..cohorts.len() {
            let cohort = json!({
                "module_id": module, "name": format!("Cohort {nth}"), "starts_on": "2026-02-03",
                "session_start": "19:00", "timezone": "Australia/Sydney"
            });
            let cohort = school.create("ScheduleCohort", cohort).await;
            school.cohorts.push(cohort);
        }
        // Each cohort is filled from one place, all of them at once.
        let all = Arc::new(school.clone());
        let filled: Vec<Vec<Student>> = stream::iter(school.cohorts.clone().into_iter().enumerate())
            .map(|(nth, cohort)| {
                let school = all.clone();
                let students = cohorts[nth];
                async move { school.fill(nth, cohort, hub, students).await }
            })
            .buffered(64)
            .collect()
            .await;
        // Neighbours in the list are of different cohorts, as in a school where all have their evening.
        let longest = filled.iter().map(Vec::len).max().unwrap_or(0);
        school.students =
            (0..longest).flat_map(|n| filled.iter().filter_map(move |cohort| cohort.get(n).copied())).collect();
        clock.set(after);
        school
    }

    async fn fill(&self, nth: usize, cohort: Uuid, hub: Uuid, students: usize) -> Vec<Student> {
        let mut filled = Vec::new();
        for student in 0..students {
            let person = json!({
                "name": format!("Student {student} of {nth}"), "email": format!("s{student}.{nth}@example.org")
            });
            let person = self.create("RegisterPerson", person).await;
            let enrolment = json!({"cohort_id": cohort, "person_id": person, "hub_id": hub});
            let enrolment = self.create("EnrolStudent", enrolment).await.into();
            filled.push(Student { person: person.into(), enrolment });
        }
        filled
    }

    /// Carries a command out.
    pub async fn execute(&self, by: PersonId, command: Command) -> Receipt {
        let request = Request {
            site: SiteId::DEFAULT,
            actor: Actor::Person(by),
            command,
            command_id: None,
            if_match: None,
            correlation_id: None,
        };
        self.executor.execute(request).await.expect("a receipt")
    }

    /// What a student's enrolment in the first cohort is decided on.
    pub async fn facts(&self) -> EnrolmentFacts {
        let mut facts = EnrolmentFacts::default();
        let (cohort, person) = (CohortId(self.cohorts[0]), self.students[0].person);
        for recorded in self.executor.store().stream(SiteId::DEFAULT, cohort.into()).await.expect("a stream") {
            if let Event::Cohort(event) = recorded.event {
                Arc::make_mut(&mut facts.cohort).apply(event);
            }
        }
        for recorded in self.executor.store().stream(SiteId::DEFAULT, person.into()).await.expect("a stream") {
            if let Event::Person(event) = recorded.event {
                Arc::make_mut(&mut facts.person).apply(event);
            }
        }
        facts
    }

    /// Carries a creating command out; the id of what is new.
    pub async fn create(&self, name: &str, body: Value) -> Uuid {
        self.execute(self.owner, command(name, body)).await.streams.first().expect("a stream").id
    }
}

/// A command by its name and body.
pub fn command(name: &str, body: Value) -> Command {
    Command::decode(name, body).expect("a command of that name").expect("its fields")
}

/// One command of a student's term.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who sends it; none is the owner.
    pub by: Option<PersonId>,
    /// Its name.
    pub name: &'static str,
    /// Its body.
    pub body: Value,
}

/// The nth command of a student's term: week by week attendance, a reflection, its mark, the next week.
pub fn term(Student { person, enrolment }: Student, nth: usize) -> Step {
    let week = nth / 4 + 1;
    let text = "Ko te pae tawhiti whāia kia tata. We spoke about what carries over from one week to the next, and I kept \
        two things: to ask before I answer, and to write down what surprised me. Next week I want to try it with my own \
        class, and to see whether they notice.";
    let feedback = "Clear and honest; say more about the second thing.";
    let (by, name, body) = match nth % 4 {
        0 => (None, "MarkAttendance", json!({"week": week, "status": "present"})),
        1 => (Some(person), "SubmitReflection", json!({"week": week, "text": text, "visibility": "cohort"})),
        2 => (None, "MarkReflection", json!({"week": week, "outcome": "pass", "feedback": feedback})),
        _ => (None, "AdvanceStudent", json!({"to_week": week + 1})),
    };
    let mut step = Step { by, name, body };
    step.body["enrolment_id"] = json!(enrolment);
    step
}

async fn owner(executor: &Executor) -> PersonId {
    let command = BootstrapOwner {
        person_id: Uuid::new_v4().into(),
        name: Personal::new("Ọlá Owner".to_owned().try_into().expect("a name")),
        email: Personal::new("owner@example.org".to_owned().try_into().expect("an address")),
    };
    let request = Request {
        site: SiteId::DEFAULT,
        actor: Actor::System,
        command: command.into(),
        command_id: None,
        if_match: None,
        correlation_id: None,
    };
    executor.execute(request).await.expect("the owner is bootstrapped");
    let owner = executor.store().owner(SiteId::DEFAULT, ClaimKey::email("owner@example.org")).await.expect("a look-up");
    owner.expect("an owner").into()
}
