//! The registry in memory: which sites there are, and which host is whose. It is read from the read model and decides nothing;
//! what it hands out are names, never a way into a site.

use std::collections::HashMap;
use std::sync::Arc;

use rollbook_domain::SiteId;
use rollbook_domain::site::HostAdmits;
use rollbook_projections::QueryError;
use rollbook_projections::models::sites::{self, SiteItem};
use rollbook_store::EventStore;
use tokio::sync::watch;

/// The sites of the installation as this process knows them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: EventStore,
    known: watch::Sender<Arc<SiteList>>,
}

/// The registry at one moment.
#[derive(Debug, Default)]
pub struct SiteList {
    sites: HashMap<SiteId, SiteItem>,
    hosts: HashMap<String, (SiteId, HostAdmits)>,
}

impl SiteList {
    fn new(sites: Vec<SiteItem>) -> Self {
        let hosts = sites
            .iter()
            .flat_map(|site| site.hosts.iter().map(|host| (host.host.clone(), (site.site_id, host.admits))));
        let hosts = hosts.collect();
        Self { sites: sites.into_iter().map(|site| (site.site_id, site)).collect(), hosts }
    }

    /// A site.
    pub fn site(&self, site: SiteId) -> Option<&SiteItem> {
        self.sites.get(&site)
    }

    /// Every site.
    pub fn sites(&self) -> impl Iterator<Item = &SiteItem> {
        self.sites.values()
    }

    /// Whose a host is, and whom it lets in.
    pub fn host(&self, host: &str) -> Option<(SiteId, HostAdmits)> {
        self.hosts.get(host).copied()
    }
}

impl Registry {
    /// The registry of a store that knows no site yet.
    pub fn new(store: EventStore) -> Self {
        Self(Arc::new(Shared { store, known: watch::Sender::default() }))
    }

    /// What is known now.
    pub fn known(&self) -> Arc<SiteList> {
        self.0.known.borrow().clone()
    }

    /// Reads it again.
    pub async fn refresh(&self) -> Result<(), QueryError> {
        let known = SiteList::new(sites::every(self.0.store.pool()).await?);
        self.0.known.send_replace(Arc::new(known));
        Ok(())
    }

    /// What is known now, and as it changes.
    pub fn changes(&self) -> watch::Receiver<Arc<SiteList>> {
        self.0.known.subscribe()
    }

    /// Waits until a site is closed, or gone.
    pub async fn closed(&self, site: SiteId) {
        let mut known = self.0.known.subscribe();
        let closed = known.wait_for(|known| known.site(site).is_none_or(|site| site.closed));
        // Its sender is in the same place, so there is always one.
        let _ = closed.await;
    }
}
