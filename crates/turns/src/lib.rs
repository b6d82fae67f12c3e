//! Whose turn it is to do what takes much: few at once, the sites one after the other, and nobody waits in a line without
//! an end. One site that asks for much delays its own. What the work is, the line never knows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rollbook_domain::SiteId;
use tokio::sync::oneshot;
use tokio::time::timeout;

#[cfg(test)]
mod tests;

/// How many work and wait.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many work at once.
    pub at_once: usize,
    /// How many wait, of all sites together.
    pub waiting: usize,
    /// How many of one site wait.
    pub waiting_of_site: usize,
    /// How long one waits.
    pub patience: Duration,
}

/// More are waiting than are taken on, or it took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many are waiting; try again shortly")]
pub struct Busy;

/// The turns of one kind of work.
#[derive(Debug)]
pub struct Turns {
    line: Arc<Mutex<Line>>,
    patience: Duration,
}

#[derive(Debug)]
struct Line {
    free: usize,
    bounds: Bounds,
    /// The sites that wait, whoever is next in front; none is here twice, and each has somebody.
    sites: VecDeque<(SiteId, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to do it now, until it is dropped.
#[derive(Debug)]
pub struct Turn(Arc<Mutex<Line>>);

impl Turns {
    /// Nobody works or waits.
    pub fn new(bounds: Bounds) -> Self {
        let line = Line { free: bounds.at_once, bounds, sites: VecDeque::new() };
        Self { line: Arc::new(Mutex::new(line)), patience: bounds.patience }
    }

    /// Waits until it is this site's turn.
    pub async fn turn(&self, site: SiteId) -> Result<Turn, Busy> {
        let waiting = {
            let mut line = lock(&self.line);
            if line.free > 0 {
                line.free -= 1;
                return Ok(Turn(Arc::clone(&self.line)));
            }
            line.join(site)?
        };
        timeout(self.patience, waiting).await.ok().and_then(Result::ok).ok_or(Busy)
    }
}

impl Line {
    fn join(&mut self, site: SiteId) -> Result<oneshot::Receiver<Turn>, Busy> {
        for (_, waiting) in &mut self.sites {
            waiting.retain(|turn| !turn.is_closed());
        }
        self.sites.retain(|(_, waiting)| !waiting.is_empty());
        let of_site = self.sites.iter().find(|(other, _)| *other == site).map_or(0, |(_, waiting)| waiting.len());
        if of_site >= self.bounds.waiting_of_site {
            return Err(Busy);
        }
        if self.sites.iter().map(|(_, waiting)| waiting.len()).sum::<usize>() >= self.bounds.waiting {
            self.make_room(of_site + 1)?;
        }
        let (turn, waiting) = oneshot::channel();
        match self.sites.iter_mut().find(|(other, _)| *other == site) {
            Some((_, of_site)) => of_site.push_back(turn),
            None => self.sites.push_back((site, VecDeque::from([turn]))),
        }
        Ok(waiting)
    }

    /// Sends away whoever came last of the site that has most in the line, if that is more than the one has that wants
    /// to join: no number of sites keeps another out.
    fn make_room(&mut self, wanted: usize) -> Result<(), Busy> {
        let longest = self.sites.iter_mut().map(|(_, waiting)| waiting).max_by_key(|waiting| waiting.len());
        let longest = longest.filter(|waiting| waiting.len() > wanted).ok_or(Busy)?;
        // They hear of it by the end of their channel.
        drop(longest.pop_back());
        Ok(())
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
