//! What a command is, beside its fields. It is said where the command's struct is, and nowhere else.

use std::fmt::Display;

use cqrs_es::Aggregate;
use uuid::Uuid;

use crate::actor::DecisionContext;
use crate::aggregate::{AggregateSpec, Decision, Stream};
use crate::file::StoredFile;
use crate::ids::{SiteId, StreamId, UploadId};
use crate::plan::{Lists, Planner, Subject};
use crate::policy::Right;
use crate::refusal::Refusal;
use crate::world::{Loaded, Needs, World};

/// All that the service must know of a command to carry it out.
///
/// A command that one aggregate decides says so by [`StreamCommand`] and has this from there; one that spans streams says all
/// of it itself.
pub trait CommandSpec {
    /// The right that it takes.
    fn right(&self) -> Right;

    /// The stream that it is about: what `If-Match` speaks of. None where the server has yet to make its id.
    fn stream(&self) -> Option<StreamId>;

    /// What the standing of whoever issues it is towards; unless it says so, nothing that an appointment gives a right to.
    fn subject(&self, _world: &World) -> Subject {
        Subject::Site
    }

    /// Asks for what it is decided on. Asked again as facts arrive: a stream may refer to others.
    fn needs(&self, needs: &mut Needs<'_>);

    /// Decides it. Whoever may not issue it has been refused before.
    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal>;

    /// Fills in the ids that it leaves to the server.
    fn fill_ids(&mut self, _new_id: &mut dyn FnMut() -> Uuid) {}

    /// Fills in the site that it is sent to, where that is what it is about.
    fn fill_site(&mut self, _site: SiteId) {}

    /// The upload that it needs, if it may need one.
    fn upload(&self) -> Option<UploadId> {
        None
    }

    /// Fills in the upload that it needs. Without it, it is refused where it needs one.
    fn attach(&mut self, _file: StoredFile) {}
}

/// Says of a command which aggregate it is about, by which field, and the right that it takes: `about!(Hub, hub_id, Administer);`.
macro_rules! about {
    ($aggregate:ident, $id:ident, $right:ident) => {
        type Aggregate = $aggregate;
        const RIGHT: crate::policy::Right = crate::policy::Right::$right;

        fn id(&self) -> Option<crate::command::spec::IdOf<Self>> {
            Some(self.$id.into())
        }
    };
}
pub(crate) use about;

/// Says the same of a command that begins the stream, under an id that its sender or the server has made.
macro_rules! begins {
    ($aggregate:ident, $id:ident, $right:ident) => {
        type Aggregate = $aggregate;
        const RIGHT: crate::policy::Right = crate::policy::Right::$right;
        const BEGINS: bool = true;

        fn id(&self) -> Option<crate::command::spec::IdOf<Self>> {
            self.$id
        }

        fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> uuid::Uuid) {
            self.$id.get_or_insert_with(|| new_id().into());
        }
    };
}
pub(crate) use begins;

/// The id of a command's stream.
pub type IdOf<C> = <<C as StreamCommand>::Aggregate as Stream>::Id;
/// What a command's decision needs to know from elsewhere.
pub type FactsOf<C> = <<C as StreamCommand>::Aggregate as Stream>::Facts;

/// A command that one aggregate decides, and whose events go to its stream.
pub trait StreamCommand {
    /// Which aggregate.
    type Aggregate: AggregateSpec;
    /// The right that it takes.
    const RIGHT: Right;
    /// Whether it begins the stream, which must not be there yet.
    const BEGINS: bool = false;

    /// Which stream; none where the server has yet to make its id.
    fn id(&self) -> Option<IdOf<Self>>;

    /// What it causes, given the state, or the rule that refuses it. The order is the same everywhere: what is already so
    /// causes no events, then the state refuses, then the facts do.
    fn decide(
        &self,
        before: &Self::Aggregate,
        context: &DecisionContext,
        facts: &FactsOf<Self>,
    ) -> Decision<Self::Aggregate>;

    /// The right that it takes, where that depends on what is in it.
    fn right(&self) -> Right {
        Self::RIGHT
    }

    /// What the standing of whoever issues it is towards, where it is not what its aggregate's commands are about.
    fn subject(&self, world: &World) -> Subject {
        self.id().map_or(Subject::Site, |id| Self::Aggregate::subject(id, world))
    }

    /// Refuses what is wrong about the fields together, whatever the facts.
    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Asks for what it must know besides what every command about its aggregate does.
    fn needs(&self, _needs: &mut Needs<'_>) {}

    /// What is known of that, for the decision.
    fn facts(&self, id: IdOf<Self>, before: &Self::Aggregate, world: &World) -> Result<FactsOf<Self>, Refusal> {
        Self::Aggregate::facts(id, before, world)
    }

    /// Its stream and the state before it: there, or for one that [begins](Self::BEGINS) it, not there.
    fn before(&self, world: &World) -> Result<(IdOf<Self>, Loaded<Self::Aggregate>), Refusal> {
        let kind = <Self::Aggregate as Aggregate>::TYPE;
        let id = filled_in(self.id(), format_args!("/{kind}_id"))?;
        Ok((id, if Self::BEGINS { world.absent(id)? } else { world.existing(id)? }))
    }

    /// What its receipt tells besides, whether or not it has caused events.
    fn lists(&self, _before: &Self::Aggregate, _facts: &FactsOf<Self>) -> Lists {
        Lists::new()
    }

    /// What it brings other streams and sets besides, once it has caused events.
    fn consequences(&self, _before: &Self::Aggregate, _planner: &mut Planner<'_>) {}

    /// Fills in the ids that it leaves to the server.
    fn fill_ids(&mut self, _new_id: &mut dyn FnMut() -> Uuid) {}

    /// Fills in the site that it is sent to, where that is what it is about.
    fn fill_site(&mut self, _site: SiteId) {}

    /// The upload that it needs, if it may need one.
    fn upload(&self) -> Option<UploadId> {
        None
    }

    /// Fills in the upload that it needs.
    fn attach(&mut self, _file: StoredFile) {}
}

impl<C: StreamCommand> CommandSpec for C {
    fn right(&self) -> Right {
        StreamCommand::right(self)
    }

    fn stream(&self) -> Option<StreamId> {
        self.id().map(Into::into)
    }

    fn subject(&self, world: &World) -> Subject {
        StreamCommand::subject(self, world)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(id) = self.id() {
            C::Aggregate::needs(id, needs);
        }
        StreamCommand::needs(self, needs);
    }

    fn plan(&self, planner: &mut Planner<'_>) -> Result<(), Refusal> {
        planner.decide(self)
    }

    fn fill_ids(&mut self, new_id: &mut dyn FnMut() -> Uuid) {
        StreamCommand::fill_ids(self, new_id);
    }

    fn fill_site(&mut self, site: SiteId) {
        StreamCommand::fill_site(self, site);
    }

    fn upload(&self) -> Option<UploadId> {
        StreamCommand::upload(self)
    }

    fn attach(&mut self, file: StoredFile) {
        StreamCommand::attach(self, file);
    }
}

/// The id of what is created. The edge fills it in before anything is planned; without that the command is refused.
pub(crate) fn filled_in<T>(id: Option<T>, pointer: impl Display) -> Result<T, Refusal> {
    id.ok_or_else(|| Refusal::invalid(&pointer.to_string(), "must be given"))
}
