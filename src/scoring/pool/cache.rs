use quick_cache::sync::Cache;

use crate::scoring::CacheKey;

/// The newest scores by content; keeps what is asked for often.
pub(super) struct ScoreCache(Option<Cache<CacheKey, f64>>);

impl ScoreCache {
    /// Remembers up to `entries` scores; 0 remembers none.
    pub(super) fn new(entries: usize) -> Self {
        Self((entries > 0).then(|| Cache::new(entries)))
    }

    pub(super) fn get(&self, key: CacheKey) -> Option<f64> {
        self.0.as_ref()?.get(&key)
    }

    pub(super) fn put(&self, key: CacheKey, score: f64) {
        if let Some(cache) = &self.0 {
            cache.insert(key, score);
        }
    }
}
