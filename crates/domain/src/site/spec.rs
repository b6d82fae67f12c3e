//! What commands about a site have in common, and what its events claim.

use std::collections::BTreeSet;

use super::{Site, SiteEvent};
use crate::aggregate::AggregateSpec;
use crate::claim::{ClaimChanges, ClaimKey};
use crate::ids::SiteId;
use crate::world::Loaded;

impl AggregateSpec for Site {
    /// The default site is there from the beginning, without an event.
    fn exists(id: SiteId, loaded: &Loaded<Self>) -> bool {
        id == SiteId::DEFAULT || loaded.version > 0
    }

    /// A closed site keeps its slug and its hosts: nobody else answers there meanwhile.
    fn claims(&self, id: SiteId, event: &SiteEvent, changes: &mut ClaimChanges) {
        match event {
            SiteEvent::SiteOpened { slug, .. } => changes.take(ClaimKey::site_slug(slug), id),
            SiteEvent::SiteHostsSet { hosts } => {
                let before: BTreeSet<&str> = self.hosts.iter().map(|host| host.host.as_str()).collect();
                let after: BTreeSet<&str> = hosts.iter().map(|host| host.host.as_str()).collect();
                after.difference(&before).for_each(|host| changes.take(ClaimKey::site_host(host), id));
                before.difference(&after).for_each(|host| changes.release(ClaimKey::site_host(host)));
            }
            SiteEvent::SiteRenamed { .. }
            | SiteEvent::SiteClosed { .. }
            | SiteEvent::SiteReopened {}
            | SiteEvent::SiteDatabaseWanted {}
            | SiteEvent::SiteDatabaseGiven {}
            | SiteEvent::SiteActivated {} => {}
        }
    }
}
