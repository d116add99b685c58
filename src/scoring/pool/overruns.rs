use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::scoring::CacheKey;

/// How many keys are kept in mind.
const KEYS: usize = 4_096;

/// Items whose batches took too long. Which item of a batch it was is not known at first: each is tried alone before it
/// is left.
pub(super) struct Overruns {
    keys: Cache<CacheKey, (Verdict, Instant)>,
    /// Whether there may be any.
    any: AtomicBool,
    ttl: Duration,
}

/// What is known about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was in a batch that took too long: it is scored alone.
    Suspect,
    /// It took too long by itself: it is not scored.
    Guilty,
}

impl Overruns {
    /// Keeps items in mind for `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            keys: Cache::new(KEYS),
            any: AtomicBool::new(false),
            ttl,
        }
    }

    /// The items of one batch took too long at `now`.
    pub(super) fn note(&self, keys: impl Iterator<Item = CacheKey>, items: usize, now: Instant) {
        let verdict = if items == 1 {
            Verdict::Guilty
        } else {
            Verdict::Suspect
        };
        for key in keys {
            self.keys.insert(key, (verdict, now + self.ttl));
            self.any.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn verdict(&self, key: CacheKey, now: Instant) -> Option<Verdict> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let (verdict, until) = self.keys.get(&key)?;
        (now < until).then_some(verdict)
    }

    pub(super) fn is_guilty(&self, key: CacheKey, now: Instant) -> bool {
        self.verdict(key, now) == Some(Verdict::Guilty)
    }

    /// The item was scored well.
    pub(super) fn clear(&self, key: CacheKey) {
        if self.any.load(Ordering::Relaxed) {
            self.keys.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(1);

    #[test]
    fn items_of_one_batch_are_suspect_until_one_takes_too_long_alone() {
        let (overruns, now) = (Overruns::new(TTL), Instant::now());
        assert_eq!(overruns.verdict(1, now), None);
        overruns.note([1, 2].into_iter(), 2, now);
        assert_eq!(overruns.verdict(1, now), Some(Verdict::Suspect));
        overruns.note([1].into_iter(), 1, now);
        overruns.clear(2);
        assert_eq!(overruns.verdict(1, now), Some(Verdict::Guilty));
        assert_eq!(overruns.verdict(2, now), None);
        assert_eq!(overruns.verdict(1, now + TTL), None);
    }
}
