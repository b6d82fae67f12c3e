//! The one appender of a process: while a batch is being written, the next one queues, and goes as one statement, one
//! lock and one commit. It waits for nothing when it is idle, and holds nothing back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::batch::{self, Concerns, Outcome, Refused};
use super::prepared::{Prepared, Written};
use super::{Appended, StoreError};
use crate::dedicated_connection::DedicatedConnection;
use crate::recent::Recent;

/// How many requests may wait. Beyond that the service says that it is overloaded: at some thousand a second, whoever were
/// further back would have given up.
pub(super) const QUEUE: usize = 1_024;
/// The most requests of one batch: beyond some fifty, a request costs no less.
const BATCH: usize = 256;
/// About the most bytes of one batch.
const BATCH_BYTES: usize = 4 << 20;
/// How often other processes are told of appends at most: a commit with a notification holds a lock that all of them share.
const ANNOUNCE: Duration = Duration::from_millis(5);

/// A request with where its answer goes.
pub(crate) struct Job {
    pub(super) request: Prepared,
    pub(super) reply: oneshot::Sender<Result<Appended, StoreError>>,
}

/// Writes batches until nobody can ask any more.
pub(super) async fn run(mut link: DedicatedConnection, recent: Arc<Recent>, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
    // Only one of them lives at a time.
    let mut queue = queue.lock().await;
    let mut waiting: VecDeque<Job> = VecDeque::new();
    let mut arrived = Vec::new();
    let mut announced = Announced::default();
    loop {
        if waiting.is_empty() {
            match timeout(announced.due(), queue.recv_many(&mut arrived, BATCH)).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => announced.catch_up(&mut link, &recent).await,
            }
        }
        while waiting.len() + arrived.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            arrived.push(job);
        }
        // Whoever sent it may have gone away while it waited.
        waiting.extend(arrived.drain(..).filter(|job| !job.reply.is_closed()));
        let jobs = take_batch(&mut waiting);
        if jobs.is_empty() {
            continue;
        }
        let announce = announced.next();
        write(&mut link, &recent, jobs, announce).await;
    }
    if announced.pending {
        announced.catch_up(&mut link, &recent).await;
    }
    link.close().await;
}

/// When other processes were told of appends, and whether there is something that they were not told.
#[derive(Default)]
struct Announced {
    last: Option<Instant>,
    pending: bool,
}

impl Announced {
    /// Whether the next batch is to be announced.
    fn next(&mut self) -> bool {
        let now = Instant::now();
        let announce = self.last.is_none_or(|last| now - last >= ANNOUNCE);
        if announce {
            self.last = Some(now);
        }
        self.pending = !announce;
        announce
    }

    /// How long what is pending may go on waiting.
    fn due(&self) -> Duration {
        if self.pending { ANNOUNCE } else { Duration::MAX }
    }

    /// Tells others of what is pending.
    async fn catch_up(&mut self, link: &mut DedicatedConnection, recent: &Recent) {
        self.pending = false;
        self.last = Some(Instant::now());
        let head = recent.head().to_string();
        let told = link.rows(|| sqlx::query("select pg_notify('rollbook_events', $1)").bind(&head)).await;
        if let Err(error) = told {
            tracing::debug!(%error, "other processes were not told of an append; they poll");
        }
    }
}

/// The requests that can go together, in the order in which they came; the others go on waiting.
fn take_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut concerns = Concerns::default();
    let (mut batch, mut others, mut bytes) = (Vec::new(), VecDeque::new(), 0);
    for job in waiting.drain(..) {
        let admitted = concerns.admit(&job.request);
        if admitted && batch.len() < BATCH && (batch.is_empty() || bytes + job.request.bytes() <= BATCH_BYTES) {
            bytes += job.request.bytes();
            batch.push(job);
        } else {
            others.push_back(job);
        }
    }
    *waiting = others;
    batch
}

async fn write(link: &mut DedicatedConnection, recent: &Recent, jobs: Vec<Job>, announce: bool) {
    let requests: Vec<&Prepared> = jobs.iter().map(|job| &job.request).collect();
    let started = Instant::now();
    let done = batch::append(link, &requests, announce).await;
    metrics::histogram!("rollbook_append_seconds").record(started.elapsed());
    metrics::histogram!("rollbook_append_batch_size").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
    match done {
        Ok(outcome) => answer(recent, jobs, outcome),
        // Something in one of them that the database does not take: only that one is to blame.
        Err(error) if jobs.len() > 1 && batch::of_the_data(&error) => {
            tracing::warn!(%error, requests = jobs.len(), "a batch was refused as a whole; its requests go one by one");
            for job in jobs {
                Box::pin(write(link, recent, vec![job], announce)).await;
            }
        }
        Err(error) => {
            for (job, error) in jobs.into_iter().zip(error.for_everybody()) {
                // Whoever has gone away needs no answer.
                drop(job.reply.send(Err(error)));
            }
        }
    }
}

fn answer(recent: &Recent, jobs: Vec<Job>, Outcome { head, mut refused }: Outcome) {
    let mut position = head;
    let mut written = Vec::new();
    let mut replies = Vec::with_capacity(jobs.len());
    for (n, Job { request, reply }) in jobs.into_iter().enumerate() {
        let appended = match refused.remove(&n) {
            None => {
                for Written { mut recorded, payload } in request.events {
                    position += 1;
                    recorded.position = position;
                    written.push((recorded, payload.len()));
                }
                Appended::At(position)
            }
            Some(Refused::Duplicate { receipt }) => Appended::Duplicate(receipt),
            Some(Refused::KeyReused) => Appended::KeyReused,
            Some(Refused::Stale { what } | Refused::Claimed { what } | Refused::LimitExceeded { what }) => {
                metrics::counter!("rollbook_append_conflicts_total").increment(1);
                Appended::Stale { what }
            }
        };
        replies.push((reply, appended));
    }
    recent.add(written);
    for (reply, appended) in replies {
        drop(reply.send(Ok(appended)));
    }
}
