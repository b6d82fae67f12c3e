//! Databases of single sites: given, set up, and reached. The log is told that one is given before where it is is kept, and the
//! site answers when the log has it that it is set up. Whoever finds a set-up broken off takes it up where it stopped.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rollbook_domain::site::{ActivateSite, GiveSiteDatabase};
use rollbook_domain::{Actor, Command, SiteId};
use rollbook_store::keys::{Keys, SealError};
use rollbook_store::site_databases::{Opened, Reach, Target, Unfit};
use rollbook_store::{CommandKey, EventStore, ExecuteError, Executor, Position, Request, StoreError};
use secrecy::SecretString;
use uuid::Uuid;

use super::owners;

/// Where the sites' own databases are, as the registry has it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SiteDatabases {
    /// Of the installation's database.
    executor: Executor,
    keys: Keys,
    reach: Reach,
}

/// Why a site's database was not set up, or cannot be reached. None says where it is.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// It cannot be sealed, or not be read.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be the site's.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The log was not told.
    #[error(transparent)]
    Command(#[from] ExecuteError),
    /// The registry cannot be read.
    #[error(transparent)]
    Registry(#[from] StoreError),
    /// So many attempts were made just now that another one has to wait for so long.
    #[error("too many databases are tried at once, or could not be reached; try again later")]
    TooOften(Duration),
    /// Nobody has given one.
    #[error("no database is set up for this site")]
    None,
}

impl SiteDatabases {
    /// Those of an installation, under its keys, and how they are reached.
    pub fn new(executor: Executor, keys: Keys, reach: Reach) -> Self {
        Self { executor, keys, reach }
    }

    /// Gives a site its database and sets it up; the position of the log at which the site answers. What is refused leaves
    /// nothing in the registry.
    pub async fn give(&self, site: SiteId, actor: Actor, url: &SecretString) -> Result<Position, SetUpError> {
        let sealed = self.keys.seal(site, url)?;
        let give: Command = GiveSiteDatabase { site_id: site }.into();
        self.executor.preview(SiteId::DEFAULT, actor, give.clone()).await?;
        let attempt = self.reach.attempt().map_err(SetUpError::TooOften)?;
        let prepared = Target::prepare(url, site, self.registry(), &self.reach).await;
        if !matches!(prepared, Err(Unfit::Unreachable)) {
            attempt.succeeded();
        }
        let target = prepared?;
        let given = async {
            self.execute(actor, give, None).await?;
            let given_id = Uuid::new_v4();
            if !self.registry().put_site_database(site, given_id, &sealed, self.now()).await? {
                return Err(overtaken());
            }
            self.activate(site, given_id, &target).await
        };
        let given = given.await;
        target.close().await;
        given
    }

    /// Ends a set-up that was broken off, if there is anything to go on with.
    pub async fn settle(&self, site: SiteId) -> Result<(), SetUpError> {
        let Some(given) = self.registry().site_database(site).await? else { return Ok(()) };
        let url = self.keys.open(site, &given.sealed)?;
        let target = Target::prepare(&url, site, self.registry(), &self.reach).await?;
        let activated = self.activate(site, given.given_id, &target).await;
        target.close().await;
        activated.map(drop)
    }

    /// The site's data are in this database from now on, and it answers.
    async fn activate(&self, site: SiteId, given_id: Uuid, target: &Target) -> Result<Position, SetUpError> {
        if !self.registry().settle_site_database(site, given_id, self.now()).await? {
            return Err(overtaken());
        }
        let opened = self.registry().site(site).await?.state;
        let executor = Executor::new(target.store(), self.executor.clock().clone());
        owners::ensure(&executor, site, &opened).await?;
        let key = owners::key(site, "its database is set up");
        self.execute(Actor::System, ActivateSite { site_id: site }.into(), Some(key)).await
    }

    /// Connections to a site's database, at most so many, on the schema of this version.
    pub async fn open(&self, site: SiteId, most: u32) -> Result<Opened, SetUpError> {
        let settled = self.registry().site_database(site).await?.filter(|given| given.settled);
        let url = self.keys.open(site, &settled.ok_or(SetUpError::None)?.sealed)?;
        Ok(Opened::try_new(&url, site, &self.reach, most).await?)
    }

    fn registry(&self) -> &EventStore {
        self.executor.store()
    }

    fn now(&self) -> DateTime<Utc> {
        self.executor.clock().now()
    }

    async fn execute(
        &self,
        actor: Actor,
        command: Command,
        command_id: Option<CommandKey>,
    ) -> Result<Position, SetUpError> {
        let site = SiteId::DEFAULT;
        let request = Request { site, actor, command, command_id, if_match: None, correlation_id: None };
        Ok(self.executor.execute(request).await?.position)
    }
}

/// Somebody else has given the site another one meanwhile.
fn overtaken() -> SetUpError {
    ExecuteError::Contended { attempts: 1 }.into()
}
