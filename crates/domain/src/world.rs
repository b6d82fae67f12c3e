//! What a command is decided on: the states of the streams it concerns, and who holds which claims.
//!
//! A command says what it needs; the store loads it, in as few round trips as the references between streams allow, and
//! asks again until nothing is missing. The versions here are what the append checks, so a decision on stale facts is
//! never written. Nothing here loads anything by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use crate::aggregate::{AggregateSpec, Stream};
use crate::claim::{ClaimKey, ClaimSet};
use crate::enrolment::Enrolment;
use crate::event::Event;
use crate::ids::{EnrolmentId, StreamId, StreamType};
use crate::refusal::Refusal;

/// Something that a command must know before it can be decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A stream's state.
    Stream(StreamId),
    /// Who holds a claim.
    Owner(ClaimKey),
    /// How many claims a set has.
    Count(ClaimSet),
    /// Who holds the claims of a set.
    Members(ClaimSet),
}

/// What it is about, without the keys, which may be personal.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => write!(f, "the stream {stream}"),
            Self::Owner(key) => write!(f, "who holds a claim of {}", key.kind.as_str()),
            Self::Count(set) => write!(f, "how many claims of {} a set has", set.kind.as_str()),
            Self::Members(set) => write!(f, "who holds the claims of {} in a set", set.kind.as_str()),
        }
    }
}

/// A stream's state at a version.
#[derive(Clone, Debug, Default)]
pub struct Loaded<T> {
    /// The state; the default one where there is no such stream.
    pub state: Arc<T>,
    /// How many events made it: 0 where there is no such stream.
    pub version: i64,
}

macro_rules! states {
    ($(
        $(#[$doc:meta])*
        $module:ident: $state:ident, $id:ident, $event:ident, $command:ident, $facts:ident, $rule:ident;
    )*) => {
        /// The state of any stream.
        #[derive(Clone, Debug)]
        pub enum AnyLoaded {
            $($(#[$doc])* $state(Loaded<crate::$module::$state>),)*
        }

        impl AnyLoaded {
            /// The state of a stream without events.
            pub fn empty(kind: StreamType) -> Self {
                match kind {
                    $(StreamType::$state => Self::$state(Loaded::default()),)*
                }
            }

            /// How many events made it.
            pub fn version(&self) -> i64 {
                match self {
                    $(Self::$state(loaded) => loaded.version,)*
                }
            }

            /// How many bytes the state has as JSON.
            pub fn bytes(&self) -> usize {
                match self {
                    $(Self::$state(loaded) => crate::bytes(&*loaded.state),)*
                }
            }

            /// Takes the stream's next event. An event of another type of stream is a defect of the caller and is
            /// ignored but for the version.
            pub fn apply(&mut self, event: &Event, version: i64) {
                match (self, event) {
                    $((Self::$state(loaded), Event::$state(event)) => {
                        cqrs_es::Aggregate::apply(Arc::make_mut(&mut loaded.state), event.clone());
                        loaded.version = version;
                    })*
                    (other, _) => match other {
                        $(Self::$state(loaded) => loaded.version = version,)*
                    },
                }
            }
        }

        impl World {
            $($(#[$doc])*
            pub fn $module(&self, id: crate::ids::$id) -> Loaded<crate::$module::$state> {
                self.load(id)
            })*
        }
    };
}

aggregates!(states);

/// The facts that a command is decided on.
///
/// What was not loaded is not known: to read it is a defect of the command, whose `needs` forgot it. It panics where
/// assertions are on; elsewhere it is remembered, and whatever was decided on it is refused ([`Self::unasked`]).
#[derive(Clone, Debug, Default)]
pub struct World {
    streams: BTreeMap<StreamId, AnyLoaded>,
    owners: BTreeMap<ClaimKey, Option<Uuid>>,
    counts: BTreeMap<ClaimSet, u32>,
    members: BTreeMap<ClaimSet, Vec<Uuid>>,
    unasked: OnceLock<Need>,
}

impl World {
    /// Puts a stream's state in.
    pub fn put(&mut self, stream: StreamId, loaded: AnyLoaded) {
        self.streams.insert(stream, loaded);
    }

    /// Puts a claim's owner in.
    pub fn put_owner(&mut self, key: ClaimKey, owner: Option<Uuid>) {
        self.owners.insert(key, owner);
    }

    /// Puts a set's size in.
    pub fn put_count(&mut self, set: ClaimSet, count: u32) {
        self.counts.insert(set, count);
    }

    /// Puts a set's owners in.
    pub fn put_members(&mut self, set: ClaimSet, owners: Vec<Uuid>) {
        self.members.insert(set, owners);
    }

    /// A stream's state, of whatever type; the default one where there is no such stream.
    pub fn any(&self, stream: StreamId) -> AnyLoaded {
        let loaded = self.streams.get(&stream).cloned();
        loaded.unwrap_or_else(|| self.not_loaded(Need::Stream(stream), AnyLoaded::empty(stream.kind)))
    }

    /// The state of a stream; the default one where there is no such stream.
    pub fn load<A: Stream>(&self, id: A::Id) -> Loaded<A> {
        let stream = id.into();
        match self.streams.get(&stream) {
            Some(any) => A::loaded(any).cloned().unwrap_or_default(),
            None => self.not_loaded(Need::Stream(stream), Loaded::default()),
        }
    }

    /// The state of a stream that must be there.
    pub fn existing<A: AggregateSpec>(&self, id: A::Id) -> Result<Loaded<A>, Refusal> {
        let loaded = self.load(id);
        if A::exists(id, &loaded) { Ok(loaded) } else { Err(Refusal::NotFound(id.into())) }
    }

    /// The state of a stream that must not be there yet.
    pub fn absent<A: AggregateSpec>(&self, id: A::Id) -> Result<Loaded<A>, Refusal> {
        let loaded = self.load(id);
        if A::exists(id, &loaded) { Err(Refusal::AlreadyExists(id.into())) } else { Ok(loaded) }
    }

    /// Who holds a claim.
    pub fn owner(&self, key: &ClaimKey) -> Option<Uuid> {
        let owner = self.owners.get(key).copied();
        owner.unwrap_or_else(|| self.not_loaded(Need::Owner(key.clone()), None))
    }

    /// How many claims a set has.
    pub fn count(&self, set: &ClaimSet) -> u32 {
        self.counts.get(set).copied().unwrap_or_else(|| self.not_loaded(Need::Count(set.clone()), 0))
    }

    /// Who holds the claims of a set, in the order of their ids.
    pub fn members(&self, set: &ClaimSet) -> &[Uuid] {
        let members = self.members.get(set).map(Vec::as_slice);
        members.unwrap_or_else(|| self.not_loaded(Need::Members(set.clone()), &[]))
    }

    /// The enrolments that hold the claims of a set, in the order of their ids.
    pub fn students<'w>(&'w self, set: &ClaimSet) -> impl Iterator<Item = (EnrolmentId, Loaded<Enrolment>)> + use<'w> {
        self.members(set).iter().map(|id| EnrolmentId::from(*id)).map(|id| (id, self.load(id)))
    }

    /// Every stream that was loaded, with the version that a decision on this world relies on.
    pub fn versions(&self) -> impl Iterator<Item = (StreamId, i64)> + '_ {
        self.streams.iter().map(|(stream, loaded)| (*stream, loaded.version()))
    }

    /// What was read without having been asked for: nothing that was decided on this world may be appended.
    pub fn unasked(&self) -> Option<&Need> {
        self.unasked.get()
    }

    fn has(&self, need: &Need) -> bool {
        match need {
            Need::Stream(stream) => self.streams.contains_key(stream),
            Need::Owner(key) => self.owners.contains_key(key),
            Need::Count(set) => self.counts.contains_key(set),
            Need::Members(set) => self.members.contains_key(set),
        }
    }

    /// Remembers what was read without having been asked for.
    fn not_loaded<T>(&self, need: Need, nothing: T) -> T {
        debug_assert!(false, "a decision read {need}, which its command did not ask for");
        self.unasked.get_or_init(|| need);
        nothing
    }
}

#[cfg(test)]
impl World {
    /// A stream's state where all is known: what is not here is not there.
    pub(crate) fn known(&self, stream: StreamId) -> AnyLoaded {
        self.streams.get(&stream).cloned().unwrap_or_else(|| AnyLoaded::empty(stream.kind))
    }

    /// Answers a need where all is known.
    pub(crate) fn give(&self, need: Need, to: &mut Self) {
        match need {
            Need::Stream(stream) => to.put(stream, self.known(stream)),
            Need::Owner(key) => {
                let owner = self.owners.get(&key).copied().flatten();
                to.put_owner(key, owner);
            }
            Need::Count(set) => {
                let count = self.counts.get(&set).copied().unwrap_or_default();
                to.put_count(set, count);
            }
            Need::Members(set) => {
                let members = self.members.get(&set).cloned().unwrap_or_default();
                to.put_members(set, members);
            }
        }
    }
}

/// Collects what a command still needs, given what is loaded.
pub struct Needs<'w> {
    world: &'w World,
    missing: BTreeSet<Need>,
}

impl<'w> Needs<'w> {
    /// Nothing asked yet.
    pub fn new(world: &'w World) -> Self {
        Self { world, missing: BTreeSet::new() }
    }

    /// What is loaded so far.
    pub fn world(&self) -> &'w World {
        self.world
    }

    /// Asks for something; whether it is there already.
    pub fn ask(&mut self, need: Need) -> bool {
        let there = self.world.has(&need);
        if !there {
            self.missing.insert(need);
        }
        there
    }

    /// Asks for a stream; whether it is there already.
    pub fn stream(&mut self, stream: StreamId) -> bool {
        self.ask(Need::Stream(stream))
    }

    /// Asks for a stream; its state, once it is loaded.
    pub fn load<A: Stream>(&mut self, id: A::Id) -> Option<Loaded<A>> {
        self.stream(id.into()).then(|| self.world.load(id))
    }

    /// Asks who holds a claim; the owner, once it is known.
    pub fn owner(&mut self, key: ClaimKey) -> Option<Uuid> {
        let known = self.world.owners.get(&key).copied();
        known.unwrap_or_else(|| {
            self.missing.insert(Need::Owner(key));
            None
        })
    }

    /// Asks how many claims a set has.
    pub fn count(&mut self, set: ClaimSet) {
        self.ask(Need::Count(set));
    }

    /// Asks who holds the claims of a set; the owners, once they are known.
    pub fn members(&mut self, set: ClaimSet) -> &'w [Uuid] {
        if let Some(known) = self.world.members.get(&set) {
            return known;
        }
        self.missing.insert(Need::Members(set));
        &[]
    }

    /// What is still missing.
    pub fn missing(self) -> BTreeSet<Need> {
        self.missing
    }
}
