use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::sync::Cache;

use crate::scoring::CacheKey;

/// Marks of the keys that were seen lately; a power of two, small enough for a core's own cache.
const MARKS: usize = 1 << 15;

/// The newest scores by content; keeps what is asked for often.
///
/// A score is kept when its key comes for the second time, as most texts never do and keeping one costs more than to
/// forget it (the doorkeeper of Einziger, Friedman and Manes, "`TinyLFU`", ACM Transactions on Storage 13(4), 2017).
pub(super) struct ScoreCache(Option<Kept>);

struct Kept {
    scores: Cache<CacheKey, f64>,
    seen: Box<[AtomicU32]>,
}

impl ScoreCache {
    /// Remembers up to `entries` scores; 0 remembers none.
    pub(super) fn new(entries: usize) -> Self {
        let marks = || (0..MARKS).map(|_| AtomicU32::new(0)).collect();
        Self((entries > 0).then(|| Kept {
            scores: Cache::new(entries),
            seen: marks(),
        }))
    }

    pub(super) fn get(&self, key: CacheKey) -> Option<f64> {
        self.0.as_ref()?.scores.get(&key)
    }

    pub(super) fn put(&self, key: CacheKey, score: f64) {
        if let Some(kept) = &self.0
            && kept.came_before(key)
        {
            kept.scores.insert(key, score);
        }
    }
}

impl Kept {
    /// Whether the key was marked already; now it is. Another key with the same mark can take its place.
    fn came_before(&self, key: CacheKey) -> bool {
        let place = low_bits(key) as usize % MARKS;
        let mark = low_bits(key >> 32) | 1;
        self.seen[place].swap(mark, Ordering::Relaxed) == mark
    }
}

fn low_bits(key: CacheKey) -> u32 {
    let [a, b, c, d, ..] = key.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CacheKey = 0x1234_5678_9ABC_DEF0_0FED_CBA9_8765_4321;

    #[test]
    fn a_score_is_kept_from_the_second_time_on() {
        let cache = ScoreCache::new(10);
        cache.put(KEY, 0.5);
        assert_eq!(cache.get(KEY), None);
        cache.put(KEY, 0.5);
        assert_eq!(cache.get(KEY), Some(0.5));
    }

    #[test]
    fn no_entries_remember_nothing() {
        let cache = ScoreCache::new(0);
        (0..3).for_each(|_| cache.put(KEY, 0.5));
        assert_eq!(cache.get(KEY), None);
    }
}
