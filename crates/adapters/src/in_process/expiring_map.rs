//! A map whose entries expire. Its size is bounded, so that a client cannot fill the memory with
//! made-up keys.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// How many entries a store holds by default: about ten megabytes of windows or limits, or about
/// seventy of guesses if every address has used up the usual twenty.
pub(super) const DEFAULT_CAPACITY: usize = 100_000;

/// Entries that expire.
pub(super) struct ExpiringMap<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// The keys in the order in which they expire.
    by_expiry: BTreeSet<(Instant, K)>,
    capacity: usize,
}

struct Entry<V> {
    value: V,
    expires_at: Instant,
}

/// There is no room for another key, and no entry may be evicted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} entries are held, and none of them may be forgotten yet")]
pub(super) struct Full(usize);

impl<K: Copy + Eq + Hash + Ord, V> ExpiringMap<K, V> {
    /// An empty map for at most `capacity` entries.
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), by_expiry: BTreeSet::new(), capacity }
    }

    /// The value of a key that has not expired at `now`.
    pub(super) fn get_mut(&mut self, key: &K, now: Instant) -> Option<&mut V> {
        self.entries
            .get_mut(key)
            .filter(|entry| entry.expires_at > now)
            .map(|entry| &mut entry.value)
    }

    /// Sets the value of a key until `expires_at`. When the map is full, the entry that expires
    /// first is evicted for a new key, if `may_evict` allows it.
    pub(super) fn insert(
        &mut self,
        key: K,
        value: V,
        expires_at: Instant,
        may_evict: impl FnOnce(&V) -> bool,
    ) -> Result<(), Full> {
        self.remove(&key);
        self.make_room(may_evict)?;
        self.entries.insert(key, Entry { value, expires_at });
        self.by_expiry.insert((expires_at, key));
        Ok(())
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.by_expiry.remove(&(entry.expires_at, *key));
        Some(entry.value)
    }

    /// Removes the entries that have expired at `now`.
    pub(super) fn sweep(&mut self, now: Instant) {
        while let Some(&(expires_at, key)) = self.by_expiry.first()
            && expires_at <= now
        {
            self.remove(&key);
        }
    }

    fn make_room(&mut self, may_evict: impl FnOnce(&V) -> bool) -> Result<(), Full> {
        if self.entries.len() < self.capacity {
            return Ok(());
        }
        match self.by_expiry.first() {
            Some(&(_, first)) if may_evict(&self.entries[&first].value) => {
                self.remove(&first);
                Ok(())
            }
            _ => Err(Full(self.capacity)),
        }
    }
}

/// Locks a map. A poisoned lock is still good: no change is left half done when it is released.
pub(super) fn lock<K, V>(map: &Mutex<ExpiringMap<K, V>>) -> MutexGuard<'_, ExpiringMap<K, V>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn in_seconds(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn an_entry_is_gone_once_it_has_expired() {
        let now = Instant::now();
        let mut map = ExpiringMap::new(10);
        map.insert(1, "a", in_seconds(now, 5), |_| false).unwrap();
        map.insert(2, "b", in_seconds(now, 9), |_| false).unwrap();
        assert_eq!(map.get_mut(&1, in_seconds(now, 4)), Some(&mut "a"));
        assert_eq!(map.get_mut(&1, in_seconds(now, 5)), None);
        map.sweep(in_seconds(now, 5));
        assert_eq!((map.entries.len(), map.by_expiry.len()), (1, 1));
    }

    #[test]
    fn a_new_value_has_a_new_expiry_and_leaves_no_trace_of_the_old_one() {
        let now = Instant::now();
        let mut map = ExpiringMap::new(1);
        map.insert(1, "a", in_seconds(now, 5), |_| false).unwrap();
        map.insert(1, "b", in_seconds(now, 9), |_| false).unwrap();
        map.sweep(in_seconds(now, 6));
        assert_eq!(map.get_mut(&1, in_seconds(now, 6)), Some(&mut "b"));
        assert_eq!(map.remove(&1), Some("b"));
        assert_eq!((map.entries.len(), map.by_expiry.len()), (0, 0));
    }

    #[test]
    fn a_full_map_evicts_only_the_first_to_expire_and_only_if_allowed() {
        let now = Instant::now();
        let mut map = ExpiringMap::new(2);
        map.insert(1, "late", in_seconds(now, 9), |_| true).unwrap();
        map.insert(2, "soon", in_seconds(now, 5), |_| true).unwrap();
        assert_eq!(
            map.insert(3, "new", in_seconds(now, 7), |first| *first != "soon"),
            Err(Full(2))
        );
        map.insert(3, "new", in_seconds(now, 7), |first| *first == "soon").unwrap();
        assert_eq!(map.get_mut(&2, now), None);
        assert!(map.get_mut(&1, now).is_some() && map.get_mut(&3, now).is_some());
    }
}
