//! How often signing in may fail: counted before a password is hashed, in the memory of this process and of bounded size. Several
//! processes count each for themselves, and a restart begins anew.
//!
//! Whoever fails waits, and nobody else: an address for an account that it has failed at, longer each time. An address
//! that has failed at many accounts of a school has fewer tries at each of them there; an account that many have failed
//! at is tried once a minute by those who have not failed at it, and by nobody else. On a device where its person has
//! signed in before, only what fails on that device counts: strangers lock nobody out of their own.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use rollbook_domain::{PersonId, SiteId};
use sha2::{Digest, Sha256};

use super::problem::AccountProblem;
use crate::client_address::ClientAddress;

/// What an address, or a known device, may fail at for one account: somebody who does not remember which of a few it
/// was.
const TOGETHER: (u32, TimeDelta) = (10, TimeDelta::minutes(15));
/// How long that comes to last for whoever comes back and fails as often again: twice as long each time, and no longer
/// than this, for others may come from the same address.
const LONGEST_TOGETHER: TimeDelta = TimeDelta::hours(1);
/// What an address may fail at in one school, whoever it tries to be: a class of thirty, each of whom fails once or
/// twice.
const ADDRESS: (u32, TimeDelta) = (50, TimeDelta::minutes(15));
/// What it may fail at for one account after that: whoever is right is let in, and whoever mistypes has another try.
const SUSPECT: u32 = 2;
/// What strangers may fail at for one account, wherever they are.
const STRANGERS: (u32, TimeDelta) = (100, TimeDelta::hours(1));
/// What they may fail at after that, from addresses that have not failed at it: with the hundred, 160 guesses an hour
/// at the most, and nobody waits for more than a minute who has not failed.
const TRICKLE: (u32, TimeDelta) = (1, TimeDelta::minutes(1));
/// What strangers may get wrong of one account's codes, wherever they are: they have its password, or another system's word. Of a million
/// codes three are good at a time.
const CODES_OF_STRANGERS: (u32, TimeDelta) = (10, TimeDelta::hours(24));
/// What they may get wrong after that, from addresses that have not: with the ten, 14 codes a day, which is less than two in a hundred
/// in a year of doing nothing else. The owner's own devices, passkeys and recovery codes stay open.
const TRICKLE_OF_CODES: (u32, TimeDelta) = (1, TimeDelta::hours(6));
/// How many reset letters an address may ask a school for.
const RESETS: (u32, TimeDelta) = (20, TimeDelta::hours(1));
/// How many failures of an account are recorded in the log.
const RECORDED: (u32, TimeDelta) = (3, TimeDelta::minutes(15));
/// From how many failures of a person within a day its person is told: nobody mistypes so often without noticing.
const TOLD: (u32, TimeDelta) = (10, TimeDelta::days(1));

/// How often one person changes their password: each change ends their other sessions, and takes the work of two
/// hashes.
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
    address: Windows<(SiteId, IpAddr)>,
    strangers: Windows<AccountKey>,
    trickle: Windows<AccountKey>,
    resets: Windows<(SiteId, IpAddr)>,
    recorded: Windows<AccountKey>,
    told: Windows<AccountKey>,
    changes: Windows<AccountKey>,
}

/// An attempt, which counts as failed as long as it is under way. What is never decided is forgiven.
#[derive(Debug)]
#[must_use = "an attempt counts as long as it is held"]
pub struct Attempt {
    limits: Limits,
    account: AccountKey,
    origin: Origin,
    /// The school and the address, of a stranger.
    stranger: Option<(SiteId, IpAddr)>,
    /// Whether it is the one a minute of an account that many have failed at.
    trickles: bool,
    failed: bool,
}

impl Attempt {
    /// It was the wrong password: it counts from now on.
    pub fn fail(mut self) {
        self.failed = true;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.failed {
            return;
        }
        let mut counts = self.limits.lock();
        counts.together.take_back(&(self.account, self.origin));
        if let Some(stranger) = &self.stranger {
            counts.address.take_back(stranger);
            counts.strangers.take_back(&self.account);
        }
        if self.trickles {
            counts.trickle.take_back(&self.account);
        }
    }
}

impl Limits {
    /// Of passwords: nothing counted yet.
    pub fn of_passwords() -> Self {
        Self::new(STRANGERS, TRICKLE)
    }

    /// Of the codes that are shown besides: nothing counted yet.
    pub fn of_codes() -> Self {
        Self::new(CODES_OF_STRANGERS, TRICKLE_OF_CODES)
    }

    fn new(strangers: (u32, TimeDelta), trickle: (u32, TimeDelta)) -> Self {
        Self(Arc::new(Mutex::new(Counts {
            together: Windows::growing(TOGETHER, LONGEST_TOGETHER),
            address: Windows::new(ADDRESS),
            strangers: Windows::new(strangers),
            trickle: Windows::new(trickle),
            resets: Windows::new(RESETS),
            recorded: Windows::new(RECORDED),
            told: Windows::new(TOLD),
            changes: Windows::new(CHANGES),
        })))
    }

    /// Takes an attempt on, or says how long to wait: the same for an account that there is and one that there is not.
    /// `device` is a device that is known to be the account's own.
    pub fn attempt(
        &self,
        (site, account): (SiteId, &str),
        client: ClientAddress,
        device: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Attempt, AccountProblem> {
        let (account, address) = (account_key(site, account), client.network());
        let origin = device.map_or(Origin::Address(address), |device| Origin::Device(Sha256::digest(device).into()));
        let stranger = device.is_none().then_some((site, address));
        let mut counts = self.lock();
        let here = (account, origin);
        let mut trickles = false;
        let mut waits = Vec::new();
        match &stranger {
            None => waits.push(counts.together.wait(&here, now)),
            Some(stranger) => {
                let suspect = counts.address.wait(stranger, now).is_some();
                waits.push(counts.together.wait_beyond(if suspect { SUSPECT } else { TOGETHER.0 }, &here, now));
                let attacked = counts.strangers.wait(&account, now);
                trickles = attacked.is_some();
                if trickles {
                    let failed_here = counts.together.counted_since(&here, now - counts.strangers.length);
                    waits.push(if failed_here { attacked } else { counts.trickle.wait(&account, now) });
                }
            }
        }
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(too_many(wait));
        }
        counts.together.add(here, now);
        if let Some(stranger) = stranger {
            counts.address.add(stranger, now);
            counts.strangers.add(account, now);
        }
        if trickles {
            counts.trickle.add(account, now);
        }
        Ok(Attempt { limits: self.clone(), account, origin, stranger, trickles, failed: false })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a failure of an account is one of the first of a burst, which the log records.
    pub fn is_recorded(&self, (site, account): (SiteId, &str), now: DateTime<Utc>) -> bool {
        let (account, mut counts) = (account_key(site, account), self.lock());
        let recorded = counts.recorded.wait(&account, now).is_none();
        if recorded {
            counts.recorded.add(account, now);
        }
        recorded
    }

    /// Counts a failure, of which the person is told if it is the one with which there are many: once in a window. Counted by the
    /// person, wherever their password is asked for.
    pub fn is_told(&self, site: SiteId, person: PersonId, now: DateTime<Utc>) -> bool {
        let (person, mut counts) = (account_key(site, &person.to_string()), self.lock());
        let before = counts.told.wait(&person, now).is_some();
        counts.told.add(person, now);
        !before && counts.told.wait(&person, now).is_some()
    }

    /// Refuses to change a password that was changed a moment ago.
    pub fn refuse_changed(&self, account: (SiteId, &str), now: DateTime<Utc>) -> Result<(), AccountProblem> {
        match self.lock().changes.wait(&account_key(account.0, account.1), now) {
            Some(wait) => Err(AccountProblem::PasswordChangedRecently { retry_after: seconds(wait) }),
            None => Ok(()),
        }
    }

    /// A password was changed.
    pub fn changed(&self, account: (SiteId, &str), now: DateTime<Utc>) {
        self.lock().changes.add(account_key(account.0, account.1), now);
    }

    /// Takes on that an address asks a school for a reset, or says how long to wait.
    pub fn reset(&self, site: SiteId, client: ClientAddress, now: DateTime<Utc>) -> Result<(), AccountProblem> {
        let address = (site, client.network());
        let mut counts = self.lock();
        if let Some(wait) = counts.resets.wait(&address, now) {
            return Err(too_many(wait));
        }
        counts.resets.add(address, now);
        Ok(())
    }
}

fn account_key(site: SiteId, account: &str) -> AccountKey {
    Sha256::digest(format!("{site}/{account}")).into()
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
    counts: LruCache<K, Window>,
    most: u32,
    length: TimeDelta,
    longest: TimeDelta,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: DateTime<Utc>,
    length: TimeDelta,
    count: u32,
}

impl<K: Hash + Eq> Windows<K> {
    fn new((most, length): (u32, TimeDelta)) -> Self {
        Self::growing((most, length), length)
    }

    /// Windows that are twice as long as the one before, if that was full and ended no longer ago than it had lasted.
    fn growing((most, length): (u32, TimeDelta), longest: TimeDelta) -> Self {
        Self { counts: LruCache::new(KEYS), most, length, longest }
    }

    /// How long until there is room again; none where there is.
    fn wait(&self, key: &K, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.wait_beyond(self.most, key, now)
    }

    /// The same where there is room for so many.
    fn wait_beyond(&self, most: u32, key: &K, now: DateTime<Utc>) -> Option<TimeDelta> {
        let window = self.counts.peek(key)?;
        let ends = window.began + window.length;
        (window.count >= most && now < ends).then(|| ends - now)
    }

    /// Whether anything was counted in a window that has begun since.
    fn counted_since(&self, key: &K, since: DateTime<Utc>) -> bool {
        self.counts.peek(key).is_some_and(|window| window.count > 0 && window.began > since)
    }

    fn add(&mut self, key: K, now: DateTime<Utc>) {
        let (most, length, longest) = (self.most, self.length, self.longest);
        let window = self.counts.get_or_insert_mut(key, || Window { began: now, length, count: 0 });
        if now >= window.began + window.length {
            let again = window.count >= most && now < window.began + window.length * 2;
            let length = if again { (window.length * 2).min(longest) } else { length };
            *window = Window { began: now, length, count: 0 };
        }
        window.count += 1;
    }

    fn take_back(&mut self, key: &K) {
        if let Some(window) = self.counts.get_mut(key) {
            window.count = window.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
