//! How much of a kind there is at a time, by key: connections of an address, passwords that are hashed for a person, bytes
//! on their way to a client. Who has none is forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AtOnce<K: Hash + Eq>(Arc<Mutex<HashMap<K, usize>>>);

/// A part of what is counted, for as long as it lives.
#[derive(Debug)]
pub struct OneOf<K: Hash + Eq> {
    all: AtOnce<K>,
    key: K,
    amount: usize,
}

impl<K: Hash + Eq> Default for AtOnce<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Clone> AtOnce<K> {
    /// Counts one more of a key; none where it has as many as it may.
    pub fn count(&self, key: K, at_most: usize) -> Option<OneOf<K>> {
        self.hold(key, 1, at_most)
    }

    /// Counts so much more of a key, at least one; none where it would have more than it may.
    pub fn hold(&self, key: K, amount: usize, at_most: usize) -> Option<OneOf<K>> {
        let amount = amount.max(1);
        let mut all = self.lock();
        let held = all.get(&key).copied().unwrap_or(0);
        if amount > at_most.saturating_sub(held) {
            return None;
        }
        all.insert(key.clone(), held + amount);
        Some(OneOf { all: self.clone(), key, amount })
    }
}

impl<K: Hash + Eq + Clone> AtOnce<K> {
    /// How much there is of a key.
    pub fn number(&self, key: &K) -> usize {
        self.lock().get(key).copied().unwrap_or(0)
    }

    /// The key of which there is most, and how much.
    pub fn most(&self) -> Option<(K, usize)> {
        let all = self.lock();
        all.iter().max_by_key(|(_, number)| **number).map(|(key, number)| (key.clone(), *number))
    }
}

impl<K: Hash + Eq> AtOnce<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Drop for OneOf<K> {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.key) {
            *count -= self.amount;
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_and_others_have_theirs() {
        let all = AtOnce::default();
        let (first, _second) = (all.count("one", 2).unwrap(), all.count("one", 2).unwrap());
        assert!(all.count("one", 2).is_none());
        assert!(all.count("other", 2).is_some());
        drop(first);
        assert!(all.count("one", 2).is_some());
        assert!(all.count("none", 0).is_none());
        let _much = all.hold("other", 5, 7).expect("two are left");
        assert!(all.hold("other", 3, 7).is_none() && all.hold("other", 2, 7).is_some());
        assert!(all.hold("other", usize::MAX, usize::MAX).is_none(), "more than can be counted");
        assert_eq!(all.lock().len(), 2, "who has none is forgotten");
    }
}
