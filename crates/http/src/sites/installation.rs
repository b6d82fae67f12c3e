//! The installation: what all its sites share, and the service of each made from that. A site's service holds nothing of
//! another site's.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::{Extension, Router};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use metrics_exporter_prometheus::PrometheusHandle;
use rollbook_domain::SiteId;
use rollbook_domain::site::SiteDatabase;
use rollbook_domain::text::Email;
use rollbook_files::{Examiner, Files, PictureWorker};
use rollbook_projections::models::sites::SiteItem;
use rollbook_projections::{Projections, QueryError};
use rollbook_store::apart::{apart, unbroken};
use rollbook_store::keys::Keys;
use rollbook_store::site_databases::Reach;
use rollbook_store::{EventStore, ExecuteError, Executor};
use tokio::sync::{Semaphore, watch};

use super::databases::{SetUpError, SiteDatabases};
use super::in_use::InUse;
use super::own::{Deliver, IDLE, Own, OwnSite, Owns};
use super::{Registry, SuperAdmins, dispatch, owners};
use crate::accounts::{AccountSettings, Accounts};
use crate::health::AtItsOwnAddress;
use crate::limits::{Counted, Limits};
use crate::problem::ApiError;
use crate::room::Room;
use crate::shares::Shares;
use crate::state::{AppState, Parts};

/// How long changes of the log gather before the registry is read again.
const LINGER: Duration = Duration::from_millis(50);
/// How soon it is read again where that failed.
const AGAIN: Duration = Duration::from_secs(1);
/// How often sites' own databases are looked after, at the most and at the least.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));
/// How many of them at a time, and for how long each is one of these: a server that does not answer keeps no other school waiting.
const AT_A_TIME: usize = 8;
const TURN: Duration = Duration::from_secs(2);

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
pub struct Setup {
    /// What carries commands out.
    pub executor: Executor,
    /// The read models' engine.
    pub projections: Projections,
    /// Where files are.
    pub files: Files,
    /// What looks into files before they are there.
    pub examiner: Examiner,
    /// The metrics; without them `/metrics` is not offered.
    pub metrics: Option<PrometheusHandle>,
    /// The addresses of the super admins.
    pub super_admins: Vec<Email>,
    /// Whether each of them must have a second factor.
    pub super_admin_second_factor: bool,
    /// What becomes of requests for a host that no site has.
    pub unknown_hosts: UnknownHosts,
    /// How much one client may ask for, of all sites together.
    pub limits: Limits,
    /// How people sign in.
    pub accounts: AccountSettings,
    /// The disks that the service writes to.
    pub room: Room,
    /// What the URLs of sites' own databases are sealed under, and the secrets of codes.
    pub keys: Keys,
    /// How such a database is reached.
    pub reach: Reach,
    /// How long such a database is kept open that nobody uses.
    pub idle: Duration,
    /// Who delivers the emails of such a site.
    pub deliver: Option<Arc<dyn Deliver>>,
}

impl Setup {
    /// One with nothing out of the ordinary: no metrics, no super admins, no scanner, and pictures decoded by this program.
    pub fn new(executor: Executor, projections: Projections, files: Files) -> Self {
        Self {
            executor,
            projections,
            files,
            examiner: Examiner::new(None, PictureWorker::own()),
            metrics: None,
            super_admins: Vec::new(),
            super_admin_second_factor: false,
            unknown_hosts: UnknownHosts::default(),
            limits: Limits::default(),
            accounts: AccountSettings::default(),
            room: Room::default(),
            keys: Keys::default(),
            reach: Reach::default(),
            idle: IDLE,
            deliver: None,
        }
    }
}

/// The service of all sites. Cheap to clone.
#[derive(Clone)]
pub struct Installation(Arc<Shared>);

/// An installation, as a service knows it that the installation keeps: without keeping it in turn, or neither would ever end, and
/// with them their connections.
#[derive(Clone)]
pub struct WeakInstallation(Weak<Shared>);

impl WeakInstallation {
    /// The installation, unless it is over.
    pub fn get(&self) -> Option<Installation> {
        self.0.upgrade().map(Installation)
    }
}

struct Shared {
    executor: Executor,
    projections: Projections,
    files: Files,
    examiner: Examiner,
    metrics: Option<PrometheusHandle>,
    registry: Registry,
    super_admins: SuperAdmins,
    unknown_hosts: UnknownHosts,
    counted: Counted,
    accounts: Arc<Accounts>,
    shares: Arc<Shares>,
    ended: Arc<watch::Sender<bool>>,
    /// The service of each site that was asked for, but of those with databases of their own.
    services: Mutex<HashMap<SiteId, (AppState, Router)>>,
    databases: SiteDatabases,
    owns: Owns,
    idle: Duration,
    deliver: Option<Arc<dyn Deliver>>,
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
        let executor = setup.executor;
        let counted = Counted::new(&setup.limits, setup.accounts.public_url.as_deref());
        Self(Arc::new(Shared {
            registry: Registry::new(executor.store().clone()),
            super_admins: SuperAdmins::new(
                executor.store().clone(),
                &setup.super_admins,
                setup.super_admin_second_factor,
            ),
            accounts: Arc::new(Accounts::new(setup.accounts, setup.keys.clone())),
            databases: SiteDatabases::new(executor.clone(), setup.keys, setup.reach),
            executor,
            projections: setup.projections,
            files: setup.files,
            examiner: setup.examiner,
            metrics: setup.metrics,
            unknown_hosts: setup.unknown_hosts,
            counted,
            shares: Arc::new(Shares::new(setup.room)),
            ended: Arc::default(),
            services: Mutex::default(),
            owns: Owns::default(),
            idle: setup.idle,
            deliver: setup.deliver,
            owned: Mutex::default(),
        }))
    }

    /// The same, for those whom it keeps.
    pub(crate) fn kept(&self) -> WeakInstallation {
        WeakInstallation(Arc::downgrade(&self.0))
    }

    /// An installation that knows its sites.
    pub async fn open(setup: Setup) -> Result<Self, QueryError> {
        let installation = Self::new(setup);
        installation.refresh().await?;
        let known = installation.registry().known();
        for (provider, site) in installation.0.accounts.vouching_nowhere(|slug| known.sites().any(|s| s.slug == slug)) {
            tracing::warn!(provider, site, "ROLLBOOK_OIDC names a school that there is not, or not yet");
        }
        Ok(installation)
    }

    /// Keeps the registry up to date with the log, and looks after the sites' own databases, until it is broken off.
    pub async fn follow(&self) {
        tokio::select! {
            () = unbroken("the registry of sites", || self.clone().follow_the_log()) => {}
            () = unbroken("looking after sites' databases", || self.clone().look_after_databases()) => {}
        }
    }

    async fn follow_the_log(self) {
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
        for site in self.0.registry.known().sites().filter(|site| site.holding() == SiteDatabase::Shared) {
            if self.0.owned.lock().unwrap_or_else(PoisonError::into_inner).contains(&site.site_id) {
                continue;
            }
            match self.make_owner(site).await {
                Ok(()) => {
                    self.0.owned.lock().unwrap_or_else(PoisonError::into_inner).insert(site.site_id);
                }
                // The next change of the log, or the next start, tries again.
                Err(error) => tracing::warn!(site = site.slug, %error, "a site has no owner yet"),
            }
        }
    }

    /// Not where the site is to have a database of its own: the read model may have come to between its first two events.
    async fn make_owner(&self, site: &SiteItem) -> Result<(), ExecuteError> {
        let known = self.0.executor.store().site(site.site_id).await?.state;
        match known.database {
            SiteDatabase::Shared => owners::ensure(&self.0.executor, site.site_id, &known).await,
            SiteDatabase::Wanted | SiteDatabase::Given | SiteDatabase::Active => Ok(()),
        }
    }

    async fn look_after_databases(self) {
        let (mut changes, places) = (self.registry().changes(), Semaphore::new(AT_A_TIME));
        let (mut under_way, mut begun) = (FuturesUnordered::new(), HashSet::new());
        loop {
            changes.mark_unchanged();
            let known = self.registry().known();
            for site in known.sites().filter(|site| site.holding() != SiteDatabase::Shared) {
                if begun.insert(site.site_id) {
                    under_way.push(self.look_in_turn(&places, site.clone()));
                }
            }
            let mut again = pin!(tokio::time::sleep((self.0.idle / 4).clamp(LOOK.0, LOOK.1)));
            loop {
                tokio::select! {
                    Some(site) = under_way.next() => {
                        begun.remove(&site);
                    }
                    Ok(()) = changes.changed() => break,
                    () = &mut again => break,
                }
            }
        }
    }

    /// Looks after a site's database when it is its turn; which site. What its server breaks is this alone.
    async fn look_in_turn(&self, places: &Semaphore, site: SiteItem) -> SiteId {
        let (id, slug) = (site.site_id, site.slug.clone());
        let place = places.acquire().await;
        let mut looks = pin!(apart(self.clone().look_after(site)));
        let looked = if let Ok(looked) = tokio::time::timeout(TURN, &mut looks).await {
            looked
        } else {
            drop(place);
            looks.await
        };
        if let Err(error) = looked {
            tracing::warn!(site = slug, %error, "the database of a site cannot be looked after");
        }
        id
    }

    /// Ends a set-up that was broken off; opens a database once, because emails may wait in it; closes it where nobody uses it.
    async fn look_after(self, site: SiteItem) {
        let (id, owns) = (site.site_id, &self.0.owns);
        match site.holding() {
            SiteDatabase::Given if owns.may_set_up(id) => {
                if let Err(error) = self.0.databases.settle(id).await {
                    tracing::warn!(site = site.slug, %error, "the database of a site is not set up yet");
                }
            }
            SiteDatabase::Active if !site.closed && !owns.was_open(id) => {
                let opened = owns.reach(id, self.clone().open_own(id)).await;
                tracing::debug!(site = site.slug, opened = opened.is_some(), "the database of a site was looked after");
            }
            SiteDatabase::Active => owns.close_idle(id, self.0.idle, site.closed).await,
            SiteDatabase::Shared | SiteDatabase::Wanted | SiteDatabase::Given => {}
        }
    }

    /// The sites' own databases.
    pub(crate) fn databases(&self) -> &SiteDatabases {
        &self.0.databases
    }

    /// Which sites there are.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What becomes of requests for a host that no site has.
    pub(crate) fn unknown_hosts(&self) -> UnknownHosts {
        self.0.unknown_hosts
    }

    /// The services of all sites that are at hand: closed sites too, but of those with databases of their own only the open ones.
    /// Others are cleaned up before they are closed.
    pub fn at_hand(&self) -> Vec<(AppState, Option<InUse>)> {
        let known = self.registry().known();
        let shared = known.sites().filter(|site| site.holding() == SiteDatabase::Shared);
        let shared: Vec<_> = shared.map(|site| (self.shared(site.site_id).0, None)).collect();
        let own = self.0.owns.open().into_iter().map(|(state, in_use)| (state, Some(in_use)));
        shared.into_iter().chain(own).collect()
    }

    /// What every client has asked for so far.
    pub(crate) fn counted(&self) -> Counted {
        self.0.counted.clone()
    }

    /// The service of one site, whose queries see no other.
    pub async fn reach(&self, site: SiteId) -> Result<Reached, ApiError> {
        let holding = self.registry().known().site(site).map(SiteItem::holding).unwrap_or_default();
        match holding {
            SiteDatabase::Shared => {
                let (state, routes) = self.shared(site);
                Ok(Reached { state, routes, in_use: None })
            }
            SiteDatabase::Wanted | SiteDatabase::Given => Err(ApiError::SiteNotReady),
            SiteDatabase::Active => {
                let reached = self.0.owns.reach(site, self.clone().open_own(site)).await;
                let (state, routes, in_use) = reached.ok_or(ApiError::SiteUnavailable)?;
                Ok(Reached { state, routes, in_use: Some(in_use) })
            }
        }
    }

    /// The service of a site in the installation's database, made when it is first asked for.
    fn shared(&self, site: SiteId) -> (AppState, Router) {
        let mut services = self.0.services.lock().unwrap_or_else(PoisonError::into_inner);
        let made = services.entry(site).or_insert_with(|| {
            let (store, projections) = (self.0.executor.store(), self.0.projections.clone());
            self.made(site, store, projections, false)
        });
        made.clone()
    }

    /// The service of a site in a database of its own, opened.
    async fn open_own(self, site: SiteId) -> Result<Own, SetUpError> {
        let databases = &self.0.databases;
        let mut own =
            Own::open(site, databases, |store, projections| self.made(site, &store, projections, true)).await?;
        let delivery = self.0.deliver.as_ref().map(|deliver| {
            deliver.start(OwnSite {
                site,
                store: own.store().clone(),
                projections: own.state.projections().clone(),
                clock: self.0.executor.clock().clone(),
                registry: self.registry().clone(),
            })
        });
        match delivery.transpose() {
            Ok(delivery) => own.delivery = delivery,
            // The installation's own emails would not go, either, and it would not have begun.
            Err(why) => tracing::error!(%site, why, "the emails of a site are not delivered"),
        }
        Ok(own)
    }

    fn made(
        &self,
        site: SiteId,
        store: &EventStore,
        projections: Projections,
        own_database: bool,
    ) -> (AppState, Router) {
        let shared = &self.0;
        // Only the default site's commands change what sites there are.
        let installation = (site == SiteId::DEFAULT).then(|| self.kept());
        let state = AppState::new(Parts {
            executor: Executor::new(store.of_site(site), shared.executor.clock().clone()),
            projections,
            own_database,
            files: shared.files.clone(),
            examiner: shared.examiner.clone(),
            site,
            registry: shared.registry.clone(),
            super_admins: shared.super_admins.clone(),
            installation,
            accounts: shared.accounts.clone(),
            shares: shared.shares.clone(),
            metrics: shared.metrics.clone(),
            ended: shared.ended.clone(),
        });
        let routes = crate::service(state.clone(), self.counted());
        (state, routes)
    }

    /// The routes of the default site.
    #[cfg(test)]
    pub(crate) fn service(&self, site: SiteId) -> Router {
        self.shared(site).1
    }

    /// The routes of all sites: each request goes to the service of its host's.
    pub fn router(&self) -> Router {
        dispatch::router(self.clone())
    }

    /// What says how the process is, and nothing else: for an address of its own, which is open to those alone who watch over it.
    pub fn watched_router(&self) -> Router {
        dispatch::router(self.clone()).layer(Extension(AtItsOwnAddress))
    }

    /// Ends the answers that have no end of their own: the service is about to stop.
    pub fn end(&self) {
        self.0.ended.send_replace(true);
    }

    /// Closes the sites' own databases. Nobody is answered from them any more.
    pub async fn close(&self) {
        self.0.owns.end().await;
    }
}

/// The service of a site that was asked for.
#[derive(Debug)]
pub struct Reached {
    /// What its handlers have.
    pub state: AppState,
    pub(super) routes: Router,
    /// Of a site with a database of its own, which is not closed while this lives.
    pub in_use: Option<InUse>,
}
