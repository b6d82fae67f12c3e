//! How one command becomes a plan: events over one or many streams, claims taken and released, limits to hold.
//!
//! [`needs`] says what must be loaded, [`plan`] decides. Both are pure; the store appends a plan as one transaction, or
//! nothing of it. Authorisation comes first, so that a refusal tells nothing to whoever may not ask.

mod account;
mod advance;
mod allocate;
mod attendance;
mod commands;
mod end;
mod errors;
#[cfg(test)]
mod given;
mod import;
mod moves;
mod needs;
mod one;
mod sites;
mod student;
mod syllabus;
mod week_emails;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;

use crate::actor::{Actor, Authority, By};
use crate::claim::{ClaimChanges, Limit};
use crate::command::Command;
use crate::event::Event;
use crate::ids::{EnrolmentId, StreamId};
use crate::policy;
use crate::refusal::Refusal;
use crate::world::{Loaded, World};

pub use advance::{Candidate, Proposal, propose};
pub use commands::*;
pub use errors::PlanRule;
pub(crate) use import::students_of_marks;
pub use import::{
    ImportAttendance, ImportRoster, ImportRule, ImportedMark, ImportedRow, MAX_MARKS, MAX_ROWS, PIECE_EVENTS, Part,
    Piece, RosterRow, RowOutcome,
};
pub use needs::needs;

/// The lists that a command over many students adds to its receipt, by name: `advanced`, `held`, `untouched`, …
pub type Lists = BTreeMap<String, Vec<EnrolmentId>>;

/// What a command does, if the facts it was decided on still hold when it is appended.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The capacity in which the actor acted.
    pub authority: Authority,
    /// The events, stream by stream, in the order in which the log will hold them.
    pub writes: Vec<StreamWrite>,
    /// Claims taken and released.
    pub claims: ClaimChanges,
    /// What sets may hold at most, afterwards.
    pub limits: Vec<Limit>,
    /// The receipt's own lists.
    pub lists: Lists,
    /// What became of each row of an imported file, for the receipt.
    pub rows: Vec<ImportedRow>,
    /// Which rows of an imported file change something.
    pub parts: Vec<Part>,
}

/// Events for one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamWrite {
    /// Which stream.
    pub stream: StreamId,
    /// Its version before.
    pub expected_version: i64,
    /// At least one.
    pub events: Vec<Event>,
}

impl StreamWrite {
    /// The stream's version once the events are in it.
    pub fn version_after(&self) -> i64 {
        self.expected_version + i64::try_from(self.events.len()).unwrap_or(i64::MAX)
    }
}

/// An aggregate whose events take and release claims.
pub(crate) trait Claims: Aggregate {
    /// Its typed id.
    type Id: Copy + Into<StreamId>;

    /// What an event does to the claims, given the state before it.
    fn claims(&self, id: Self::Id, event: &Self::Event, changes: &mut ClaimChanges);
}

/// Decides a command on the facts that [`needs`] asked for. `at` is the instant of the request.
pub fn plan(command: &Command, actor: Actor, at: DateTime<Utc>, world: &World) -> Result<Plan, Refusal> {
    let authority = policy::authorise(command, actor, world)?;
    let by = By { actor, authority, at };
    let mut planner = Planner::new(world, by);
    match command {
        Command::Person(command) => planner.person(command)?,
        Command::Module(command) => planner.module(command)?,
        Command::Cohort(command) => planner.cohort(command)?,
        Command::Hub(command) => planner.hub(command)?,
        Command::Enrolment(command) => planner.enrolment(command)?,
        Command::Many(ManyCommand::TakeAttendance(command)) => planner.take_attendance(command)?,
        Command::Many(ManyCommand::AdvanceCohort(command)) => planner.advance_cohort(command)?,
        Command::Many(ManyCommand::AllocateMarkers(command)) => planner.allocate_markers(command)?,
        Command::Many(ManyCommand::MoveStudent(command)) => planner.move_student(command)?,
        Command::Syllabus(command) => planner.syllabus(command)?,
        Command::Many(ManyCommand::ImportRoster(command)) => planner.import_roster(command)?,
        Command::Many(ManyCommand::ImportAttendance(command)) => planner.import_attendance(command)?,
        Command::WeekEmails(command) => planner.week_emails(command)?,
        Command::Account(command) => planner.account(command)?,
        Command::Site(command) => planner.site(command)?,
        Command::SiteSettings(command) => planner.site_settings(command)?,
    }
    Ok(planner.plan)
}

/// Gathers a plan while the rules run.
struct Planner<'w> {
    world: &'w World,
    by: By,
    plan: Plan,
}

impl<'w> Planner<'w> {
    fn new(world: &'w World, by: By) -> Self {
        let plan = Plan {
            authority: by.authority,
            writes: Vec::new(),
            claims: ClaimChanges::default(),
            limits: Vec::new(),
            lists: Lists::new(),
            rows: Vec::new(),
            parts: Vec::new(),
        };
        Self { world, by, plan }
    }

    /// Adds a stream's events, and what they do to the claims. No events, no write.
    fn write<A>(&mut self, id: A::Id, before: &Loaded<A>, events: Vec<A::Event>)
    where
        A: Claims + Clone,
        A::Event: Into<Event>,
    {
        if events.is_empty() {
            return;
        }
        let mut state = A::clone(&before.state);
        for event in &events {
            state.claims(id, event, &mut self.plan.claims);
            state.apply(event.clone());
        }
        self.plan.writes.push(StreamWrite {
            stream: id.into(),
            expected_version: before.version,
            events: events.into_iter().map(Into::into).collect(),
        });
    }

    /// Refuses a command about a stream that is not there.
    fn existing<T>(stream: impl Into<StreamId>, loaded: Loaded<T>) -> Result<Loaded<T>, Refusal> {
        if loaded.version == 0 { Err(Refusal::NotFound(stream.into())) } else { Ok(loaded) }
    }

    /// Refuses to create a stream that is there already.
    fn fresh<T>(stream: impl Into<StreamId>, loaded: Loaded<T>) -> Result<Loaded<T>, Refusal> {
        if loaded.version == 0 { Ok(loaded) } else { Err(Refusal::AlreadyExists(stream.into())) }
    }
}
