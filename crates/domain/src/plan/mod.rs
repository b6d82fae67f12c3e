//! How one command becomes a plan: events over one or many streams, claims taken and released, limits to hold.
//!
//! [`needs`] says what must be loaded, [`plan`] decides. Both are pure; the store appends a plan as one transaction, or
//! nothing of it. Authorisation comes first, so that a refusal tells nothing to whoever may not ask. What a command is, its
//! aggregate's folder says ([`crate::command::spec`]).

#[cfg(test)]
pub(crate) mod given;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::actor::{Actor, Authority, DecisionContext};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimSet, Limit};
use crate::cohort::{ImportedRow, Part};
use crate::command::{Command, StreamCommand};
use crate::event::Event;
use crate::ids::{CohortId, EnrolmentId, PersonId, StreamId};
use crate::policy;
use crate::refusal::Refusal;
use crate::world::{Loaded, Need, Needs, World};

pub use rules::BatchRule;

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

/// What an actor's standing is towards: whom the command concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The site as a whole: no appointment gives a right.
    Site,
    /// A person's own account.
    Account(PersonId),
    /// A cohort.
    Cohort(CohortId),
    /// Students, all of them, and the cohort; none is that of the first student.
    Students(Vec<EnrolmentId>, Option<CohortId>),
    /// A cohort, and as a coordinator any of these students: the others are wrong rows of a file.
    AnyOf(CohortId, Vec<EnrolmentId>),
}

/// What is still missing to decide the command; empty means that [`plan`] can run. Called again as facts arrive.
pub fn needs(command: &Command, actor: Actor, world: &World) -> BTreeSet<Need> {
    let mut needs = Needs::new(world);
    if let Actor::Person(id) = actor {
        needs.stream(id.into());
    }
    command.spec().needs(&mut needs);
    needs.missing()
}

/// Decides a command on the facts that [`needs`] asked for. `at` is the instant of the request.
pub fn plan(command: &Command, actor: Actor, at: DateTime<Utc>, world: &World) -> Result<Plan, Refusal> {
    let decided = policy::authorise(command, actor, world).and_then(|authority| {
        let mut planner = Planner::new(world, DecisionContext { actor, authority, at });
        command.spec().plan(&mut planner)?;
        Ok(planner.plan)
    });
    match world.unasked() {
        Some(need) => Err(Refusal::Unasked(need.clone())),
        None => decided,
    }
}

/// Gathers a plan while the rules run.
#[derive(Debug)]
pub struct Planner<'w> {
    pub(crate) world: &'w World,
    pub(crate) context: DecisionContext,
    pub(crate) plan: Plan,
}

impl<'w> Planner<'w> {
    fn new(world: &'w World, context: DecisionContext) -> Self {
        let plan = Plan {
            authority: context.authority,
            writes: Vec::new(),
            claims: ClaimChanges::default(),
            limits: Vec::new(),
            lists: Lists::new(),
            rows: Vec::new(),
            parts: Vec::new(),
        };
        Self { world, context, plan }
    }

    /// Asks the aggregate, writes what it decides, and lets the command do the rest.
    pub(crate) fn decide<C: StreamCommand>(&mut self, command: &C) -> Result<(), Refusal> {
        command.check()?;
        let (id, before) = command.before(self.world)?;
        let facts = command.facts(id, &before.state, self.world)?;
        let decided = command.decide(&before.state, &self.context, &facts);
        let events = decided.map_err(|rule| C::Aggregate::refuse(rule, &facts))?;
        self.plan.lists.extend(command.lists(&before.state, &facts));
        if !events.is_empty() {
            self.write_limited(id, &before, &facts, events);
            command.consequences(&before.state, self);
        }
        Ok(())
    }

    /// Adds a stream's events, what they do to the claims, and what the sets that they are added to may hold.
    pub(crate) fn write_limited<A: AggregateSpec>(
        &mut self,
        id: A::Id,
        before: &Loaded<A>,
        facts: &A::Facts,
        events: Vec<A::Event>,
    ) {
        let changes = self.written(id, before, events);
        self.plan.limits.extend(A::limit(&changes, facts));
        self.claim(changes);
    }

    /// Adds a stream's events, and what they do to the claims. No events, no write.
    pub(crate) fn write<A: AggregateSpec>(&mut self, id: A::Id, before: &Loaded<A>, events: Vec<A::Event>) {
        let changes = self.written(id, before, events);
        self.claim(changes);
    }

    /// Adds a stream's events; what they do to the claims.
    fn written<A: AggregateSpec>(&mut self, id: A::Id, before: &Loaded<A>, events: Vec<A::Event>) -> ClaimChanges {
        let mut changes = ClaimChanges::default();
        if events.is_empty() {
            return changes;
        }
        let mut state = A::clone(&before.state);
        for event in &events {
            state.claims(id, event, &mut changes);
            state.apply(event.clone());
        }
        self.plan.writes.push(StreamWrite {
            stream: id.into(),
            expected_version: before.version,
            events: events.into_iter().map(Into::into).collect(),
        });
        changes
    }

    fn claim(&mut self, changes: ClaimChanges) {
        self.plan.claims.takes.extend(changes.takes);
        self.plan.claims.releases.extend(changes.releases);
    }

    /// Makes it a conflict if a set has come to hold more: whoever is added at the same time was not looked at.
    pub(crate) fn no_more_than_now(&mut self, set: ClaimSet) {
        let at_most = u32::try_from(self.world.members(&set).len()).unwrap_or(u32::MAX);
        self.plan.limits.push(Limit::at_most(set, at_most));
    }

    /// Adds a list to the receipt.
    pub(crate) fn list(&mut self, name: &str, students: Vec<EnrolmentId>) {
        self.plan.lists.insert(name.to_owned(), students);
    }
}
