use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::scoring::CacheKey;

/// Most keys that are remembered.
const KEYS: usize = 4_096;

/// Items whose batches took too long. Which item of a batch is slow is not known at first: each of them is scored alone
/// before one is confirmed.
pub(super) struct SlowItems {
    states: Cache<CacheKey, (SlowItemState, Instant)>,
    /// True if there may be any.
    any: AtomicBool,
    ttl: Duration,
}

/// What is known about an item whose batch took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlowItemState {
    /// It was in a batch that took too long, and is scored alone.
    Suspected,
    /// It took too long alone, and is not scored.
    Confirmed,
}

impl SlowItems {
    /// Creates a memory that forgets each item after `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            states: Cache::new(KEYS),
            any: AtomicBool::new(false),
            ttl,
        }
    }

    /// Records the items of a batch that had taken too long by `now`.
    pub(super) fn record(&self, keys: impl Iterator<Item = CacheKey>, items: usize, now: Instant) {
        let state = if items == 1 {
            SlowItemState::Confirmed
        } else {
            SlowItemState::Suspected
        };
        for key in keys {
            self.put(key, state, now);
        }
    }

    /// Records an item whose process ended while it had this item alone. The second time in a row confirms it.
    pub(super) fn record_end(&self, key: CacheKey, now: Instant) {
        let state = match self.state(key, now) {
            None => SlowItemState::Suspected,
            Some(_) => SlowItemState::Confirmed,
        };
        self.put(key, state, now);
    }

    /// Records an item that is not to be scored again for a while.
    pub(super) fn confirm(&self, key: CacheKey, now: Instant) {
        self.put(key, SlowItemState::Confirmed, now);
    }

    fn put(&self, key: CacheKey, state: SlowItemState, now: Instant) {
        self.states.insert(key, (state, now + self.ttl));
        self.any.store(true, Ordering::Relaxed);
    }

    pub(super) fn state(&self, key: CacheKey, now: Instant) -> Option<SlowItemState> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let (state, until) = self.states.get(&key)?;
        (now < until).then_some(state)
    }

    pub(super) fn is_confirmed(&self, key: CacheKey, now: Instant) -> bool {
        self.state(key, now) == Some(SlowItemState::Confirmed)
    }

    /// Forgets an item that was scored in time.
    pub(super) fn clear(&self, key: CacheKey) {
        if self.any.load(Ordering::Relaxed) {
            self.states.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(1);

    #[test]
    fn items_of_one_batch_are_suspected_until_one_takes_too_long_alone() {
        let (items, now) = (SlowItems::new(TTL), Instant::now());
        assert_eq!(items.state(1, now), None);
        items.record([1, 2].into_iter(), 2, now);
        assert_eq!(items.state(1, now), Some(SlowItemState::Suspected));
        items.record([1].into_iter(), 1, now);
        items.clear(2);
        assert_eq!(items.state(1, now), Some(SlowItemState::Confirmed));
        assert_eq!(items.state(2, now), None);
        assert_eq!(items.state(1, now + TTL), None);
    }

    #[test]
    fn an_item_that_ends_its_process_twice_is_confirmed_unless_it_was_scored_between() {
        let (items, now) = (SlowItems::new(TTL), Instant::now());
        items.record_end(1, now);
        items.clear(1);
        items.record_end(1, now);
        assert_eq!(items.state(1, now), Some(SlowItemState::Suspected));
        items.record_end(1, now);
        assert_eq!(items.state(1, now), Some(SlowItemState::Confirmed));
    }
}
