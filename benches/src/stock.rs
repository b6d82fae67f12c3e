//! The same enrolment aggregate in an unmodified cqrs-es and postgres-es: tables as postgres-es ships them, one stream loaded
//! and replayed for every command, views updated after each commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::persist::GenericQuery;
use cqrs_es::{EventEnvelope, Query, View};
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use rollbook_domain::actor::DecisionContext;
use rollbook_domain::aggregate::AggregateCommand;
use rollbook_domain::enrolment::{
    AttendanceEvent, AttendanceStatus, Enrolment, EnrolmentCommand, EnrolmentEvent, EnrolmentFacts, MembershipEvent,
    Outcome, ProgressionEvent, ReflectionEvent,
};
use rollbook_domain::{Actor, Authority, Command, EnrolmentId, PersonId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::school::{School, Step, Student, command};

/// The tables of postgres-es 0.5, as its `db/init.sql` has them.
pub const TABLES: &str = "
    create table events (
        aggregate_type text not null, aggregate_id text not null, sequence bigint check (sequence >= 0) not null,
        event_type text not null, event_version text not null, payload json not null, metadata json not null,
        primary key (aggregate_type, aggregate_id, sequence));
    create table enrolment_view (
        view_id text not null, version bigint check (version >= 0) not null, payload json not null,
        primary key (view_id))";

/// What a roster shows of a student: the one view.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RosterView {
    week: u8,
    held: bool,
    attendance: BTreeMap<u8, AttendanceStatus>,
    reflections: BTreeMap<u8, Option<Outcome>>,
}

impl View<Enrolment> for RosterView {
    fn update(&mut self, event: &EventEnvelope<Enrolment>) {
        match &event.payload {
            EnrolmentEvent::Membership(MembershipEvent::StudentEnrolled { week, .. })
            | EnrolmentEvent::Progression(ProgressionEvent::WeekSet { week, .. }) => self.week = *week,
            EnrolmentEvent::Progression(ProgressionEvent::StudentAdvanced { to_week, .. }) => self.week = *to_week,
            EnrolmentEvent::Progression(ProgressionEvent::StudentHeld { .. }) => self.held = true,
            EnrolmentEvent::Progression(ProgressionEvent::StudentReleased { .. }) => self.held = false,
            EnrolmentEvent::Attendance(AttendanceEvent::AttendanceMarked { week, status, .. }) => {
                self.attendance.insert(*week, *status);
            }
            EnrolmentEvent::Reflections(
                ReflectionEvent::ReflectionSubmitted { week, .. } | ReflectionEvent::ReflectionRevised { week, .. },
            ) => {
                self.reflections.insert(*week, None);
            }
            EnrolmentEvent::Reflections(ReflectionEvent::ReflectionMarked { week, outcome, .. }) => {
                self.reflections.insert(*week, Some(*outcome));
            }
            _ => {}
        }
    }
}

/// A stock framework over the same students. What other streams say it is given from memory, for nothing.
#[derive(Clone)]
pub struct Stock {
    framework: Arc<PostgresCqrs<Enrolment>>,
    facts: EnrolmentFacts,
    owner: PersonId,
    at: DateTime<Utc>,
}

impl Stock {
    /// A framework on an empty database, with one view or none; its students are those of a school.
    pub async fn open(pool: &PgPool, school: &School, view: bool) -> Self {
        sqlx::raw_sql(TABLES).execute(pool).await.expect("the tables are made");
        let mut queries: Vec<Box<dyn Query<Enrolment>>> = Vec::new();
        if view {
            let repository = PostgresViewRepository::<RosterView, Enrolment>::new("enrolment_view", pool.clone());
            let mut query = GenericQuery::new(Arc::new(repository));
            query.use_error_handler(Box::new(|error| panic!("{error}")));
            queries.push(Box::new(query));
        }
        let framework = Arc::new(postgres_cqrs(pool.clone(), queries, ()));
        let facts = school.facts().await;
        let stock = Self { framework, facts, owner: school.owner, at: school.executor.clock().now() };
        for student in &school.students {
            let body = serde_json::json!({"cohort_id": school.cohorts[0], "person_id": student.person});
            let Command::Enrolment(enrol) = command("EnrolStudent", body) else { panic!("an enrolment's command") };
            stock.execute(student.enrolment, None, enrol).await;
        }
        stock
    }

    /// Carries a step of a student's term out.
    pub async fn step(&self, student: Student, step: Step) {
        let Command::Enrolment(command) = command(step.name, step.body) else { panic!("an enrolment's command") };
        self.execute(student.enrolment, step.by, command).await;
    }

    async fn execute(&self, enrolment: EnrolmentId, by: Option<PersonId>, command: EnrolmentCommand) {
        let authority = if by.is_some() { Authority::Student } else { Authority::Owner };
        let context = DecisionContext { actor: Actor::Person(by.unwrap_or(self.owner)), authority, at: self.at };
        let asked = AggregateCommand { command, context, facts: self.facts.clone() };
        self.framework.execute(&enrolment.to_string(), asked).await.expect("stock cqrs-es executes");
    }
}
