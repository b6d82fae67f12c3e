//! What a site's stream adds up to. Applying never fails and never decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::{SiteDatabase, SiteEvent, SiteHost};
use crate::ids::{PersonId, SiteId};
use crate::personal::Personal;

/// A site as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its short name; empty for the default site, which was never opened.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Where it answers.
    pub hosts: Vec<SiteHost>,
    /// Whether it answers nobody any more.
    pub closed: bool,
    /// Where what belongs to it is.
    #[serde(default)]
    pub database: SiteDatabase,
    /// Whom it was opened for; none of the default site.
    #[serde(default)]
    pub first_owner: Option<FirstOwner>,
}

/// Whom a site was opened for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstOwner {
    /// Under which id they are registered; none where the site is older than such ids.
    pub id: Option<PersonId>,
    /// Under which address.
    pub email: Personal<String>,
    /// Under which name, if it was said.
    pub name: Option<Personal<String>>,
}

impl Site {
    pub(crate) fn apply_event(&mut self, event: &SiteEvent) {
        match event {
            SiteEvent::SiteOpened { slug, name, owner_email, owner_name, owner_id } => {
                self.slug.clone_from(slug);
                self.name.clone_from(name);
                let (email, name) = (owner_email.clone(), owner_name.clone());
                self.first_owner = Some(FirstOwner { id: *owner_id, email, name });
            }
            SiteEvent::SiteHostsSet { hosts } => self.hosts.clone_from(hosts),
            SiteEvent::SiteRenamed { name } => self.name.clone_from(name),
            SiteEvent::SiteClosed { reason: _ } => self.closed = true,
            SiteEvent::SiteReopened {} => self.closed = false,
            SiteEvent::SiteDatabaseWanted {} => self.database = SiteDatabase::Wanted,
            SiteEvent::SiteDatabaseGiven {} => self.database = SiteDatabase::Given,
            SiteEvent::SiteActivated {} => self.database = SiteDatabase::Active,
        }
    }
}

/// What a site needs to know from claims.
#[derive(Clone, Debug, Default)]
pub struct SiteFacts {
    /// Who has the slug that the command gives.
    pub slug_owner: Option<SiteId>,
    /// Who has the hosts that the command gives.
    pub host_owners: BTreeMap<String, SiteId>,
}
