//! Times as the stores hold them, and the store's clock as one process has seen it, by which a jump of it is noticed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// A century: longer is the same for us, and more than Redis takes.
const LONGEST_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// A clock that is corrected by less is nothing out of the ordinary.
pub(crate) const JUMP: Duration = Duration::from_secs(5);

/// The store's time when it was last read, and the moment of that on a clock that nobody sets.
#[derive(Debug, Default)]
pub(crate) struct StoreClock(Mutex<Option<(i64, Instant)>>);

impl StoreClock {
    /// Returns the time that the store should have by now, in ms since the epoch; `None` before the first reading.
    pub(crate) fn expected_ms(&self) -> Option<i64> {
        self.lock()
            .map(|(ms, at)| ms.saturating_add(delay_ms(at.elapsed())))
    }

    /// Takes note of the store's time. Returns how far it was set back since the last reading, if it was.
    pub(crate) fn observe(&self, now_ms: i64) -> Option<Duration> {
        let expected_ms = self.expected_ms();
        *self.lock() = Some((now_ms, Instant::now()));
        let back_ms = expected_ms?.saturating_sub(now_ms);
        let back = Duration::from_millis(u64::try_from(back_ms).ok()?);
        (back >= JUMP).then_some(back)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(i64, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a time to live in ms: at least one, so that none means "none".
pub(crate) fn ttl_ms(duration: Duration) -> i64 {
    delay_ms(duration).max(1)
}

/// Returns a duration in whole ms.
pub(crate) fn delay_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST_MS, |ms| ms.min(LONGEST_MS))
}

/// Returns the time that lies `ms` after the epoch.
pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_is_noticed_once() {
        let clock = StoreClock::default();
        assert_eq!(clock.expected_ms(), None);
        assert_eq!(clock.observe(10_000_000), None);
        assert_eq!(clock.observe(9_999_000), None, "a small correction");
        let back = clock.observe(0).unwrap();
        assert!(back >= Duration::from_secs(9_999), "{back:?}");
        assert_eq!(clock.observe(10), None);
        assert_eq!(clock.observe(50_000), None, "forward");
        assert!((50_000..60_000).contains(&clock.expected_ms().unwrap()));
    }
}
