//! Members in the order of a number: of their entries, or of a moment.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

/// A set of keys, each with a score, in the order of (score, key).
pub(super) struct Ordered<K> {
    scores: HashMap<K, i64>,
    order: BTreeSet<(i64, K)>,
}

impl<K> Default for Ordered<K> {
    fn default() -> Self {
        Self {
            scores: HashMap::new(),
            order: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Ordered<K> {
    pub(super) fn set(&mut self, key: &K, score: i64) {
        self.remove(key);
        self.scores.insert(key.clone(), score);
        self.order.insert((score, key.clone()));
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<i64> {
        let score = self.scores.remove(key)?;
        self.order.remove(&(score, key.clone()));
        Some(score)
    }

    pub(super) fn score(&self, key: &K) -> Option<i64> {
        self.scores.get(key).copied()
    }

    pub(super) fn len(&self) -> u64 {
        self.order.len() as u64
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &K)> {
        self.order.iter().map(|(score, key)| (*score, key))
    }

    /// Those with a score of at most `score`, in order.
    pub(super) fn up_to(&self, score: i64) -> impl Iterator<Item = (i64, &K)> {
        self.iter().take_while(move |(at, _)| *at <= score)
    }

    /// Up to `most` keys with a score of at most `score`.
    pub(super) fn due(&self, score: i64, most: usize) -> Vec<K> {
        self.up_to(score)
            .take(most)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Those with a score above `score`, the highest first.
    pub(super) fn above(&self, score: i64) -> impl Iterator<Item = &K> {
        let from_the_end = self.order.iter().rev();
        from_the_end
            .take_while(move |(at, _)| *at > score)
            .map(|(_, key)| key)
    }

    /// How many have a score of at most `score`.
    pub(super) fn count_up_to(&self, score: i64) -> u64 {
        self.up_to(score).count() as u64
    }

    /// How many have a score above `score`.
    pub(super) fn count_above(&self, score: i64) -> u64 {
        self.above(score).count() as u64
    }
}
