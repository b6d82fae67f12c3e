//! Who is acting, and in what capacity; it never decides whether they may (`policy` does).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::PersonId;

/// Who issued a command. It comes from authentication, never from a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person of the site.
    Person(PersonId),
    /// A super admin: somebody whom the installation's configuration names, a person of the default site. Whether they are
    /// one is found out with their token, at every request.
    SuperAdmin(PersonId),
    /// The installation itself: start-up configuration, and nothing a client can send.
    System,
}

impl Actor {
    /// The person, unless it was the system.
    pub fn person(self) -> Option<PersonId> {
        match self {
            Self::Person(id) | Self::SuperAdmin(id) => Some(id),
            Self::System => None,
        }
    }
}

/// The capacity in which somebody acted, as the audit keeps it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Authority {
    /// The installation itself.
    System,
    /// A super admin of the installation.
    SuperAdmin,
    /// An owner of the site.
    Owner,
    /// An admin of the site.
    Admin,
    /// An instructor appointed to the cohort.
    Instructor,
    /// The coordinator of the student's hub.
    Coordinator,
    /// A marker appointed to the cohort.
    Marker,
    /// The student, about their own work.
    Student,
    /// The person themselves, about their own account.
    Oneself,
}

impl Authority {
    /// Whose attendance mark stands: admin over instructor over coordinator. Owners, super admins and the system count as
    /// admins.
    pub fn rank(self) -> u8 {
        match self {
            Self::System | Self::SuperAdmin | Self::Owner | Self::Admin => 3,
            Self::Instructor => 2,
            Self::Coordinator => 1,
            Self::Marker | Self::Student | Self::Oneself => 0,
        }
    }
}

/// Who decides, in what capacity, and when: what every decision is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionContext {
    /// Who.
    pub actor: Actor,
    /// In what capacity; `policy::authorise` found it.
    pub authority: Authority,
    /// The instant of the request, from the injected clock.
    pub at: chrono::DateTime<chrono::Utc>,
}

impl DecisionContext {
    /// Whether somebody else than this person decides. A super admin is a guest of the site: whoever is registered in it under
    /// the same id is somebody else.
    pub(crate) fn is_not(&self, person: Option<PersonId>) -> bool {
        match self.actor {
            Actor::Person(actor) => Some(actor) != person,
            Actor::SuperAdmin(_) | Actor::System => true,
        }
    }
}
