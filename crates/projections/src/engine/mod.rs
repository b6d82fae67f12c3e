//! The engine: it keeps the tables up to the log, makes them anew, and checks them. The folds are the models' own.
//!
//! Several processes may run it on one database: whoever holds a model's row in `projections` changes the model, and the
//! position that the rows are folded up to is committed with them, so every event is folded exactly once.

mod batch;
mod build;
mod checkpoints;
mod compare;
mod fast_path;
mod live;
mod log;
mod measure;
mod parking;
mod rebuild;
mod renew;
mod retry;
mod round;
mod schema;
mod snapshot;
mod sql;
mod swap;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rollbook_domain::SiteId;
use rollbook_store::{EventStore, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

use self::rebuild::Differing;
use crate::erased::{AnyModel, MODELS};
use crate::page::part;
use crate::{Page, Paged, ProjectionError};

pub use checkpoints::Status;
pub use compare::{Difference, DifferenceKind, DifferenceSummary, Verification, VerificationSummary};
pub use measure::describe_metrics;
pub use parking::ParkedStream;
pub use retry::Retried;
pub use schema::When;

/// The read models of one database. Cheap to clone. It takes two connections of the store's pool at a time: one holds a
/// transaction, the other reads the log.
#[derive(Clone, Debug)]
pub struct Projections {
    store: EventStore,
    position: Arc<watch::Sender<Position>>,
    /// Told when a reader waits.
    wake: Arc<Notify>,
    stop: Arc<watch::Sender<bool>>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// How many bytes of rows are kept while tables are built.
    memory: u64,
}

/// How far a rebuild or a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The position that the log has been read up to.
    pub position: Position,
    /// The position that it is read up to.
    pub head: Position,
}

/// What a rebuild or a verification is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the log and folding it.
    Folding,
    /// Writing tables, comparing them and putting them in their place.
    Writing,
}

/// What is told how far a rebuild or a verification is.
pub type OnProgress<'f> = &'f mut (dyn FnMut(Progress) + Send);

/// The read models did not come to a position in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the read models are at position {at}; {wanted} was not reached in time")]
pub struct TooLate {
    /// What was waited for.
    pub wanted: Position,
    /// Where they are.
    pub at: Position,
}

/// A projection as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectionItem {
    /// Its name.
    pub name: String,
    /// The version of its rows.
    pub version: i32,
    /// The position that its rows are folded up to.
    pub position: Position,
    /// How many events it is behind the log.
    pub lag: i64,
    /// How many streams are parked.
    pub parked: i64,
    /// Whether it goes on.
    pub status: Status,
    /// Why it does not.
    pub error: Option<String>,
    /// When it went on last.
    pub updated_at: DateTime<Utc>,
}

impl Projections {
    /// How long `stop` waits for a batch under way before it breaks it off; the database then forgets it.
    const LAST_BATCH: Duration = Duration::from_secs(10);

    /// The read models as they are, without anything that keeps them up to date.
    pub fn new(store: EventStore) -> Self {
        Self {
            store,
            position: Arc::new(watch::Sender::new(0)),
            wake: Arc::default(),
            stop: Arc::new(watch::Sender::new(false)),
            task: Arc::default(),
            memory: build::MEMORY_BYTES,
        }
    }

    /// The same, with at most about so many bytes of rows in memory while tables are built: a gibibyte unless said. Where the
    /// log makes more, it is read several times.
    #[must_use]
    pub fn with_memory(self, bytes: u64) -> Self {
        Self { memory: bytes, ..self }
    }

    /// The read models, kept up to date by a task of this process until [`Projections::stop`], or until nobody has them
    /// any more.
    pub fn start(store: EventStore) -> Self {
        let projections = Self::new(store);
        let (store, position) = (projections.store.clone(), projections.position.clone());
        let task = tokio::spawn(live::run(store, position, projections.wake.clone(), projections.stop.subscribe()));
        Self { task: Arc::new(Mutex::new(Some(task))), ..projections }
    }

    /// Stops keeping them up to date, after the batch under way.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(mut task) = self.task.lock().await.take()
            && tokio::time::timeout(Self::LAST_BATCH, &mut task).await.is_err()
        {
            task.abort();
            // Nothing of it goes on behind this.
            drop(task.await);
        }
    }

    /// The position that all read models have come to, as far as this process knows.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// The same, now and as it grows: for whoever acts on what the read models have come to know.
    pub fn positions(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Waits until all read models have come to a position, and says where they are.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<Position, TooLate> {
        let mut reached = self.position.subscribe();
        if *reached.borrow() < position {
            self.wake.notify_one();
        }
        let arrival = reached.wait_for(|reached| *reached >= position);
        match tokio::time::timeout(timeout, arrival).await {
            Ok(Ok(reached)) => Ok(*reached),
            _ => Err(TooLate { wanted: position, at: self.position() }),
        }
    }

    /// Every projection, with how far it is.
    pub async fn list(&self) -> Result<Vec<ProjectionItem>, ProjectionError> {
        checkpoints::ensure(self.store.pool()).await?;
        let stored = checkpoints::read(self.store.pool()).await?;
        // The head comes after the checkpoints, so that no projection seems to be ahead of the log.
        let head = self.store.head().await?;
        Ok(stored.into_iter().map(|checkpoint| checkpoint.item(head)).collect())
    }

    /// Sets the metrics that say how far the read models are behind the log at `now`, by the clock that events are
    /// recorded by. To be called every few seconds: nobody else sets them.
    pub async fn measure(&self, now: DateTime<Utc>) -> Result<(), ProjectionError> {
        measure::measure(self.store.pool(), now).await
    }

    /// The streams that a projection has set aside, page by page: in one site, or in all for whoever runs the database.
    pub async fn parked(
        &self,
        name: &str,
        site: Option<SiteId>,
        page: &Page,
    ) -> Result<Paged<ParkedStream>, ProjectionError> {
        named(Some(name))?;
        let after = page.cursor()?.map(|[position]| part(position)).transpose()?.unwrap_or(0);
        let parked = parking::list(self.store.pool(), name, site, after, page.rows()).await?;
        Ok(page.cut(parked, |stream| stream.position.to_string()))
    }

    /// Takes up again what one projection has set aside, or what all of them have, after a fix.
    pub async fn retry(&self, name: Option<&str>) -> Result<Vec<Retried>, ProjectionError> {
        checkpoints::ensure(self.store.pool()).await?;
        let mut retried = Vec::new();
        for model in named(name)? {
            retried.push(retry::retry(&self.store, model, None).await?);
        }
        Ok(retried)
    }

    /// Makes one projection anew from the log, or all of them at once, while readers and writers go on. Where a table is not
    /// what the log says, though its version is the same, that is an error and nothing is changed.
    pub async fn rebuild(&self, name: Option<&str>, progress: OnProgress<'_>) -> Result<(), ProjectionError> {
        checkpoints::ensure(self.store.pool()).await?;
        rebuild::rebuild(&self.store, &named(name)?, Differing::Refuse, self.memory, progress).await
    }

    /// Makes one projection anew, or all of them, whatever is in the tables now: after somebody has looked at the differences,
    /// or at a table that cannot be read.
    pub async fn rebuild_accepting_differences(
        &self,
        name: Option<&str>,
        progress: OnProgress<'_>,
    ) -> Result<(), ProjectionError> {
        checkpoints::ensure(self.store.pool()).await?;
        rebuild::rebuild(&self.store, &named(name)?, Differing::Accept, self.memory, progress).await
    }

    /// Builds all read models as they were at a moment into a schema, with a table `rollbook_as_of` that says which moment that
    /// is; the position. A schema that somebody else has made is refused.
    pub async fn build_schema(
        &self,
        when: When,
        schema: &str,
        progress: OnProgress<'_>,
    ) -> Result<Position, ProjectionError> {
        schema::build_schema(&self.store, when, schema, self.memory, progress).await
    }

    /// Compares the rows of one projection, or of all of them, with what the log says they should be.
    pub async fn verify(
        &self,
        name: Option<&str>,
        progress: OnProgress<'_>,
    ) -> Result<Vec<Verification>, ProjectionError> {
        checkpoints::ensure(self.store.pool()).await?;
        verify::verify(&self.store, &named(name)?, self.memory, progress).await
    }
}

/// The models of a name; all of them for none.
fn named(name: Option<&str>) -> Result<Vec<&'static dyn AnyModel>, ProjectionError> {
    let Some(name) = name else { return Ok(MODELS.to_vec()) };
    let model = MODELS.iter().find(|model| model.shape().name == name);
    model.map(|model| vec![*model]).ok_or_else(|| ProjectionError::Unknown(name.to_owned()))
}
