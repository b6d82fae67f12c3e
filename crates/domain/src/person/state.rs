//! What a person's stream adds up to. Applying never fails and never decides.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{Ends, PersonEvent, Role, SecondFactorKind};
use crate::ids::PersonId;
use crate::origin::Origin;
use crate::personal::Personal;
use crate::text::email_key;

/// A person as their events made them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Whether they were ever registered.
    pub registered: bool,
    /// As they write it.
    pub name: Option<Personal<String>>,
    /// Whether somebody entered the name.
    pub name_origin: Origin,
    /// Where they get mail.
    pub email: Option<Personal<String>>,
    /// Whether somebody entered the address.
    pub email_origin: Origin,
    /// Their id in another system.
    pub external_id: Option<Personal<String>>,
    /// Their roles, and whether each was bootstrapped.
    pub roles: BTreeMap<Role, bool>,
    /// The address that the configuration named when it made them owner, which need not be the one that they have now.
    pub owner_as: Option<Personal<String>>,
    /// Whether they may act.
    pub active: bool,
    /// Which ways in are good.
    pub epochs: AccessEpochs,
    /// What they show besides their password, by its id: what is kept of another is good for nothing.
    pub second_factors: BTreeMap<Uuid, SecondFactorKind>,
}

/// How often a person's ways in were ended. What lets them in carries the epoch that it was made in, or that of the way in that it
/// was made by, and is good in that one alone: it ends in the append of the event that ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEpochs {
    /// Of everything but the password.
    pub access: i64,
    /// Of the password.
    pub password: i64,
}

/// How long a session may rest: whoever comes once a week stays signed in, and what was left open in a library does not.
pub const IDLE: TimeDelta = TimeDelta::days(7);
/// How long one of an owner or an admin may rest, by which everybody's data are open: from one working day to the next.
pub const IDLE_ADMIN: TimeDelta = TimeDelta::hours(24);

impl Person {
    /// Whether they have the role and may act.
    pub fn is(&self, role: Role) -> bool {
        self.active && self.roles.contains_key(&role)
    }

    /// Whether they were made owner under the address that they have, and no other one since.
    pub fn is_owner_by_address(&self) -> bool {
        let key = |address: &Option<Personal<String>>| address.as_ref().map(|address| email_key(address.as_str()));
        self.roles.get(&Role::Owner) == Some(&true)
            && self.owner_as.is_some()
            && key(&self.owner_as) == key(&self.email)
    }

    /// Whether they sign in with something besides their password.
    pub fn has_second_factor(&self) -> bool {
        !self.second_factors.is_empty()
    }

    /// How long a session of theirs may rest before it ends.
    pub fn idle_limit(&self) -> TimeDelta {
        if self.is(Role::Owner) || self.is(Role::Admin) { IDLE_ADMIN } else { IDLE }
    }

    /// The name, for showing it to somebody who may see it.
    pub fn display_name(&self) -> &str {
        self.name.as_ref().map_or("", Personal::as_str)
    }

    pub(crate) fn apply_event(&mut self, event: &PersonEvent) {
        let (access, password) = match event.ends() {
            Ends::Nothing => (0, 0),
            Ends::AllButPassword => (1, 0),
            Ends::Everything => (1, 1),
        };
        self.epochs.access += access;
        self.epochs.password += password;
        match event {
            PersonEvent::PersonRegistered { name, email, external_id, origin } => {
                self.registered = true;
                self.active = true;
                self.name = Some(name.clone());
                self.name_origin = *origin;
                self.email = Some(email.clone());
                self.email_origin = *origin;
                self.external_id.clone_from(external_id);
            }
            PersonEvent::ExternalIdAssigned { external_id } => self.external_id = Some(external_id.clone()),
            PersonEvent::PersonCorrected { name, email, origin, themselves: _, email_before: _ } => {
                if name.is_some() {
                    self.name.clone_from(name);
                    self.name_origin = *origin;
                }
                if email.is_some() {
                    self.email.clone_from(email);
                    self.email_origin = *origin;
                }
            }
            PersonEvent::RoleGranted { role, bootstrapped } => {
                self.roles.insert(*role, *bootstrapped);
                if *role == Role::Owner {
                    self.owner_as = self.email.clone().filter(|_| *bootstrapped);
                }
            }
            PersonEvent::OwnerReleased {} => {
                self.owner_as = None;
                if let Some(bootstrapped) = self.roles.get_mut(&Role::Owner) {
                    *bootstrapped = false;
                }
            }
            PersonEvent::RoleRevoked { role } => {
                self.roles.remove(role);
                if *role == Role::Owner {
                    self.owner_as = None;
                }
            }
            PersonEvent::PersonDeactivated { .. } => self.active = false,
            PersonEvent::PersonReactivated {} => self.active = true,
            PersonEvent::AccessEnded {} => {}
            PersonEvent::SecondFactorAdded { factor_id, kind } => {
                self.second_factors.insert(*factor_id, *kind);
            }
            PersonEvent::SecondFactorRemoved { factor_id, kind: _, themselves: _ } => {
                self.second_factors.remove(factor_id);
            }
        }
    }
}

/// What a person needs to know from claims.
#[derive(Clone, Debug, Default)]
pub struct PersonFacts {
    /// Who has the address that the command gives.
    pub email_owner: Option<PersonId>,
    /// Who has the external id that the command gives.
    pub external_id_owner: Option<PersonId>,
    /// The person that the command is about.
    pub person_id: Option<PersonId>,
    /// How many people have the role of owner and may act.
    pub owners: u32,
}

impl PersonFacts {
    /// Nothing but which person it is.
    pub(crate) fn of(person: PersonId) -> Self {
        Self { person_id: Some(person), ..Self::default() }
    }
}
