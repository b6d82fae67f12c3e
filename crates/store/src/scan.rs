//! Reading the log from end to end: a binary COPY on a connection of its own, which one reader only cuts into tuples, and as
//! many workers decode as there are partitions. It never holds more than a few batches, and never reads past an event that
//! cannot be read.
//!
//! All events of a stream go to the same partition, in their order; partitions know nothing of each other.

use futures::TryStreamExt;
use rollbook_domain::StreamType;
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;

use crate::tuple::{self, Cut};
use crate::{EventStore, Position, Recorded, StoreError};

/// How large a batch grows before it goes to a worker, in bytes. A tuple is never cut in two.
const BATCH_BYTES: usize = 128 << 10;
/// How many batches wait for a worker. With the one that is filled and the one that is worked on, a partition has
/// six: 768 KiB, unless single events are larger than a batch.
const WAITING_BATCHES: usize = 4;

/// Which events are read.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'s> {
    /// Those after this position.
    pub after: Position,
    /// Those up to this position, which is in the log.
    pub until: Position,
    /// Those of these types of stream; the others are not sent.
    pub streams: &'s [StreamType],
    /// Those of a share of all streams; the others are not sent.
    pub share: Share,
    /// Whether they come with their actor and authority, which are a third of what there is to send; otherwise with none.
    pub actors: bool,
}

/// A share of all streams, by their ids: every stream is in one of as many as there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which; the first is 0.
    pub nth: u32,
    /// Of how many.
    pub of: u32,
}

impl Share {
    /// All streams.
    pub const ALL: Self = Self { nth: 0, of: 1 };
}

/// Takes the events of a part of all streams.
pub trait Partition: Send + 'static {
    /// Why it does not take them.
    type Error: From<ScanError> + Send;

    /// The next events, in the order of the log.
    fn take(&mut self, events: &[Recorded]) -> Result<(), Self::Error>;
}

/// Why a scan has no end.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// An event that this version of the software cannot read.
    #[error("position {position}: {source}")]
    Unreadable {
        /// Where it is in the log.
        position: Position,
        /// What is wrong with it.
        source: StoreError,
    },
    /// The database failed, or the log is not whole.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ScanError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl EventStore {
    /// How much the log takes on the disk, in bytes, without its indexes.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let size: i64 = sqlx::query_scalar("select pg_table_size('events')").fetch_one(&self.pool).await?;
        Ok(u64::try_from(size).unwrap_or_default())
    }

    /// A connection of its own, beside the pool: for COPY, and for work that takes as long as it takes.
    pub async fn connection(&self) -> Result<PgConnection, StoreError> {
        Ok(PgConnection::connect_with(&self.pool.connect_options()).await?)
    }

    /// Gives every event of a scan to the partition of its stream, and the partitions back. `reached` hears now and then
    /// which position has been read.
    pub async fn scan<P: Partition>(
        &self,
        scan: Scan<'_>,
        partitions: Vec<P>,
        reached: &mut (dyn FnMut(Position) + Send),
    ) -> Result<Vec<P>, P::Error> {
        let mut senders = Vec::with_capacity(partitions.len());
        let mut workers = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let (sender, batches) = mpsc::channel(WAITING_BATCHES);
            senders.push(sender);
            workers.push(tokio::task::spawn_blocking(move || work(partition, batches)));
        }
        let read = self.read_to(scan, &senders, reached).await;
        drop(senders);
        let mut taken = Vec::with_capacity(workers.len());
        let mut failed = None;
        for worker in workers {
            match worker.await {
                Ok(Ok(partition)) => taken.push(partition),
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => read.map(|()| taken).map_err(Into::into),
        }
    }

    /// Reads a part of the log and routes its tuples; ends early when a worker has.
    async fn read_to(
        &self,
        Scan { after, until, streams, share, actors }: Scan<'_>,
        workers: &[mpsc::Sender<Vec<u8>>],
        reached: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), ScanError> {
        let all = <StreamType as strum::VariantArray>::VARIANTS.iter().all(|kind| streams.contains(kind));
        let only = if all {
            String::new()
        } else {
            let names: Vec<_> = streams.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
            format!("and aggregate_type in ({})", names.join(", "))
        };
        let mine = if share.of > 1 {
            // Never negative, and even enough: nothing is kept by it.
            format!("and (hashtext(aggregate_id) & 65535) % {} = {}", share.of, share.nth)
        } else {
            String::new()
        };
        let mut connection = self.connection().await?;
        let sql = format!(
            "copy (select {} from events where position > {after} and position <= {until} {only} {mine}
            order by position) to stdout (format binary)",
            tuple::columns(actors)
        );
        #[expect(clippy::disallowed_methods, reason = "no pool lends this connection")]
        let mut messages = connection.copy_out_raw(&sql).await?;
        let mut batches = vec![Vec::new(); workers.len()];
        let mut count = 0_i64;
        // PostgreSQL sends the file's header with the first tuple, and each tuple in a message of its own.
        let mut header = tuple::HEADER_BYTES;
        while let Some(message) = messages.try_next().await? {
            let message = message.get(header..).ok_or_else(tuple::torn)?;
            header = 0;
            let Some(Cut { position, hash }) = tuple::cut(message)? else { continue };
            count += 1;
            if count > until - after {
                return Err(StoreError::Corrupt(format!("more events than positions up to {until}")).into());
            }
            let nth = usize::try_from(hash % workers.len() as u64).unwrap_or_default();
            let batch: &mut Vec<u8> = &mut batches[nth];
            batch.reserve_exact(if batch.is_empty() { BATCH_BYTES } else { 0 });
            batch.extend_from_slice(message);
            if batch.len() >= BATCH_BYTES {
                reached(position);
                if workers[nth].send(std::mem::take(batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        for (worker, batch) in workers.iter().zip(batches) {
            if worker.send(batch).await.is_err() {
                return Ok(());
            }
        }
        if all && share == Share::ALL && count != until - after {
            return Err(StoreError::Corrupt(format!("{count} events between positions {after} and {until}")).into());
        }
        reached(until);
        Ok(())
    }
}

/// What a worker does until there are no more batches.
fn work<P: Partition>(mut partition: P, mut batches: mpsc::Receiver<Vec<u8>>) -> Result<P, P::Error> {
    let mut events = Vec::new();
    while let Some(batch) = batches.blocking_recv() {
        let mut rest = &batch[..];
        while !rest.is_empty() {
            let event = tuple::decode(&mut rest).map_err(|(position, source)| match position {
                Some(position) => ScanError::Unreadable { position, source },
                None => ScanError::Store(source),
            })?;
            events.push(event);
        }
        partition.take(&events)?;
        events.clear();
    }
    Ok(partition)
}
