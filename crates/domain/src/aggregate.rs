//! What an aggregate is: a state that its stream's events add up to, and what commands about it have in common.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use crate::actor::DecisionContext;
use crate::claim::{ClaimChanges, Limit};
use crate::event::Event;
use crate::ids::StreamId;
use crate::plan::Subject;
use crate::refusal::{Refusal, Rule};
use crate::world::{AnyLoaded, Loaded, Needs, World};

/// What a decision comes to: the events that a command causes now, none where it is so already, or the rule that refuses it.
pub type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Error>;

/// What the list of aggregates says of each.
pub trait Stream: Aggregate<Event: Into<Event>, Error: Into<Rule>> + Clone {
    /// Its typed id.
    type Id: Copy + Into<StreamId>;
    /// What its decisions need to know from other streams and from claims.
    type Facts: Default;

    /// The state in an answer of the store, if it is of this type.
    fn loaded(any: &AnyLoaded) -> Option<&Loaded<Self>>;
}

/// What the commands about an aggregate have in common, where it is not what they usually have.
pub trait AggregateSpec: Stream {
    /// Whether there is one. Some are always there, and have a state before their first event.
    fn exists(_id: Self::Id, loaded: &Loaded<Self>) -> bool {
        loaded.version > 0
    }

    /// What every command about one must know.
    fn needs(id: Self::Id, needs: &mut Needs<'_>) {
        needs.stream(id.into());
    }

    /// What of that the decision is given.
    fn facts(_id: Self::Id, _before: &Self, _world: &World) -> Result<Self::Facts, Refusal> {
        Ok(Self::Facts::default())
    }

    /// What an actor's standing is towards.
    fn subject(_id: Self::Id, _world: &World) -> Subject {
        Subject::Site
    }

    /// What an event does to the claims, given the state before it.
    fn claims(&self, _id: Self::Id, _event: &Self::Event, _changes: &mut ClaimChanges) {}

    /// What a set must hold, at least or at most, once its events have changed the claims so.
    fn limit(_changes: &ClaimChanges, _facts: &Self::Facts) -> Option<Limit> {
        None
    }

    /// The refusal for a broken rule.
    fn refuse(rule: Self::Error, _facts: &Self::Facts) -> Refusal {
        rule.into().into()
    }
}

/// A command as an aggregate is given it: with who decides and when, and the facts that it needs from other streams.
#[derive(Clone, Debug)]
pub struct AggregateCommand<C, F = ()> {
    /// What is asked.
    pub command: C,
    /// Who decides, in what capacity, and when.
    pub context: DecisionContext,
    /// What other streams and claims say.
    pub facts: F,
}

macro_rules! implement {
    ($(
        $(#[$doc:meta])*
        $module:ident: $state:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {$(
        impl Aggregate for crate::$module::$state {
            const TYPE: &'static str = stringify!($module);
            type Command = AggregateCommand<crate::command::$command, crate::$module::$facts>;
            type Event = crate::$module::$event;
            type Error = crate::$module::$rule;
            type Services = ();

            async fn handle(
                &mut self,
                given: Self::Command,
                (): &(),
                sink: &EventSink<Self>,
            ) -> Result<(), Self::Error> {
                for event in given.command.decide(self, &given.context, &given.facts)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: Self::Event) {
                self.apply_event(&event);
            }
        }

        impl Stream for crate::$module::$state {
            type Id = crate::ids::$id;
            type Facts = crate::$module::$facts;

            fn loaded(any: &AnyLoaded) -> Option<&Loaded<Self>> {
                if let AnyLoaded::$state(loaded) = any { Some(loaded) } else { None }
            }
        }
    )*};
}

aggregates!(implement);
