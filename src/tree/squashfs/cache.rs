//! A bounded memory of what was unpacked.
//!
//! Two generations: what is used moves to the young one, and when that is full the old one is forgotten. So what is used
//! often stays, without a list of who was used when.
//!
//! Invariant: holds at most twice [`Cache::new`]'s `generation_bytes`, and one value more.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::Map;

/// Values by key, each with its size.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    generation_bytes: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: Map<K, (Arc<V>, usize)>,
    young_bytes: usize,
    old: Map<K, (Arc<V>, usize)>,
}

impl<K: Eq + Hash + Copy, V> Cache<K, V> {
    /// An empty cache.
    pub(super) fn new(generation_bytes: usize) -> Self {
        let generations = Generations { young: Map::default(), young_bytes: 0, old: Map::default() };
        Self { generation_bytes, generations: Mutex::new(generations) }
    }

    /// The value of `key`, where it is remembered.
    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut generations = lock(&self.generations);
        if let Some((value, _)) = generations.young.get(key) {
            return Some(Arc::clone(value));
        }
        let (value, size_bytes) = generations.old.remove(key)?;
        generations.remember(*key, Arc::clone(&value), size_bytes, self.generation_bytes);
        Some(value)
    }

    /// Remembers a value that takes `size_bytes`.
    pub(super) fn put(&self, key: K, value: Arc<V>, size_bytes: usize) {
        lock(&self.generations).remember(key, value, size_bytes, self.generation_bytes);
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn remember(&mut self, key: K, value: Arc<V>, size_bytes: usize, generation_bytes: usize) {
        if generation_bytes < self.young_bytes.saturating_add(size_bytes) {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, (value, size_bytes)).is_none() {
            self.young_bytes = self.young_bytes.saturating_add(size_bytes);
        }
    }
}

/// A panic in another thread leaves the maps whole: the worst is a size that is counted twice.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::new(10);
        for key in 0..100_u32 {
            cache.put(key, Arc::new(key), 1);
            assert_eq!(cache.get(&0).as_deref(), Some(&0), "after {key}");
        }
        assert_eq!((0..100).filter(|it| cache.get(it).is_some()).count() / 21, 0);
        assert_eq!(cache.get(&50), None);
    }
}
