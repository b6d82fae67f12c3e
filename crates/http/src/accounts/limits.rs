//! How often signing in may fail: counted before a password is hashed, in the memory of this process and of bounded size. Several
//! processes count each for themselves, and a restart begins anew.
//!
//! An address and an account together, an address alone, and an account from everywhere where it has not been signed in before. On a
//! device where it has, only what fails on that device counts: strangers lock nobody out of their own.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::problem::AccountProblem;
use crate::client::ClientAddress;

/// What an address, or a known device, may fail at for one account.
const TOGETHER: (u32, TimeDelta) = (10, TimeDelta::minutes(15));
/// What an address may fail at.
const ADDRESS: (u32, TimeDelta) = (50, TimeDelta::minutes(15));
/// What strangers may fail at for one account.
const STRANGERS: (u32, TimeDelta) = (100, TimeDelta::hours(1));
/// How many reset letters an address may ask for.
const RESETS: (u32, TimeDelta) = (20, TimeDelta::hours(1));
/// How many failures of an account are recorded in the log.
const RECORDED: (u32, TimeDelta) = (3, TimeDelta::minutes(15));

/// How often one person changes their password: each change ends their other sessions, and takes the work of two hashes.
const CHANGES: (u32, TimeDelta) = (1, TimeDelta::minutes(1));

/// How many keys of a kind are counted at a time.
const KEYS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// An account as it is counted: also one that there is not, and never in clear.
type AccountKey = [u8; 32];

/// From where somebody tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Address(IpAddr),
    Device(AccountKey),
}

/// The counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    together: Windows<(AccountKey, Origin)>,
    address: Windows<IpAddr>,
    strangers: Windows<AccountKey>,
    resets: Windows<IpAddr>,
    recorded: Windows<AccountKey>,
    changes: Windows<AccountKey>,
}

/// An attempt that counts as failed until it is known to have gone well.
#[derive(Debug)]
#[must_use = "an attempt that goes well must be forgiven"]
pub struct Attempt {
    account: AccountKey,
    address: Option<IpAddr>,
    origin: Origin,
}

impl Limits {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Counts {
            together: Windows::new(TOGETHER),
            address: Windows::new(ADDRESS),
            strangers: Windows::new(STRANGERS),
            resets: Windows::new(RESETS),
            recorded: Windows::new(RECORDED),
            changes: Windows::new(CHANGES),
        })))
    }

    /// Takes an attempt on, or says how long to wait. `device` is a device that is known to be the account's own.
    pub fn attempt(
        &self,
        account: &str,
        client: ClientAddress,
        device: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, AccountProblem> {
        let account = Sha256::digest(account).into();
        let address = client.network();
        let origin = device.map_or(Origin::Address(address), |device| Origin::Device(Sha256::digest(device).into()));
        let attempt = Attempt { account, address: device.is_none().then_some(address), origin };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits = vec![counts.together.wait(&(account, origin), now)];
        if let Some(address) = attempt.address {
            waits.push(counts.address.wait(&address, now));
            waits.push(counts.strangers.wait(&account, now));
        }
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(too_many(wait));
        }
        counts.together.add((account, origin), now);
        if let Some(address) = attempt.address {
            counts.address.add(address, now);
            counts.strangers.add(account, now);
        }
        Ok(attempt)
    }

    /// The attempt went well, or was never decided.
    pub fn forgive(&self, attempt: &Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.together.take_back(&(attempt.account, attempt.origin));
        if let Some(address) = attempt.address {
            counts.address.take_back(&address);
            counts.strangers.take_back(&attempt.account);
        }
    }

    /// Whether a failure is one of the first of a burst, which the log records.
    pub fn is_recorded(&self, attempt: &Attempt, now: DateTime<Utc>) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = counts.recorded.wait(&attempt.account, now).is_none();
        if recorded {
            counts.recorded.add(attempt.account, now);
        }
        recorded
    }

    /// Refuses to change a password that was changed a moment ago.
    pub fn refuse_changed(&self, account: &str, now: DateTime<Utc>) -> Result<(), AccountProblem> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.changes.wait(&Sha256::digest(account).into(), now) {
            Some(wait) => Err(AccountProblem::PasswordChangedRecently { retry_after: seconds(wait) }),
            None => Ok(()),
        }
    }

    /// A password was changed.
    pub fn changed(&self, account: &str, now: DateTime<Utc>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.changes.add(Sha256::digest(account).into(), now);
    }

    /// Takes on that an address asks for a reset, or says how long to wait.
    pub fn reset(&self, client: ClientAddress, now: DateTime<Utc>) -> Result<(), AccountProblem> {
        let address = client.network();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = counts.resets.wait(&address, now) {
            return Err(too_many(wait));
        }
        counts.resets.add(address, now);
        Ok(())
    }
}

fn too_many(wait: TimeDelta) -> AccountProblem {
    AccountProblem::TooManyAttempts { retry_after: seconds(wait) }
}

/// The first whole second after a wait.
fn seconds(wait: TimeDelta) -> u64 {
    u64::try_from(wait.num_seconds()).unwrap_or(0) + 1
}

/// Counts by key, each in a window of time that begins with its first.
#[derive(Debug)]
struct Windows<K: Hash + Eq> {
    counts: LruCache<K, (DateTime<Utc>, u32)>,
    most: u32,
    length: TimeDelta,
}

impl<K: Hash + Eq> Windows<K> {
    fn new((most, length): (u32, TimeDelta)) -> Self {
        Self { counts: LruCache::new(KEYS), most, length }
    }

    /// How long until there is room again; none where there is.
    fn wait(&self, key: &K, now: DateTime<Utc>) -> Option<TimeDelta> {
        let (began, count) = self.counts.peek(key)?;
        let ends = *began + self.length;
        (*count >= self.most && now < ends).then(|| ends - now)
    }

    fn add(&mut self, key: K, now: DateTime<Utc>) {
        let (began, count) = self.counts.get_or_insert_mut(key, || (now, 0));
        if now >= *began + self.length {
            (*began, *count) = (now, 0);
        }
        *count += 1;
    }

    fn take_back(&mut self, key: &K) {
        if let Some((_, count)) = self.counts.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
