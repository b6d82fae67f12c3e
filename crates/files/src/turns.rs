//! Whose turn it is to do what takes much: few at once, the sites one after the other, and nobody waits in a line without
//! an end. One site with many files delays its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rollbook_domain::SiteId;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How many files of one site may wait: whoever has more than an hour's worth of patience sends them again.
const WAITING_OF_SITE: usize = 8;

/// How many files may wait in all; each is a request with a temporary file of up to 50 MiB.
const WAITING: usize = 64;

/// How long one waits: less than a client does for its answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// More files are waiting than are taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many files are being looked at; try again shortly")]
pub struct Busy;

/// The turns of one kind of work.
#[derive(Debug)]
pub struct Turns(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    free: usize,
    /// The sites that wait, whoever is next in front; none is here twice, and each has somebody.
    sites: VecDeque<(SiteId, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to do it now, until it is dropped.
#[derive(Debug)]
pub struct Turn(Arc<Mutex<Line>>);

impl Turns {
    /// So many at once.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(Line { free: at_once, sites: VecDeque::new() })))
    }

    /// Waits until it is this site's turn.
    pub async fn turn(&self, site: SiteId) -> Result<Turn, Busy> {
        let waiting = {
            let mut line = lock(&self.0);
            if line.free > 0 {
                line.free -= 1;
                return Ok(Turn(Arc::clone(&self.0)));
            }
            line.join(site)?
        };
        timeout(PATIENCE, waiting).await.ok().and_then(Result::ok).ok_or(Busy)
    }
}

impl Line {
    fn join(&mut self, site: SiteId) -> Result<oneshot::Receiver<Turn>, Busy> {
        for (_, waiting) in &mut self.sites {
            waiting.retain(|turn| !turn.is_closed());
        }
        self.sites.retain(|(_, waiting)| !waiting.is_empty());
        if self.sites.iter().map(|(_, waiting)| waiting.len()).sum::<usize>() >= WAITING {
            return Err(Busy);
        }
        let (turn, waiting) = oneshot::channel();
        match self.sites.iter_mut().find(|(other, _)| *other == site) {
            Some((_, of_site)) if of_site.len() >= WAITING_OF_SITE => return Err(Busy),
            Some((_, of_site)) => of_site.push_back(turn),
            None => self.sites.push_back((site, VecDeque::from([turn]))),
        }
        Ok(waiting)
    }

    /// Who is next; its site is last from now on. There is a place free where nobody is.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let next = self.sites.pop_front().and_then(|(site, mut waiting)| {
            let turn = waiting.pop_front();
            if !waiting.is_empty() {
                self.sites.push_back((site, waiting));
            }
            turn
        });
        if next.is_none() {
            self.free += 1;
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = lock(&self.0).next();
        if let Some(next) = next {
            // Whoever has gone meanwhile gives it back, and thereby on, when this is dropped.
            drop(next.send(Self(Arc::clone(&self.0))));
        }
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    // Nothing that is done under the lock panics half-way.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
