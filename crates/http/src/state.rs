//! The service of one site, which is what every handler has: the executor, the read models, the files, the site, the
//! metrics. It holds no way into another site.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use rollbook_domain::account::AccountCommand;
use rollbook_domain::person::PersonCommand;
use rollbook_domain::site::HostAdmits;
use rollbook_domain::{Actor, Command, SiteId};
use rollbook_files::{Examiner, Files};
use rollbook_projections::Projections;
use rollbook_projections::models::sites::SiteItem;
use rollbook_store::{CommandKey, EventStore, Executor, Pace, Position, Receipt, Request};
use rollbook_turns::Turn;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::accounts::Accounts;
use crate::problem::{ApiError, FieldError};
use crate::shares::Shares;
use crate::sites::{Installation, Registry, SuperAdmins, Through, WeakInstallation};
use crate::written::{Writer, Writing};

/// How long a reader waits for a position.
const WAIT: Duration = Duration::from_secs(5);

/// The service behind the routes. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What a site's service is made of.
pub struct Parts {
    /// What carries commands out.
    pub executor: Executor,
    /// Whether it has a database of its own, whose positions are no others'.
    pub own_database: bool,
    /// The read models' engine.
    pub projections: Projections,
    /// Where files are.
    pub files: Files,
    /// What looks into files before they are there, for all sites together.
    pub examiner: Examiner,
    /// The site.
    pub site: SiteId,
    /// Which sites there are.
    pub registry: Registry,
    /// Who may come in from the default site.
    pub super_admins: SuperAdmins,
    /// Of the default site alone, where sites are managed: the whole.
    pub installation: Option<WeakInstallation>,
    /// Signing in: counted and hashed for all sites together.
    pub accounts: Arc<Accounts>,
    /// What all sites share, and take in turns.
    pub shares: Arc<Shares>,
    /// The metrics.
    pub metrics: Option<PrometheusHandle>,
    /// Whether the service is about to stop.
    pub ended: Arc<watch::Sender<bool>>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState").field("site", &self.0.site).finish_non_exhaustive()
    }
}

/// The pace of commands: what they write counts, and the next piece of one waits until the read models have come to the one before,
/// so that whoever reads what they have written meanwhile waits for one piece.
struct Following<'s> {
    projections: &'s Projections,
    writing: Writing,
    /// Whether they did not come to one in time: the command goes on without them.
    late: bool,
}

impl Pace for Following<'_> {
    fn wrote(&mut self, events: usize) {
        self.writing.wrote(events);
    }

    fn between(&mut self, position: Position) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.late = self.late || self.projections.wait_for(position, WAIT).await.is_err();
        })
    }
}

impl AppState {
    /// A service for one site.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Signing in.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// What all sites share, and take in turns.
    pub fn shares(&self) -> &Shares {
        &self.0.shares
    }

    /// Has a command carried out that no client sends: the log is told before anything else is done. The same id again tells it
    /// nothing more.
    pub async fn record(
        &self,
        site: SiteId,
        actor: Actor,
        command: impl Into<Command>,
        command_id: Option<CommandKey>,
    ) -> Result<Receipt, ApiError> {
        let command = command.into();
        let writer = self.writer(site, actor, &command)?;
        let request = Request { site, actor, command, command_id, if_match: None, correlation_id: None };
        match writer {
            Some(writer) => self.write(&writer, 0, request).await,
            None => Ok(self.executor().execute(request).await?),
        }
    }

    /// Has a command carried out that came with so many bytes, if there is room for it and its writer may still write today; it
    /// counts for what it has written.
    pub async fn write(&self, writer: &Writer, bytes: usize, request: Request) -> Result<Receipt, ApiError> {
        self.shares().room.is_left()?;
        let writing = self.shares().written.begin(writer, bytes, self.now())?;
        let mut following = Following { projections: self.projections(), writing, late: false };
        let executed = self.executor().execute_paced(request, &mut following).await;
        if executed.is_err() {
            following.writing.refused();
        }
        Ok(executed?)
    }

    /// Who writes what somebody does with an account, their own or, as an admin, another's. What takes a way in away is
    /// carried out in any case, however much was written, and so is what the service does by itself; and whoever has
    /// written as much as they may signs in all the same, so many times an hour.
    fn writer(&self, site: SiteId, actor: Actor, command: &Command) -> Result<Option<Writer>, ApiError> {
        let Some(person) = actor.person() else { return Ok(None) };
        let whose = match command {
            Command::Account(AccountCommand::SignIn(_)) => {
                let wait = self.shares().sign_ins.wait(&(site, person));
                return wait.map_or(Ok(None), |wait| Err(ApiError::TooManyRequests { wait }));
            }
            Command::Account(command) if !command.takes_away() => command.person(),
            Command::Person(PersonCommand::AddSecondFactor(_)) => person,
            _ => return Ok(None),
        };
        Ok(Some(Writer { site, person, is_admin: whose != person }))
    }

    /// What carries commands out.
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// The log.
    pub fn store(&self) -> &EventStore {
        self.0.executor.store()
    }

    /// The pool that queries read from.
    pub fn pool(&self) -> &PgPool {
        self.store().pool()
    }

    /// The read models' engine.
    pub fn projections(&self) -> &Projections {
        &self.0.projections
    }

    /// What looks into files before they are there.
    pub fn examiner(&self) -> &Examiner {
        &self.0.examiner
    }

    /// Where files are.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// The site that requests are for.
    pub fn site(&self) -> SiteId {
        self.0.site
    }

    /// The metrics.
    pub fn metrics(&self) -> Option<&PrometheusHandle> {
        self.0.metrics.as_ref()
    }

    /// Whether the site has a database of its own.
    pub(crate) fn has_own_database(&self) -> bool {
        self.0.own_database
    }

    /// Where sites are managed: the whole installation. None elsewhere.
    pub(crate) fn installation(&self) -> Option<Installation> {
        self.0.installation.as_ref().and_then(WeakInstallation::get)
    }

    /// The site as the registry knows it.
    pub(crate) fn known_site(&self) -> Option<SiteItem> {
        self.0.registry.known().site(self.0.site).cloned()
    }

    /// Whom the site lets in by the host that a request came by, as the registry has it now.
    pub(crate) fn admits(&self, through: Option<&Through>) -> Result<HostAdmits, ApiError> {
        let known = self.0.registry.known();
        if known.site(self.0.site).is_some_and(|site| site.closed) {
            return Err(ApiError::SiteClosed);
        }
        let Some(Through { admits, host, .. }) = through else { return Ok(HostAdmits::Everyone) };
        let Some(host) = host else { return Ok(*admits) };
        let found = known.host(host).filter(|(site, _)| *site == self.0.site);
        found.map(|(_, admits)| admits).ok_or(ApiError::UnknownHost)
    }

    /// Who may come in from the default site.
    pub(crate) fn super_admins(&self) -> &SuperAdmins {
        &self.0.super_admins
    }

    /// Waits until the service is about to stop.
    pub async fn ended(&self) {
        let mut ended = self.0.ended.subscribe();
        // Its sender is in the same place, so there is always one.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Waits until the site is closed.
    pub async fn closed(&self) {
        self.0.registry.closed(self.0.site).await;
    }

    /// Lets what a command about the sites has done take effect here, before its answer. In other processes it does a moment
    /// later; and here, too, if this cannot be done now.
    pub(crate) async fn sites_changed(&self, position: Position) {
        let Some(installation) = self.installation() else { return };
        let refreshed = match self.reached(position).await {
            Ok(_) => installation.refresh().await.map_err(|error| error.to_string()),
            Err(_) => Err("the read models are behind".to_owned()),
        };
        if let Err(why) = refreshed {
            tracing::warn!(why, "the registry follows later");
        }
    }

    /// Now, by the service's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.executor.clock().now()
    }

    /// Waits until the read models have come to a position, and says where they are.
    pub async fn reached(&self, wanted: Position) -> Result<Position, ApiError> {
        self.projections().wait_for(wanted, WAIT).await.map_err(|late| ApiError::Behind { wanted: late.wanted })
    }

    /// Waits until the read models are as new as the log was for this site at a position: what other sites have appended is
    /// not waited for.
    pub async fn caught_up(&self, head: Position) -> Result<(), ApiError> {
        let reached = self.projections().position();
        if reached < head {
            self.reached(self.store().head_of(self.site(), reached, head).await?).await?;
        }
        Ok(())
    }

    /// Keeps a turn until the read models have come to what was appended in it: what comes after that waits for them.
    pub fn held_until_reached(&self, turn: Turn, position: Position) {
        let projections = self.projections().clone();
        tokio::spawn(async move {
            // Where they do not go on, others do.
            let _ = projections.wait_for(position, WAIT).await;
            drop(turn);
        });
    }

    /// The position that a query is answered at, at least: what it asked to wait for comes first.
    pub async fn read_at(&self, at_least: Option<Position>) -> Result<Position, ApiError> {
        match at_least {
            Some(wanted) if wanted > self.projections().position() => {
                self.reached(self.in_the_log("min_position", wanted).await?).await
            }
            _ => Ok(self.projections().position()),
        }
    }

    /// A position that a client gave, if the log has come to it: nobody can have learnt of another, and it is not waited for.
    pub async fn in_the_log(&self, parameter: &str, position: Position) -> Result<Position, ApiError> {
        let head = self.store().head().await?;
        if position <= head {
            return Ok(position);
        }
        let detail = format!("is beyond the end of the log, which is {head}");
        Err(ApiError::Invalid(vec![FieldError::parameter(parameter, detail)]))
    }
}
