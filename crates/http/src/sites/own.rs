//! The services of sites with databases of their own: opened when somebody asks for one, closed when nobody does. Whoever comes
//! while one is opened or closed waits for that.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use futures::future::{BoxFuture, join_all};
use rollbook_domain::SiteId;
use rollbook_projections::Projections;
use rollbook_store::apart::apart;
use rollbook_store::connect::TIMEOUT;
use rollbook_store::listen::{self, Way};
use rollbook_store::site_databases::{Opened, Relay};
use rollbook_store::{Clock, EventStore, StoreError};
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::Registry;
use super::databases::{SetUpError, SiteDatabases};
use super::in_use::{InUse, Uses};
use crate::state::AppState;

/// How long a database is kept open that nobody uses.
pub const IDLE: Duration = Duration::from_mins(10);
/// How long one is left alone that could not be opened, or not be set up.
const AGAIN: Duration = Duration::from_secs(1);
/// How long closing one may take: a letter under way is sent to its end.
const CLOSING: Duration = Duration::from_secs(30);
/// How many connections each of its two pools has: what sees every site of it, and what sees its one. The appender, the look-up of
/// tokens, the loading, the listener and whoever delivers its emails have one each, so that it is eleven in all.
const POOL: u32 = 3;

/// Delivers the emails of sites that have databases of their own. It is the binary's: how emails go is known nowhere here.
pub trait Deliver: Send + Sync {
    /// Begins to deliver those of one site.
    fn start(&self, site: OwnSite) -> Result<Box<dyn Delivery>, String>;
}

/// Emails of one site being delivered.
pub trait Delivery: Send + Sync {
    /// Whether any wait.
    fn waits(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
    /// Ends it, after the request under way.
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What is delivered from, and what the registry says of the site now.
#[derive(Clone, Debug)]
pub struct OwnSite {
    /// Which.
    pub site: SiteId,
    /// Its log.
    pub store: EventStore,
    /// Its read models.
    pub projections: Projections,
    /// The clock.
    pub clock: Clock,
    pub(super) registry: Registry,
}

impl OwnSite {
    /// Whether it answers nobody.
    pub fn closed(&self) -> bool {
        self.registry.known().site(self.site).is_none_or(|site| site.closed)
    }

    /// The host that its students come to.
    pub fn host(&self) -> Option<String> {
        self.registry.known().site(self.site)?.host_of_links().map(str::to_owned)
    }
}

/// What is open of a site.
pub struct Own {
    /// Its service.
    pub state: AppState,
    /// Its routes.
    pub routes: Router,
    /// Its emails.
    pub delivery: Option<Box<dyn Delivery>>,
    /// Ends with this.
    listener: JoinSet<()>,
    store: EventStore,
    pool: PgPool,
    /// What all its connections go through.
    relay: Relay,
}

impl Own {
    /// A site's database, opened; `service` makes its service.
    pub async fn open(
        site: SiteId,
        databases: &SiteDatabases,
        service: impl FnOnce(EventStore, Projections) -> (AppState, Router),
    ) -> Result<Self, SetUpError> {
        let Opened { pool, relay } = databases.open(site, POOL).await?;
        let store = EventStore::new(pool.clone());
        let projections = Projections::start(store.clone());
        let mut listener = JoinSet::new();
        listener.spawn(listen::listen(store.clone(), Way::through(&relay)));
        let (state, routes) = service(store.clone(), projections);
        Ok(Self { state, routes, delivery: None, listener, store, pool, relay })
    }

    /// Its log.
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// Whether something is still to be done: events that the read models do not have, emails that wait.
    async fn is_busy(&self) -> Result<bool, StoreError> {
        if self.state.projections().position() < self.store.head().await? {
            return Ok(true);
        }
        match &self.delivery {
            Some(delivery) => delivery.waits().await,
            None => Ok(false),
        }
    }

    /// Ends everything, in order if its server lets us; otherwise its connections are cut, which ends whatever waits for it.
    async fn close(mut self) {
        let in_order = async {
            if let Some(delivery) = self.delivery {
                delivery.stop().await;
            }
            self.state.projections().stop().await;
            self.listener.shutdown().await;
            self.store.close().await;
            self.pool.close().await;
        };
        if tokio::time::timeout(CLOSING, in_order).await.is_err() {
            tracing::warn!(site = %self.state.site(), "the database of a site does not let go, and was cut off");
        }
        drop(self.relay);
    }
}

/// Where one site's service is.
#[derive(Default)]
struct SiteSlot {
    now: tokio::sync::Mutex<Now>,
    uses: Arc<Uses>,
    /// Whether this process has opened it since it began.
    seen: AtomicBool,
    /// When its set-up was tried last.
    tried: Mutex<Option<Instant>>,
}

#[derive(Default)]
enum Now {
    #[default]
    Closed,
    Failed(Instant),
    Open(Box<Own>),
}

/// The places of all of them.
#[derive(Default)]
pub struct Owns {
    places: Mutex<HashMap<SiteId, Arc<SiteSlot>>>,
    ended: AtomicBool,
}

impl Owns {
    fn place(&self, site: SiteId) -> Arc<SiteSlot> {
        Arc::clone(self.places.lock().unwrap_or_else(PoisonError::into_inner).entry(site).or_default())
    }

    fn all(&self) -> Vec<Arc<SiteSlot>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A site's service, opened if need be, once for all who wait for it; none where that does not succeed now. What its server
    /// breaks ends with that.
    pub async fn reach(
        &self,
        site: SiteId,
        open: impl Future<Output = Result<Own, SetUpError>> + Send + 'static,
    ) -> Option<(AppState, Router, InUse)> {
        let place = self.place(site);
        let mut now = place.now.lock().await;
        if self.ended.load(Ordering::SeqCst) || matches!(*now, Now::Failed(at) if at.elapsed() < AGAIN) {
            return None;
        }
        if !matches!(*now, Now::Open(_)) {
            let opened = apart(open).await.map_err(|error| error.to_string());
            *now = match opened.and_then(|opened| opened.map_err(|error| error.to_string())) {
                Ok(own) => Now::Open(Box::new(own)),
                Err(error) => {
                    tracing::warn!(%site, error, "the database of a site cannot be opened");
                    Now::Failed(Instant::now())
                }
            };
        }
        let Now::Open(own) = &*now else { return None };
        place.seen.store(true, Ordering::SeqCst);
        Some((own.state.clone(), own.routes.clone(), place.uses.begin()))
    }

    /// Those that are open, but for those that are opened or closed just now: nobody waits here for somebody's server.
    pub fn open(&self) -> Vec<(AppState, InUse)> {
        let mut open = Vec::new();
        for place in self.all() {
            if let Ok(now) = place.now.try_lock()
                && let Now::Open(own) = &*now
            {
                open.push((own.state.clone(), place.uses.begin()));
            }
        }
        open
    }

    /// Whether this process has opened a site's database since it began.
    pub fn was_open(&self, site: SiteId) -> bool {
        self.place(site).seen.load(Ordering::SeqCst)
    }

    /// Whether it is time to try a site's set-up again.
    pub fn may_set_up(&self, site: SiteId) -> bool {
        let place = self.place(site);
        let mut tried = place.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tried.is_none_or(|at| at.elapsed() >= AGAIN);
        if due {
            *tried = Some(Instant::now());
        }
        due
    }

    /// Closes a site's database if nobody uses it; one of an open site only where nobody has for a while and nothing is to be done.
    /// What has run out is taken away before.
    pub async fn close_idle(&self, site: SiteId, idle: Duration, closed: bool) {
        let place = self.place(site);
        let mut now = place.now.lock().await;
        let Now::Open(own) = &*now else { return };
        let unused = place.uses.idle().is_some_and(|unused| closed || unused >= idle);
        if !unused {
            return;
        }
        // Whoever comes waits for this, so that it takes no longer than whoever comes would wait for a database that is away.
        let is_done = async {
            let done = closed || !own.is_busy().await?;
            if done && !closed {
                crate::clean_up(&own.state).await;
            }
            Ok::<_, StoreError>(done)
        };
        match tokio::time::timeout(TIMEOUT, is_done).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return,
            // Perhaps something waits: it stays until that is known.
            Ok(Err(error)) => return tracing::debug!(%site, %error, "the database of a site is not closed"),
            Err(_) => return tracing::debug!(%site, "the database of a site does not answer, and is not closed"),
        }
        if let Now::Open(own) = mem::take(&mut *now) {
            own.close().await;
            tracing::debug!(%site, "the database of a site was closed");
        }
    }

    /// Closes all, for good.
    pub async fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        let closing = self.all().into_iter().map(|place| async move {
            let Ok(mut now) = tokio::time::timeout(CLOSING, place.now.lock()).await else { return };
            if let Now::Open(own) = mem::take(&mut *now)
                && let Err(error) = apart(own.close()).await
            {
                tracing::warn!(%error, "the database of a site was not closed in order");
            }
        });
        join_all(closing).await;
    }
}
