//! How sites' own databases are reached: where they may be, whom they are believed, for how long they are waited for, and how often
//! somebody may try. Whatever fails on the way to one looks alike and takes the same time.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Unfit;
use super::hosts::{Hosts, HostsError};

/// How many databases are tried at once that a site is given.
const AT_ONCE: usize = 4;
/// How many of them may fail to let us in, and how long that is remembered: whoever mistypes has enough of it, and whoever looks for
/// open ports has not.
const FAILURES: usize = 10;
const REMEMBERED: Duration = Duration::from_mins(1);

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until it has let us in. Failing takes exactly as long.
    pub within: Duration,
    /// While it owes an answer and sends nothing. A statement may wait for a lock or build an index.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { within: Duration::from_secs(5), silence: Duration::from_mins(2) }
    }
}

/// The way to sites' own databases, of one process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Reach(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    hosts: Hosts,
    authorities: Vec<CertificateDer<'static>>,
    patience: Patience,
    attempts: Mutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    under_way: usize,
    failed: VecDeque<Instant>,
}

/// Why the way cannot be as the operator says.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The list of hosts cannot be read.
    #[error("ROLLBOOK_SITE_DATABASE_HOSTS {0}")]
    Hosts(#[from] HostsError),
    /// The file has no certificates.
    #[error("ROLLBOOK_SITE_DATABASE_CA: no certificate can be read from {0}; it is a file in PEM")]
    Authorities(String),
}

/// One attempt to reach a database that a site is given. Broken off, it has failed.
#[derive(Debug)]
pub struct Attempt {
    reach: Reach,
    failed: bool,
}

impl Reach {
    /// The way to these hosts, whose servers are believed by the roots of the platform and the certificates in this file.
    pub fn try_new(hosts: Option<&str>, authorities: Option<&Path>, patience: Patience) -> Result<Self, ReachError> {
        let unread = || ReachError::Authorities(authorities.unwrap_or(Path::new("")).display().to_string());
        let read = |file: &Path| -> Option<Vec<_>> {
            let read: Vec<_> = CertificateDer::pem_file_iter(file).ok()?.collect::<Result<_, _>>().ok()?;
            let mut store = rustls::RootCertStore::empty();
            let all = read.iter().all(|certificate| store.add(certificate.clone()).is_ok());
            (all && !read.is_empty()).then_some(read)
        };
        let authorities = match authorities {
            Some(file) => read(file).ok_or_else(unread)?,
            None => Vec::new(),
        };
        Ok(Self(Arc::new(Shared { hosts: Hosts::try_new(hosts)?, authorities, patience, attempts: Mutex::default() })))
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    pub(super) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.0.authorities
    }

    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to reach a database; or how long to wait before that is allowed.
    pub fn attempt(&self) -> Result<Attempt, Duration> {
        let (mut attempts, now) = (self.attempts(), Instant::now());
        while attempts.failed.front().is_some_and(|at| now - *at >= REMEMBERED) {
            attempts.failed.pop_front();
        }
        if attempts.under_way >= AT_ONCE {
            return Err(self.0.patience.within);
        }
        if attempts.under_way + attempts.failed.len() >= FAILURES {
            let first = attempts.failed.front().map_or(now, |at| *at + REMEMBERED);
            return Err(first.saturating_duration_since(now).max(self.0.patience.within));
        }
        attempts.under_way += 1;
        Ok(Attempt { reach: self.clone(), failed: true })
    }

    /// What comes of an attempt to get in; a failure comes when the time is up, whatever it was.
    pub(super) async fn in_time<T>(&self, reached: impl Future<Output = Result<T, Unfit>>) -> Result<T, Unfit> {
        let until = Instant::now() + self.0.patience.within;
        match timeout_at(until, reached).await {
            Ok(Err(Unfit::Unreachable)) | Err(_) => {
                sleep_until(until).await;
                Err(Unfit::Unreachable)
            }
            Ok(reached) => reached,
        }
    }
}

impl Attempt {
    /// The database has let us in.
    pub fn succeeded(mut self) {
        self.failed = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut attempts = self.reach.attempts();
        attempts.under_way -= 1;
        if self.failed {
            attempts.failed.push_back(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_failure_takes_the_same_time() {
        let reach = Reach::default();
        let took = async |reached: &mut (dyn Future<Output = Result<(), Unfit>> + Unpin)| {
            let began = Instant::now();
            (reach.in_time(reached).await, began.elapsed())
        };
        let (refused, late) = (async { Err(Unfit::Unreachable) }, pending());
        let slow = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Err(Unfit::Unreachable)
        };
        let failed = (Err(Unfit::Unreachable), Patience::default().within);
        assert_eq!(took(&mut Box::pin(refused)).await, failed);
        assert_eq!(took(&mut Box::pin(slow)).await, failed);
        assert_eq!(took(&mut Box::pin(late)).await, failed);
        assert_eq!(took(&mut Box::pin(async { Ok(()) })).await, (Ok(()), Duration::ZERO));
        let let_in = async { Err(Unfit::TooOld(14)) };
        assert_eq!(took(&mut Box::pin(let_in)).await, (Err(Unfit::TooOld(14)), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_tried_at_once_and_a_few_may_fail() {
        let reach = Reach::default();
        let under_way: Vec<_> = (0..AT_ONCE).map(|_| reach.attempt().unwrap()).collect();
        assert!(reach.attempt().is_err());
        under_way.into_iter().for_each(Attempt::succeeded);
        for _ in 0..100 {
            reach.attempt().unwrap().succeeded();
        }
        for _ in 0..FAILURES {
            drop(reach.attempt().unwrap());
        }
        let wait = reach.attempt().unwrap_err();
        assert_eq!(wait, REMEMBERED);
        tokio::time::sleep(wait).await;
        assert!(reach.attempt().is_ok());
    }

    #[test]
    fn a_file_without_certificates_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["", "certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(file.path(), text).unwrap();
            let read = Reach::try_new(None, Some(file.path()), Patience::default());
            assert!(matches!(read, Err(ReachError::Authorities(_))), "{text}: {read:?}");
        }
        assert!(Reach::try_new(None, Some(Path::new("/nowhere")), Patience::default()).is_err());
    }
}
