//! Claims: the rules over sets (one email one person, one active cohort per student) as keys that one owner holds.
//!
//! The domain says which claims an event takes and releases and what a set may hold at most; the store enforces both in
//! the append's transaction. A claim lost to somebody else is a conflict: the command is decided again on fresh facts, and
//! the rule that then refuses has a name. Nothing here is ever a rule's message.

use uuid::Uuid;

use crate::ids::{CohortId, EnrolmentId, HubId, PersonId, UploadId};
use crate::text::email_key;

/// A key that at most one owner holds in a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// What is claimed.
    pub kind: ClaimKind,
    /// The key, in clear; the store hashes those whose kind is personal.
    pub key: String,
}

/// What can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum ClaimKind {
    /// An email address, case-insensitively; owner: the person.
    Email,
    /// An id from another system; owner: the person.
    ExternalId,
    /// A module's code, case-insensitively; owner: the module.
    ModuleCode,
    /// `cohort/person`: the one enrolment of a person in a cohort, kept after withdrawal; owner: the enrolment.
    Enrolment,
    /// `person`: the one active enrolment of a person; owner: the enrolment.
    ActiveEnrolment,
    /// `cohort/enrolment`: an active student's place in a cohort; owner: the enrolment. Counted against the capacity.
    Place,
    /// `hub/enrolment`: an active student's place in a hub; owner: the enrolment.
    HubPlace,
    /// `upload`: a file that a material has, or had; owner: the material. Never released.
    Upload,
    /// `hub`: that the hub is open; owner: the hub. What the site's hubs are found by.
    OpenHub,
    /// `person`: that they have the role of owner and may act; owner: the person. A school keeps at least one.
    Owner,
    /// A site's slug, in the registry; owner: the site. Never released.
    SiteSlug,
    /// A host, in the registry; owner: the site that answers there.
    SiteHost,
}

impl ClaimKind {
    /// Personal keys are hashed before they are stored.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Email | Self::ExternalId)
    }

    /// The name in the `claims` table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A set of claims: all keys of a kind that begin with the prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimSet {
    /// Of what kind.
    pub kind: ClaimKind,
    /// What the keys begin with.
    pub prefix: String,
}

/// How many a set must hold after a command's claims are taken and released; more or fewer is a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which set.
    pub set: ClaimSet,
    /// The fewest it may hold.
    pub at_least: u32,
    /// The most it may hold.
    pub at_most: u32,
}

impl Limit {
    /// So many or fewer.
    pub fn at_most(set: ClaimSet, at_most: u32) -> Self {
        Self { set, at_least: 0, at_most }
    }

    /// So many or more.
    pub fn at_least(set: ClaimSet, at_least: u32) -> Self {
        Self { set, at_least, at_most: u32::MAX }
    }
}

/// What one event does to the claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimChanges {
    /// Keys taken, with their owner.
    pub takes: Vec<(ClaimKey, Uuid)>,
    /// Keys given back.
    pub releases: Vec<ClaimKey>,
}

impl ClaimChanges {
    /// Takes a key.
    pub fn take(&mut self, key: ClaimKey, owner: impl Into<Uuid>) {
        self.takes.push((key, owner.into()));
    }

    /// Gives a key back.
    pub fn release(&mut self, key: ClaimKey) {
        self.releases.push(key);
    }
}

impl ClaimKey {
    fn new(kind: ClaimKind, key: String) -> Self {
        Self { kind, key }
    }

    /// One email, one person.
    pub fn email(address: &str) -> Self {
        Self::new(ClaimKind::Email, email_key(address))
    }

    /// One external id, one person.
    pub fn external_id(id: &str) -> Self {
        Self::new(ClaimKind::ExternalId, id.to_owned())
    }

    /// One code, one module.
    pub fn module_code(code: &str) -> Self {
        Self::new(ClaimKind::ModuleCode, code.to_lowercase())
    }

    /// One enrolment per person and cohort.
    pub fn enrolment(cohort: CohortId, person: PersonId) -> Self {
        Self::new(ClaimKind::Enrolment, format!("{cohort}/{person}"))
    }

    /// One active enrolment per person.
    pub fn active_enrolment(person: PersonId) -> Self {
        Self::new(ClaimKind::ActiveEnrolment, person.to_string())
    }

    /// A place in a cohort.
    pub fn place(cohort: CohortId, enrolment: EnrolmentId) -> Self {
        Self::new(ClaimKind::Place, format!("{cohort}/{enrolment}"))
    }

    /// An open hub.
    pub fn open_hub(hub: HubId) -> Self {
        Self::new(ClaimKind::OpenHub, hub.to_string())
    }

    /// A place in a hub.
    pub fn hub_place(hub: HubId, enrolment: EnrolmentId) -> Self {
        Self::new(ClaimKind::HubPlace, format!("{hub}/{enrolment}"))
    }

    /// An owner of the site who may act.
    pub fn owner(person: PersonId) -> Self {
        Self::new(ClaimKind::Owner, person.to_string())
    }

    /// One slug, one site.
    pub fn site_slug(slug: &str) -> Self {
        Self::new(ClaimKind::SiteSlug, slug.to_owned())
    }

    /// One host, one site.
    pub fn site_host(host: &str) -> Self {
        Self::new(ClaimKind::SiteHost, host.to_owned())
    }

    /// One uploaded file, one material.
    pub fn upload(upload: UploadId) -> Self {
        Self::new(ClaimKind::Upload, upload.to_string())
    }
}

impl ClaimSet {
    /// The active students of a cohort.
    pub fn places(cohort: CohortId) -> Self {
        Self { kind: ClaimKind::Place, prefix: format!("{cohort}/") }
    }

    /// Everyone who was ever enrolled in a cohort.
    pub fn enrolments(cohort: CohortId) -> Self {
        Self { kind: ClaimKind::Enrolment, prefix: format!("{cohort}/") }
    }

    /// The hubs of the site where somebody may meet.
    pub fn open_hubs() -> Self {
        Self { kind: ClaimKind::OpenHub, prefix: String::new() }
    }

    /// The owners of the site who may act.
    pub fn owners() -> Self {
        Self { kind: ClaimKind::Owner, prefix: String::new() }
    }

    /// The active students of a hub.
    pub fn hub_places(hub: HubId) -> Self {
        Self { kind: ClaimKind::HubPlace, prefix: format!("{hub}/") }
    }
}
