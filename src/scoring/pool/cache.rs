use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::scoring::CacheKey;

/// Marks of the keys that were seen lately; a power of two, small enough for a core's own cache.
const MARKS: usize = 1 << 15;

/// The newest scores by content; keeps what is asked for often, until it is too old.
///
/// A score is kept when its key comes for the second time, as most texts never do and keeping one costs more than to
/// forget it (the doorkeeper of Einziger, Friedman and Manes, "`TinyLFU`", ACM Transactions on Storage 13(4), 2017). One
/// that was costly is kept at once.
pub(super) struct ScoreCache(Option<Kept>);

struct Kept {
    scores: Cache<CacheKey, (f64, u32)>,
    seen: Box<[AtomicU32]>,
    costly: bool,
    ttl: Duration,
    begun: Instant,
}

impl ScoreCache {
    /// Remembers up to `entries` scores, each for `ttl`; 0 remembers none.
    pub(super) fn new(entries: usize, ttl: Duration, costly: bool) -> Self {
        let marks = || (0..MARKS).map(|_| AtomicU32::new(0)).collect();
        Self((entries > 0).then(|| Kept {
            scores: Cache::new(entries),
            seen: marks(),
            costly,
            ttl,
            begun: Instant::now(),
        }))
    }

    pub(super) fn get(&self, key: CacheKey, now: Instant) -> Option<f64> {
        let kept = self.0.as_ref()?;
        let (score, until) = kept.scores.get(&key)?;
        (kept.second(now) < until).then_some(score)
    }

    pub(super) fn put(&self, key: CacheKey, score: f64, now: Instant) {
        if let Some(kept) = &self.0
            && (kept.costly || kept.came_before(key))
        {
            let until = kept.second(now + kept.ttl);
            kept.scores.insert(key, (score, until));
        }
    }
}

impl Kept {
    /// Whether the key was marked already; now it is. Another key with the same mark can take its place.
    fn came_before(&self, key: CacheKey) -> bool {
        let index = low_bits(key) as usize % MARKS;
        let mark = low_bits(key >> 32) | 1;
        self.seen[index].swap(mark, Ordering::Relaxed) == mark
    }

    /// Seconds since the cache began; it is not used for 136 years.
    fn second(&self, time: Instant) -> u32 {
        let seconds = time.saturating_duration_since(self.begun).as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX)
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
    const TTL: Duration = Duration::from_mins(1);

    #[test]
    fn a_score_is_kept_from_the_second_time_on() {
        let (cache, now) = (ScoreCache::new(10, TTL, false), Instant::now());
        cache.put(KEY, 0.5, now);
        assert_eq!(cache.get(KEY, now), None);
        cache.put(KEY, 0.5, now);
        assert_eq!(cache.get(KEY, now), Some(0.5));
    }

    #[test]
    fn a_costly_score_is_kept_at_once_and_none_for_ever() {
        let (cache, now) = (ScoreCache::new(10, TTL, true), Instant::now());
        cache.put(KEY, 0.5, now);
        assert_eq!(cache.get(KEY, now), Some(0.5));
        assert_eq!(cache.get(KEY, now + TTL + Duration::from_secs(1)), None);
    }

    #[test]
    fn no_entries_remember_nothing() {
        let (cache, now) = (ScoreCache::new(0, TTL, true), Instant::now());
        cache.put(KEY, 0.5, now);
        assert_eq!(cache.get(KEY, now), None);
    }
}
