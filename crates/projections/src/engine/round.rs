//! One round of the live engine: read the log once, and fold the batch into every model that this process can take, in one
//! transaction with their checkpoints. No single event holds up more than its own stream.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rollbook_store::transaction::begin;
use rollbook_store::{EventStore, Position};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;

use super::batch::Batch;
use super::checkpoints::{self, Checkpoint};
use super::fast_path::{FastPath, FastRound};
use super::parking::{self, Fault};
use super::renew::Renewing;
use crate::ProjectionError;
use crate::erased::{AnyModel, MODELS};

/// The most events in one transaction.
const BATCH: i64 = 1_000;
/// How long a process that follows another one's models waits for them to go on before it takes them over.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long a stuck model is left alone.
const REST: Duration = Duration::from_secs(5);

/// How a round ended.
pub(super) enum Done {
    /// The models have gone on; there may be more.
    Some,
    /// There was nothing to do.
    Nothing,
    /// Another process has models that are behind the log.
    ByAnother,
}

/// Why a round had no end.
pub(super) enum Trouble {
    /// Models cannot go on from a position.
    Stuck { names: Vec<&'static str>, at: Position, error: ProjectionError },
    /// The database is in trouble; nothing is wrong with the models.
    Database(ProjectionError),
}

impl<E: Into<ProjectionError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// The rounds of one process.
pub(super) struct Rounds {
    store: EventStore,
    published: Arc<watch::Sender<Position>>,
    /// The checkpoints as this process last saw them; empty when it should look again. They only say where to read: what
    /// is folded, the locked checkpoint decides.
    known: BTreeMap<String, Checkpoint>,
    /// The models that are left alone, and until when.
    resting: BTreeMap<&'static str, Instant>,
    /// Whether the next batch holds something that cannot be folded, and is to be searched for it.
    carefully: bool,
    usual: FastPath,
    /// The rows of a new version, while they are built.
    renewing: Renewing,
    /// Another process has the models: where they were last, and since when.
    follows: Option<(Position, Instant)>,
    /// Whether the last batch was full, so that there is probably more.
    full: bool,
    /// Whether this round is for the models that are furthest behind, where they are not all at one position.
    laggards: bool,
}

impl Rounds {
    pub fn new(store: EventStore, published: Arc<watch::Sender<Position>>) -> Self {
        let (known, resting) = (BTreeMap::new(), BTreeMap::new());
        let usual = FastPath::new(store.pool());
        Self {
            store,
            published,
            known,
            resting,
            carefully: false,
            usual,
            renewing: Renewing::default(),
            follows: None,
            full: false,
            laggards: true,
        }
    }

    pub fn pool(&self) -> &PgPool {
        self.store.pool()
    }

    /// Whether there is probably more to fold at once.
    pub fn full(&self) -> bool {
        self.full
    }

    /// Reads the checkpoints in the next round: another process may have moved them.
    pub fn invalidate_checkpoints(&mut self) {
        self.known.clear();
    }

    /// Takes back what was published: the database was away, and may come back as it was a moment before, because the
    /// positions are not waited for. Readers wait until it is known again.
    pub fn retract_position(&mut self) {
        self.invalidate_checkpoints();
        self.published.send_if_modified(|published| std::mem::take(published) != 0);
    }

    /// Leaves models alone for a while.
    pub fn back_off(&mut self, names: &[&'static str]) {
        let until = Instant::now() + REST;
        self.resting.extend(names.iter().map(|name| (*name, until)));
        self.invalidate_checkpoints();
    }

    /// One round.
    pub async fn next(&mut self) -> Result<Done, Trouble> {
        if self.known.is_empty() {
            self.read_checkpoints().await?;
        }
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        let mut models = Vec::new();
        let mut outdated = Vec::new();
        for model in MODELS.iter().copied().filter(|model| !self.resting.contains_key(model.shape().name)) {
            match self.version(model).cmp(&model.shape().version) {
                Ordering::Less => outdated.push(model),
                Ordering::Equal => models.push(model),
                Ordering::Greater => {}
            }
        }
        self.renew(&outdated)?;
        if self.known.is_empty() {
            // The new version has its rows: where the models are now is not known before the next look.
            return Ok(Done::Some);
        }
        let positions: Vec<_> = models.iter().map(|model| self.position(*model)).collect();
        let (Some(&first), Some(&last)) = (positions.iter().min(), positions.iter().max()) else {
            return Ok(Done::Nothing);
        };
        if let Some(done) = self.still_another(first).await? {
            return Ok(done);
        }
        self.laggards = !self.laggards;
        let from = if self.laggards { first } else { last };
        let batch = Batch::read(&self.store, from, BATCH).await?;
        self.full = batch.as_ref().is_some_and(|batch| batch.last() - batch.after() >= BATCH);
        match batch {
            Some(batch) if first == last && models.len() == MODELS.len() => self.usually(&models, &batch).await,
            Some(batch) => self.fold(&models, &batch).await,
            None if first == last => Ok(Done::Nothing),
            None => Ok(Done::Some),
        }
    }

    /// How the round ends where another process has the models: they are where the log is, or it brings them on. None where
    /// nobody has them, or not any more.
    async fn still_another(&mut self, at: Position) -> Result<Option<Done>, Trouble> {
        let Some((position, since)) = self.follows else { return Ok(None) };
        let at_the_end = at >= self.store.head().await?;
        if at_the_end || at > position {
            self.follows = Some((at, Instant::now()));
        } else if since.elapsed() >= PATIENCE {
            self.follows = None;
            return Ok(None);
        }
        Ok(Some(if at_the_end { Done::Nothing } else { Done::ByAnother }))
    }

    /// Folds a batch into all models at once, if nothing is parked, and nothing in it needs care.
    async fn usually(&mut self, models: &[&'static dyn AnyModel], batch: &Batch) -> Result<Done, Trouble> {
        let checkpoints: Vec<&Checkpoint> = self.known.values().collect();
        let parked = checkpoints.iter().any(|checkpoint| checkpoint.parked > 0);
        let events = batch.all_events().filter(|_| !parked && !self.carefully);
        let Some(events) = events else {
            self.usual.forget();
            return self.fold(models, batch).await;
        };
        match self.usual.round(&checkpoints, events, batch.last()).await {
            Ok(FastRound::Applied) => {
                let moved: Vec<_> = models.iter().map(|model| (model.shape().name, events.len())).collect();
                self.moved(&moved, batch.last());
                Ok(Done::Some)
            }
            Ok(FastRound::Fenced) => {
                self.follows = Some((batch.after(), Instant::now()));
                Ok(Done::ByAnother)
            }
            Err(error) if Fault::of(&error) == Fault::Event => {
                self.carefully = true;
                Ok(Done::Some)
            }
            // Which model's it is, the other way of folding tells.
            Err(error) if Fault::of(&error) == Fault::Table => self.fold(models, batch).await,
            Err(error) => Err(Trouble::Database(error)),
        }
    }

    /// Folds a batch into the models that nobody else has, each in a savepoint where that takes care.
    async fn fold(&mut self, models: &[&'static dyn AnyModel], batch: &Batch) -> Result<Done, Trouble> {
        let carefully = std::mem::take(&mut self.carefully);
        let names: Vec<_> = models.iter().map(|model| model.shape().name).collect();
        let mut tx = begin(self.store.pool()).await?;
        let locked = checkpoints::try_lock_in_tx(&mut tx, &names).await?;
        let mut parked = parking::among_in_tx(&mut tx, &locked, batch).await?;
        let (mut moved, mut parkings) = (Vec::new(), Vec::new());
        for model in models {
            let shape = model.shape();
            let Some(checkpoint) = locked.iter().find(|checkpoint| checkpoint.name == shape.name) else { continue };
            // Only the very next events, and only into rows of this version: another process may have changed either.
            let fresh = batch.fresh(checkpoint.position).filter(|_| checkpoint.version == shape.version);
            let Some(fresh) = fresh else { continue };
            let parked = parked.remove(shape.name).unwrap_or_default();
            match parking::fold_in_tx(&mut tx, *model, &fresh, parked, carefully).await {
                Ok(aside) => parkings.push((shape.name, aside)),
                Err(error) => return self.failed(shape.name, checkpoint.position, error),
            }
            moved.push((shape.name, fresh.len()));
        }
        if moved.is_empty() {
            return Ok(Done::ByAnother);
        }
        for (name, aside) in &parkings {
            parking::park_in_tx(&mut tx, name, aside).await?;
        }
        let names: Vec<_> = moved.iter().map(|(name, _)| *name).collect();
        checkpoints::advance_in_tx(&mut tx, &names, batch.last()).await?;
        tx.commit().await?;
        parking::say(&parkings);
        self.moved(&moved, batch.last());
        // What is parked is known from the checkpoints.
        if locked.len() < models.len() || parkings.iter().any(|(_, aside)| !aside.is_empty()) {
            self.invalidate_checkpoints();
        }
        Ok(Done::Some)
    }

    /// What to do about a batch that could not be folded.
    fn failed(&mut self, name: &'static str, at: Position, error: ProjectionError) -> Result<Done, Trouble> {
        match Fault::of(&error) {
            Fault::Event => {
                self.carefully = true;
                Ok(Done::Some)
            }
            Fault::Table => Err(Trouble::Stuck { names: vec![name], at, error }),
            Fault::Database => Err(Trouble::Database(error)),
        }
    }

    /// Has the rows of models made anew that older software has made, beside everything else; takes note of how that ended.
    fn renew(&mut self, outdated: &[&'static dyn AnyModel]) -> Result<(), Trouble> {
        let Some(ended) = self.renewing.go_on(&self.store, outdated) else { return Ok(()) };
        let names: Vec<_> = outdated.iter().map(|model| model.shape().name).collect();
        let at = outdated.first().map_or(0, |model| self.position(*model));
        self.invalidate_checkpoints();
        match ended {
            Ok(()) => Ok(()),
            Err(ProjectionError::UnderWay) => {
                self.back_off(&names);
                Ok(())
            }
            Err(error @ (ProjectionError::Poison { .. } | ProjectionError::Fold { .. })) => {
                Err(Trouble::Stuck { names, at, error })
            }
            Err(error) => Err(Trouble::Database(error)),
        }
    }

    /// Reads the checkpoints as they are committed.
    async fn read_checkpoints(&mut self) -> Result<(), Trouble> {
        let mut stored = checkpoints::read(self.store.pool()).await?;
        if stored.len() < MODELS.len() {
            checkpoints::ensure(self.store.pool()).await?;
            stored = checkpoints::read(self.store.pool()).await?;
        }
        self.known = stored.into_iter().map(|checkpoint| (checkpoint.name.clone(), checkpoint)).collect();
        self.publish();
        Ok(())
    }

    /// Takes note that models have gone on, and tells those who wait.
    fn moved(&mut self, moved: &[(&'static str, usize)], last: Position) {
        for (name, events) in moved {
            if let Some(known) = self.known.get_mut(*name) {
                known.moved_to(last);
            }
            let events = u64::try_from(*events).unwrap_or(u64::MAX);
            metrics::counter!("rollbook_projection_events_total", "projection" => *name).increment(events);
        }
        self.publish();
    }

    /// Publishes the position that all models have come to, by whichever process.
    fn publish(&self) {
        let position = self.known.values().map(|checkpoint| checkpoint.position).min().unwrap_or(0);
        self.published.send_if_modified(|published| std::mem::replace(published, position) != position);
    }

    fn position(&self, model: &dyn AnyModel) -> Position {
        self.known.get(model.shape().name).map_or(0, |checkpoint| checkpoint.position)
    }

    fn version(&self, model: &dyn AnyModel) -> i32 {
        self.known.get(model.shape().name).map_or(0, |checkpoint| checkpoint.version)
    }
}
