//! The installation: what all its sites share, and the service of each made from that. A site's service holds nothing of
//! another site's.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use rollbook_domain::SiteId;
use rollbook_domain::text::Email;
use rollbook_files::Files;
use rollbook_projections::{Projections, QueryError};
use rollbook_store::Executor;
use tokio::sync::watch;

use super::{Registry, SuperAdmins, dispatch, owners};
use crate::accounts::{AccountSettings, Accounts};
use crate::limits::{Counted, Limits};
use crate::state::{AppState, Parts};

/// How long changes of the log gather before the registry is read again.
const LINGER: Duration = Duration::from_millis(50);
/// How soon it is read again where that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// What becomes of requests for a host that no site has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownHosts {
    /// They are told so.
    #[default]
    Refused,
    /// They are for the default site.
    Default,
}

/// What an installation is made of.
#[derive(Debug)]
pub struct Setup {
    /// What carries commands out.
    pub executor: Executor,
    /// The read models' engine.
    pub projections: Projections,
    /// Where files are.
    pub files: Files,
    /// The metrics; without them `/metrics` is not offered.
    pub metrics: Option<PrometheusHandle>,
    /// The addresses of the super admins.
    pub super_admins: Vec<Email>,
    /// What becomes of requests for a host that no site has.
    pub unknown_hosts: UnknownHosts,
    /// How much one client may ask for, of all sites together.
    pub limits: Limits,
    /// How people sign in.
    pub accounts: AccountSettings,
}

impl Setup {
    /// One with nothing out of the ordinary: no metrics and no super admins.
    pub fn new(executor: Executor, projections: Projections, files: Files) -> Self {
        let (unknown_hosts, limits) = (UnknownHosts::default(), Limits::default());
        let (metrics, super_admins, accounts) = (None, Vec::new(), AccountSettings::default());
        Self { executor, projections, files, metrics, super_admins, unknown_hosts, limits, accounts }
    }
}

/// The service of all sites. Cheap to clone.
#[derive(Clone)]
pub struct Installation(Arc<Shared>);

/// An installation, as a service knows it that the installation keeps: without keeping it in turn, or neither would ever end, and
/// with them their connections.
#[derive(Clone)]
pub struct Kept(Weak<Shared>);

impl Kept {
    /// The installation, unless it is over.
    pub fn get(&self) -> Option<Installation> {
        self.0.upgrade().map(Installation)
    }
}

struct Shared {
    executor: Executor,
    projections: Projections,
    files: Files,
    metrics: Option<PrometheusHandle>,
    registry: Registry,
    super_admins: SuperAdmins,
    unknown_hosts: UnknownHosts,
    counted: Counted,
    accounts: Arc<Accounts>,
    ended: Arc<watch::Sender<bool>>,
    /// The service of each site that was asked for.
    services: Mutex<HashMap<SiteId, Router>>,
    /// The sites whose first owner this process has made sure of.
    owned: Mutex<HashSet<SiteId>>,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

impl Installation {
    /// An installation whose sites are not known yet: see [`Self::open`] and [`Self::follow`].
    pub fn new(setup: Setup) -> Self {
        let Setup { executor, projections, files, metrics, super_admins, unknown_hosts, limits, accounts } = setup;
        let super_admins = SuperAdmins::new(executor.store().clone(), &super_admins);
        let registry = Registry::new(executor.store().clone());
        Self(Arc::new(Shared {
            executor,
            projections,
            files,
            metrics,
            registry,
            super_admins,
            unknown_hosts,
            counted: Counted::new(&limits),
            accounts: Arc::new(Accounts::new(accounts)),
            ended: Arc::default(),
            services: Mutex::default(),
            owned: Mutex::default(),
        }))
    }

    /// The same, for those whom it keeps.
    pub(crate) fn kept(&self) -> Kept {
        Kept(Arc::downgrade(&self.0))
    }

    /// An installation that knows its sites.
    pub async fn open(setup: Setup) -> Result<Self, QueryError> {
        let installation = Self::new(setup);
        installation.refresh().await?;
        Ok(installation)
    }

    /// Keeps the registry up to date with the log until it is broken off.
    pub async fn follow(&self) {
        let mut positions = self.0.projections.positions();
        loop {
            positions.mark_unchanged();
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, retry_in = ?AGAIN, "the registry of sites cannot be read");
                tokio::time::sleep(AGAIN).await;
            } else if positions.changed().await.is_err() {
                return;
            } else {
                tokio::time::sleep(LINGER).await;
            }
        }
    }

    /// Reads the registry again, and makes sure that new sites have their owners.
    pub async fn refresh(&self) -> Result<(), QueryError> {
        self.0.registry.refresh().await?;
        self.settle().await;
        Ok(())
    }

    async fn settle(&self) {
        for site in self.0.registry.known().sites() {
            if self.0.owned.lock().unwrap_or_else(PoisonError::into_inner).contains(&site.site_id) {
                continue;
            }
            match owners::ensure(&self.0.executor, site).await {
                Ok(()) => {
                    self.0.owned.lock().unwrap_or_else(PoisonError::into_inner).insert(site.site_id);
                }
                // The next change of the log, or the next start, tries again.
                Err(error) => tracing::warn!(site = site.slug, %error, "a site has no owner yet"),
            }
        }
    }

    /// Which sites there are.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What becomes of requests for a host that no site has.
    pub(crate) fn unknown_hosts(&self) -> UnknownHosts {
        self.0.unknown_hosts
    }

    /// The ids of all sites, closed ones too.
    pub fn sites(&self) -> Vec<SiteId> {
        self.0.registry.known().sites().map(|site| site.site_id).collect()
    }

    /// What every client has asked for so far.
    pub(crate) fn counted(&self) -> Counted {
        self.0.counted.clone()
    }

    /// The service of one site, whose queries see no other.
    pub fn site(&self, site: SiteId) -> AppState {
        let shared = &self.0;
        // Only the default site's commands change what sites there are.
        let installation = (site == SiteId::DEFAULT).then(|| self.kept());
        AppState::new(Parts {
            executor: Executor::new(shared.executor.store().of_site(site), shared.executor.clock().clone()),
            projections: shared.projections.clone(),
            files: shared.files.clone(),
            site,
            registry: shared.registry.clone(),
            super_admins: shared.super_admins.clone(),
            installation,
            accounts: shared.accounts.clone(),
            metrics: shared.metrics.clone(),
            ended: shared.ended.clone(),
        })
    }

    /// The routes of one site, made when they are first asked for.
    pub(crate) fn service(&self, site: SiteId) -> Router {
        let mut services = self.0.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.entry(site).or_insert_with(|| crate::service(self.site(site), self.counted())).clone()
    }

    /// The routes of all sites: each request goes to the service of its host's.
    pub fn router(&self) -> Router {
        dispatch::router(self.clone())
    }

    /// Ends the answers that have no end of their own: the service is about to stop.
    pub fn end(&self) {
        self.0.ended.send_replace(true);
    }
}
