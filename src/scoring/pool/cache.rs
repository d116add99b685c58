use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::config::PoolConfig;
use crate::scoring::{CacheKey, Outputs, ScoreRow};

/// Marks of the keys that were seen lately; a power of two, small enough for a core's own cache.
const MARKS: usize = 1 << 15;

/// The newest rows by content; keeps what is asked for often, until it is too old.
///
/// A row is kept when its key comes for the second time, as most texts never do and keeping one costs more than to
/// forget it (the doorkeeper of Einziger, Friedman and Manes, "`TinyLFU`", ACM Transactions on Storage 13(4), 2017). One
/// that was costly is kept at once.
pub(super) enum ScoreCache {
    Disabled,
    /// Rows of one number, NaN for a missing one: they are dropped without a look at them.
    Numbers(Kept<f64>),
    Rows(Kept<ScoreRow>),
}

pub(super) struct Kept<V> {
    values: Cache<CacheKey, (V, u32)>,
    seen: Box<[AtomicU32]>,
    costly: bool,
    ttl: Duration,
    begun: Instant,
}

impl ScoreCache {
    /// Creates a cache for rows with these outputs; without entries it keeps none.
    pub(super) fn new(config: &PoolConfig, outputs: &Outputs, costly: bool) -> Self {
        if config.cache_entries == 0 {
            Self::Disabled
        } else if outputs.is_one_number() {
            Self::Numbers(Kept::new(config, costly))
        } else {
            Self::Rows(Kept::new(config, costly))
        }
    }

    pub(super) fn get(&self, key: CacheKey, now: Instant) -> Option<ScoreRow> {
        match self {
            Self::Disabled => None,
            Self::Numbers(kept) => {
                let number = kept.get(key, now)?;
                Some(if number.is_nan() {
                    ScoreRow::MISSING
                } else {
                    number.into()
                })
            }
            Self::Rows(kept) => kept.get(key, now),
        }
    }

    pub(super) fn put(&self, key: CacheKey, row: &ScoreRow, now: Instant) {
        match self {
            Self::Disabled => {}
            Self::Numbers(kept) => kept.put(key, || row.number(0).unwrap_or(f64::NAN), now),
            Self::Rows(kept) => kept.put(key, || row.clone(), now),
        }
    }
}

impl<V: Clone> Kept<V> {
    fn new(config: &PoolConfig, costly: bool) -> Self {
        Self {
            values: Cache::new(config.cache_entries),
            seen: (0..MARKS).map(|_| AtomicU32::new(0)).collect(),
            costly,
            ttl: config.cache_ttl,
            begun: Instant::now(),
        }
    }

    fn get(&self, key: CacheKey, now: Instant) -> Option<V> {
        let (value, until) = self.values.get(&key)?;
        (self.second(now) < until).then_some(value)
    }

    fn put(&self, key: CacheKey, value: impl FnOnce() -> V, now: Instant) {
        if self.costly || self.came_before(key) {
            let until = self.second(now + self.ttl);
            self.values.insert(key, (value(), until));
        }
    }

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
    use crate::scoring::{OutputKind, OutputValue};

    const KEY: CacheKey = 0x1234_5678_9ABC_DEF0_0FED_CBA9_8765_4321;
    const TTL: Duration = Duration::from_mins(1);

    fn cache(entries: usize, outputs: &Outputs, costly: bool) -> ScoreCache {
        let config = PoolConfig {
            cache_entries: entries,
            cache_ttl: TTL,
            ..PoolConfig::default()
        };
        ScoreCache::new(&config, outputs, costly)
    }

    #[test]
    fn a_row_is_kept_from_the_second_time_on() {
        let (cache, now) = (cache(10, &Outputs::default(), false), Instant::now());
        cache.put(KEY, &0.5.into(), now);
        assert_eq!(cache.get(KEY, now), None);
        cache.put(KEY, &0.5.into(), now);
        assert_eq!(cache.get(KEY, now), Some(0.5.into()));
    }

    #[test]
    fn a_costly_row_is_kept_at_once_and_none_for_ever() {
        let (cache, now) = (cache(10, &Outputs::default(), true), Instant::now());
        cache.put(KEY, &0.5.into(), now);
        assert_eq!(cache.get(KEY, now), Some(0.5.into()));
        assert_eq!(cache.get(KEY, now + TTL + Duration::from_secs(1)), None);
    }

    #[test]
    fn a_missing_value_is_kept_like_any_other() {
        let (cache, now) = (cache(10, &Outputs::default(), true), Instant::now());
        cache.put(KEY, &ScoreRow::MISSING, now);
        assert_eq!(cache.get(KEY, now), Some(ScoreRow::MISSING));
    }

    #[test]
    fn rows_of_several_outputs_are_kept_whole() {
        let outputs = Outputs::new([("a", OutputKind::Number), ("b", OutputKind::Label)]);
        let (cache, now) = (cache(10, &outputs, true), Instant::now());
        let row = ScoreRow::from_values(vec![None, Some(OutputValue::Label("x".into()))]);
        cache.put(KEY, &row, now);
        assert_eq!(cache.get(KEY, now), Some(row));
    }

    #[test]
    fn no_entries_keep_nothing() {
        let (cache, now) = (cache(0, &Outputs::default(), true), Instant::now());
        cache.put(KEY, &0.5.into(), now);
        assert_eq!(cache.get(KEY, now), None);
    }
}
