//! What a command is decided on: the states of the streams it concerns, and who holds which claims.
//!
//! A command says what it needs; the store loads it, in as few round trips as the references between streams allow, and
//! asks again until nothing is missing. The versions here are what the append checks, so a decision on stale facts is
//! never written. Nothing here loads anything by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::account::Account;
use crate::claim::{ClaimKey, ClaimSet};
use crate::cohort::Cohort;
use crate::enrolment::Enrolment;
use crate::event::Event;
use crate::hub::Hub;
use crate::ids::{
    AccountId, CohortId, EnrolmentId, HubId, ModuleId, PersonId, SiteId, SiteSettingsId, StreamId, StreamType,
    SyllabusId, WeekEmailsId,
};
use crate::module::Module;
use crate::person::Person;
use crate::site::Site;
use crate::site_settings::SiteSettings;
use crate::syllabus::Syllabus;
use crate::week_emails::WeekEmails;

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

/// A stream's state at a version.
#[derive(Clone, Debug, Default)]
pub struct Loaded<T> {
    /// The state; the default one where there is no such stream.
    pub state: Arc<T>,
    /// How many events made it: 0 where there is no such stream.
    pub version: i64,
}

/// The state of any stream.
#[derive(Clone, Debug)]
pub enum AnyLoaded {
    /// Of a person.
    Person(Loaded<Person>),
    /// Of a module.
    Module(Loaded<Module>),
    /// Of a cohort.
    Cohort(Loaded<Cohort>),
    /// Of a hub.
    Hub(Loaded<Hub>),
    /// Of an enrolment.
    Enrolment(Loaded<Enrolment>),
    /// Of a syllabus.
    Syllabus(Loaded<Syllabus>),
    /// Of a cohort's emails.
    WeekEmails(Loaded<WeekEmails>),
    /// Of an account.
    Account(Loaded<Account>),
    /// Of a site.
    Site(Loaded<Site>),
    /// Of a site's settings.
    SiteSettings(Loaded<SiteSettings>),
}

/// The facts that a command is decided on.
#[derive(Clone, Debug, Default)]
pub struct World {
    streams: BTreeMap<StreamId, AnyLoaded>,
    owners: BTreeMap<ClaimKey, Option<Uuid>>,
    counts: BTreeMap<ClaimSet, u32>,
    members: BTreeMap<ClaimSet, Vec<Uuid>>,
}

macro_rules! streams {
    ($($kind:ident, $id:ident, $get:ident);* $(;)?) => {
        impl AnyLoaded {
            /// The state of a stream without events.
            pub fn empty(kind: StreamType) -> Self {
                match kind {
                    $(StreamType::$kind => Self::$kind(Loaded::default()),)*
                }
            }

            /// How many events made it.
            pub fn version(&self) -> i64 {
                match self {
                    $(Self::$kind(loaded) => loaded.version,)*
                }
            }

            /// How many bytes the state has as JSON.
            pub fn bytes(&self) -> usize {
                match self {
                    $(Self::$kind(loaded) => crate::bytes(&*loaded.state),)*
                }
            }

            /// Takes the stream's next event. An event of another type of stream is a defect of the caller and is
            /// ignored but for the version.
            pub fn apply(&mut self, event: &Event, version: i64) {
                match (self, event) {
                    $((Self::$kind(loaded), Event::$kind(event)) => {
                        cqrs_es::Aggregate::apply(Arc::make_mut(&mut loaded.state), event.clone());
                        loaded.version = version;
                    })*
                    (other, _) => match other {
                        $(Self::$kind(loaded) => loaded.version = version,)*
                    },
                }
            }
        }

        impl World {
            $(
                /// The state of a stream of this type; the default one where there is none.
                pub fn $get(&self, id: $id) -> Loaded<$kind> {
                    match self.streams.get(&id.into()) {
                        Some(AnyLoaded::$kind(loaded)) => loaded.clone(),
                        _ => Loaded::default(),
                    }
                }
            )*
        }

        impl Needs<'_> {
            $(
                /// Asks for a stream; its state, once it is loaded.
                pub fn $get(&mut self, id: $id) -> Option<Loaded<$kind>> {
                    self.ask(Need::Stream(id.into())).then(|| self.world.$get(id))
                }
            )*
        }
    };
}

streams! {
    Person, PersonId, person;
    Module, ModuleId, module;
    Cohort, CohortId, cohort;
    Hub, HubId, hub;
    Enrolment, EnrolmentId, enrolment;
    Syllabus, SyllabusId, syllabus;
    WeekEmails, WeekEmailsId, week_emails;
    Account, AccountId, account;
    Site, SiteId, site;
    SiteSettings, SiteSettingsId, site_settings;
}

impl World {
    /// Puts a stream's state in.
    pub fn put(&mut self, stream: StreamId, loaded: AnyLoaded) {
        self.streams.insert(stream, loaded);
    }

    /// A stream's state, of whatever type.
    pub fn any(&self, stream: StreamId) -> AnyLoaded {
        self.streams.get(&stream).cloned().unwrap_or_else(|| AnyLoaded::empty(stream.kind))
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

    /// Who holds a claim.
    pub fn owner(&self, key: &ClaimKey) -> Option<Uuid> {
        self.owners.get(key).copied().flatten()
    }

    /// How many claims a set has.
    pub fn count(&self, set: &ClaimSet) -> u32 {
        self.counts.get(set).copied().unwrap_or(0)
    }

    /// Who holds the claims of a set, in the order of their ids.
    pub fn members(&self, set: &ClaimSet) -> &[Uuid] {
        self.members.get(set).map_or(&[], Vec::as_slice)
    }

    /// Every stream that was loaded, with the version that a decision on this world relies on.
    pub fn versions(&self) -> impl Iterator<Item = (StreamId, i64)> + '_ {
        self.streams.iter().map(|(stream, loaded)| (*stream, loaded.version()))
    }

    fn has(&self, need: &Need) -> bool {
        match need {
            Need::Stream(stream) => self.streams.contains_key(stream),
            Need::Owner(key) => self.owners.contains_key(key),
            Need::Count(set) => self.counts.contains_key(set),
            Need::Members(set) => self.members.contains_key(set),
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

    /// Asks who holds a claim; the owner, once it is known.
    pub fn owner(&mut self, key: ClaimKey) -> Option<Uuid> {
        let owner = self.world.owner(&key);
        self.ask(Need::Owner(key));
        owner
    }

    /// Asks who holds the claims of a set; the owners, once they are known.
    pub fn members(&mut self, set: ClaimSet) -> Vec<Uuid> {
        let members = self.world.members(&set).to_vec();
        self.ask(Need::Members(set));
        members
    }

    /// What is still missing.
    pub fn missing(self) -> BTreeSet<Need> {
        self.missing
    }
}
