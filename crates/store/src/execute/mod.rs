//! The executor: load, decide, append, and again where somebody else was faster.

mod pieces;

use std::time::Duration;

use chrono::{DateTime, Utc};
use rollbook_domain::plan::{Plan, plan};
use rollbook_domain::policy::authorise;
use rollbook_domain::world::World;
use rollbook_domain::{Actor, Command, CommandId, Event, Refusal, SiteId, StreamId};
use uuid::Uuid;

use self::pieces::AtOnce;
pub use self::pieces::Pace;
use crate::append::{Append, Appended, ReceiptExtras, StoredPiece, StoredReceipt, command_hash, hex};
use crate::load::Facts;
use crate::{Clock, EventStore, Position, Receipt, ReceiptEvent, ReceiptStream, StoreError};

/// An idempotency key, and whose it is: a client can send any id, and never a key of the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandKey {
    /// Who chose the id.
    pub issuer: Issuer,
    /// What they chose.
    pub id: CommandId,
}

/// Who issues idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Issuer {
    /// Whoever sends commands.
    Client,
    /// The service, for what it must do once, whichever process comes to do it.
    Service,
}

impl CommandKey {
    /// A key that came with a command.
    pub fn of_client(id: impl Into<CommandId>) -> Self {
        Self { issuer: Issuer::Client, id: id.into() }
    }

    /// A key of the service's own.
    pub fn of_service(id: impl Into<CommandId>) -> Self {
        Self { issuer: Issuer::Service, id: id.into() }
    }
}

/// A command as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which site.
    pub site: SiteId,
    /// Who sent it; from authentication.
    pub actor: Actor,
    /// What is asked.
    pub command: Command,
    /// The idempotency key; none makes one, which is the sender's.
    pub command_id: Option<CommandKey>,
    /// The version that the command's own stream must have, if the sender says.
    pub if_match: Option<i64>,
    /// What ties this command to others, for tracing; none is the command itself.
    pub correlation_id: Option<Uuid>,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The domain refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// `If-Match` does not hold: the stream has this version.
    #[error("the stream has version {actual}, not {expected}")]
    VersionMismatch {
        /// What the sender expected.
        expected: i64,
        /// What it is.
        actual: i64,
    },
    /// The idempotency key was used before, for something else or by somebody else.
    #[error("this idempotency key was used with another command")]
    KeyReused,
    /// Others were faster, every time.
    #[error("the command was decided {attempts} times, and each time somebody else was faster; send it again")]
    Contended {
        /// How often it was decided.
        attempts: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Executes commands against one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Executor {
    store: EventStore,
    clock: Clock,
}

impl Executor {
    /// An executor on a store.
    pub fn new(store: EventStore, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// The clock that requests are decided by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store that it appends to.
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// Carries a command out, once: the same key again gives the same receipt, whatever has happened since.
    pub async fn execute(&self, request: Request) -> Result<Receipt, ExecuteError> {
        self.execute_paced(request, &mut AtOnce).await
    }

    /// The same; what happens between the pieces of a command that goes in pieces is the pace's.
    pub async fn execute_paced(&self, request: Request, pace: &mut dyn Pace) -> Result<Receipt, ExecuteError> {
        self.carry_out(request, false, pace).await
    }

    /// As a whole, or in pieces where it is large.
    async fn carry_out(&self, request: Request, whole: bool, pace: &mut dyn Pace) -> Result<Receipt, ExecuteError> {
        let Request { site, actor, mut command, command_id, if_match, correlation_id } = request;
        let at = self.clock.now();
        let body = serde_json::to_vec(&command).map_err(StoreError::from)?;
        let command_hash = command_hash(actor, command.name(), &body);
        let key = command_id.unwrap_or_else(|| CommandKey::of_client(new_id()));
        let correlation_id = correlation_id.unwrap_or(key.id.0);
        command.fill_ids(new_id);
        command.fill_site(site);
        // The sites of the installation are claimed in one place.
        if command.is_of_the_registry() && site != SiteId::DEFAULT {
            return Err(Refusal::NotAllowed("sites are managed in the default site").into());
        }

        let sent = Sent { site, actor, command: &command, key, command_hash, correlation_id, if_match, at };
        // What this process knows is usually all there is: the append checks that, so that loading it first would only tell
        // the same. Only a refusal is never given on it.
        if let Some(world) = self.store.known(site, actor, &command)
            && let Ok(plan) = sent.decide(&world)
            && let Attempt::Done(receipt) = self.append(&sent, world, plan, pace).await?
        {
            return Ok(receipt);
        }
        for attempt in 0..ATTEMPTS {
            let Facts { world, receipt } = self.store.facts(site, actor, &command, key).await?;
            if let Some((hash, stored)) = receipt {
                // What a command has done is told to whoever may do it now, and so is that its key was used.
                authorise(&command, actor, &world)?;
                // The same key stands for the same command, and its answer.
                if hash != hex(&command_hash) {
                    return Err(ExecuteError::KeyReused);
                }
                return Box::pin(self.answer(&sent, stored, pace)).await;
            }
            let plan = sent.decide(&world)?;
            if let Some(pieces) = plan.pieces().filter(|_| !whole) {
                drop(world);
                return Box::pin(self.in_pieces(&sent, plan, pieces, pace)).await;
            }
            match self.append(&sent, world, plan, pace).await? {
                Attempt::Done(receipt) => return Ok(receipt),
                Attempt::Stale { what } => {
                    tracing::debug!(command_id = %key.id, attempt, what, "decided on stale facts");
                }
            }
            tokio::time::sleep(back_off(attempt)).await;
        }
        Err(ExecuteError::Contended { attempts: ATTEMPTS })
    }

    /// What a command would do now: decided on fresh facts, and not appended.
    pub async fn preview(&self, site: SiteId, actor: Actor, mut command: Command) -> Result<Plan, ExecuteError> {
        command.fill_ids(new_id);
        command.fill_site(site);
        let Facts { world, receipt: _ } =
            self.store.facts(site, actor, &command, CommandKey::of_client(new_id())).await?;
        Ok(plan(&command, actor, self.clock.now(), &world)?)
    }

    /// Appends what was decided, if the facts still hold.
    async fn append(
        &self,
        sent: &Sent<'_>,
        world: World,
        plan: Plan,
        pace: &mut dyn Pace,
    ) -> Result<Attempt, ExecuteError> {
        let Sent { site, command, key, .. } = *sent;
        let streams = concerned(command, &plan, &world);
        let append = Append { versions: world.versions().collect(), streams: &streams, ..sent.append(&plan) };
        // States are shared until they change: this one is not asked any more.
        drop(world);
        match self.store.append(&append).await? {
            Appended::At(position) => {
                for write in &plan.writes {
                    self.store.kept.advance(site, write);
                }
                let receipt = fresh(key.id, position, streams, plan)?;
                pace.wrote(receipt.events.len());
                Ok(Attempt::Done(receipt))
            }
            Appended::Duplicate(stored) => Ok(Attempt::Done(Box::pin(self.answer(sent, stored, pace)).await?)),
            Appended::KeyReused => Err(ExecuteError::KeyReused),
            Appended::Stale { what } => Ok(Attempt::Stale { what }),
        }
    }

    /// The answer to a command whose receipt is kept; what is missing of its pieces is appended.
    async fn answer(
        &self,
        sent: &Sent<'_>,
        stored: StoredReceipt,
        pace: &mut dyn Pace,
    ) -> Result<Receipt, ExecuteError> {
        let (receipt, pieces) = self.stored(sent.key.id, stored).await?;
        if pieces.is_empty() { Ok(receipt) } else { self.pieces(sent, receipt, pieces, pace).await }
    }

    /// A stored receipt with its events, which the log holds, and what else it is written by.
    async fn stored(
        &self,
        command_id: CommandId,
        stored: StoredReceipt,
    ) -> Result<(Receipt, Vec<StoredPiece>), StoreError> {
        let StoredReceipt { first_position, last_position, streams, lists: ReceiptExtras { rows, pieces, lists } } =
            stored;
        let events = match first_position {
            Some(first) => self.store.read(first - 1, last_position - first + 1).await?,
            None => Vec::new(),
        };
        let events = events
            .into_iter()
            .map(|recorded| receipt_event(recorded.position, recorded.stream, recorded.sequence, &recorded.event))
            .collect::<Result<_, _>>()?;
        Ok((Receipt { command_id, position: last_position, streams, events, lists, rows }, pieces))
    }
}

/// A command with everything that it was sent with.
struct Sent<'c> {
    site: SiteId,
    actor: Actor,
    command: &'c Command,
    key: CommandKey,
    command_hash: [u8; 32],
    correlation_id: Uuid,
    if_match: Option<i64>,
    at: DateTime<Utc>,
}

impl Sent<'_> {
    fn decide(&self, world: &World) -> Result<Plan, ExecuteError> {
        let decided = plan(self.command, self.actor, self.at, world);
        // The version is told to those who may ask, and before any rule is.
        if !matches!(decided, Err(Refusal::NotAllowed(_))) {
            check_version(self.if_match, self.command, world)?;
        }
        Ok(decided?)
    }

    /// A plan of it on its way into the log, which relies on nothing and tells of no stream.
    fn append<'a>(&self, plan: &'a Plan) -> Append<'a> {
        let Self { site, actor, command: _, key, command_hash, correlation_id, if_match: _, at } = *self;
        let (versions, pieces, streams) = (Vec::new(), &[][..], &[][..]);
        Append { site, key, command_hash, correlation_id, actor, at, versions, plan, pieces, streams }
    }
}

/// What became of an attempt.
enum Attempt {
    Done(Receipt),
    Stale { what: String },
}

/// How often a command is decided before its sender is asked to send it again.
const ATTEMPTS: u32 = 12;

/// Doubling from 2 ms to at most 64 ms, with full jitter, so that those who clash do not clash again.
fn back_off(attempt: u32) -> Duration {
    let most_micros = 2_000_u64 << attempt.min(5);
    Duration::from_micros(rand::random_range(0..most_micros))
}

#[expect(clippy::disallowed_methods, reason = "the executor is the edge that makes ids")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

fn check_version(if_match: Option<i64>, command: &Command, world: &World) -> Result<(), ExecuteError> {
    let Some((expected, stream)) = if_match.zip(command.stream()) else { return Ok(()) };
    let actual = world.any(stream).version();
    if actual == expected { Ok(()) } else { Err(ExecuteError::VersionMismatch { expected, actual }) }
}

/// The streams of a receipt: those that were written, or else the one that the command is about.
fn concerned(command: &Command, plan: &Plan, world: &World) -> Vec<ReceiptStream> {
    let stream = |stream: StreamId, version| ReceiptStream { stream_type: stream.kind, id: stream.id, version };
    let mut streams: Vec<_> = plan.writes.iter().map(|write| stream(write.stream, write.version_after())).collect();
    if let Some(about) = command.stream()
        && !streams.iter().any(|stream| stream.id == about.id)
        && world.any(about).version() > 0
    {
        streams.insert(0, stream(about, world.any(about).version()));
    }
    streams
}

/// The receipt of what was just appended; `position` is the log's last after it.
fn fresh(
    command_id: CommandId,
    position: Position,
    streams: Vec<ReceiptStream>,
    plan: Plan,
) -> Result<Receipt, StoreError> {
    let total: usize = plan.writes.iter().map(|write| write.events.len()).sum();
    let mut at = position - i64::try_from(total).unwrap_or(i64::MAX);
    let mut events = Vec::with_capacity(total);
    for write in &plan.writes {
        for (sequence, event) in (write.expected_version + 1..).zip(&write.events) {
            at += 1;
            events.push(receipt_event(at, write.stream, sequence, event)?);
        }
    }
    Ok(Receipt { command_id, position, streams, events, lists: plan.lists, rows: plan.rows })
}

fn receipt_event(
    position: Position,
    stream: StreamId,
    sequence: i64,
    event: &Event,
) -> Result<ReceiptEvent, StoreError> {
    Ok(ReceiptEvent {
        position,
        event_type: event.type_name().to_owned(),
        stream: stream.id,
        sequence,
        data: event.data()?,
    })
}
