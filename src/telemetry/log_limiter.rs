use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two log lines about the same trouble.
const PERIOD: Duration = Duration::from_mins(1);

/// Keeps a trouble that repeats from flooding the log: its first occurrence is logged at once, then at most one line a
/// minute, which counts the occurrences since the line before.
///
/// `K` names the trouble. It should have few values, since each one seen is kept.
#[derive(Debug)]
pub struct LogLimiter<K> {
    lines: Mutex<HashMap<K, Line>>,
}

#[derive(Debug)]
struct Line {
    written: Instant,
    suppressed: u64,
}

impl<K: Eq + Hash> LogLimiter<K> {
    /// A limiter that has seen nothing yet.
    pub fn new() -> Self {
        Self {
            lines: Mutex::default(),
        }
    }

    /// Returns `Some(suppressed)` if this occurrence of `trouble` is to be logged, with the number of occurrences that
    /// were not logged since the line before.
    pub fn admit(&self, trouble: K) -> Option<u64> {
        self.admit_at(trouble, Instant::now())
    }

    /// Forgets `trouble`, so that its next occurrence is logged at once.
    pub fn reset(&self, trouble: &K) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.remove(trouble);
    }

    fn admit_at(&self, trouble: K, now: Instant) -> Option<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = lines.get_mut(&trouble) else {
            let line = Line {
                written: now,
                suppressed: 0,
            };
            lines.insert(trouble, line);
            return Some(0);
        };
        if now.duration_since(line.written) < PERIOD {
            line.suppressed += 1;
            return None;
        }
        line.written = now;
        Some(std::mem::take(&mut line.suppressed))
    }
}

impl<K: Eq + Hash> Default for LogLimiter<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_trouble_is_logged_once_a_period_with_a_count() {
        let limiter = LogLimiter::new();
        let start = Instant::now();
        assert_eq!(limiter.admit_at("refused", start), Some(0));
        assert_eq!(limiter.admit_at("timeout", start), Some(0));
        assert_eq!(limiter.admit_at("refused", start + PERIOD / 2), None);
        assert_eq!(limiter.admit_at("refused", start + PERIOD / 2), None);
        assert_eq!(limiter.admit_at("refused", start + PERIOD), Some(2));
        limiter.reset(&"refused");
        assert_eq!(limiter.admit_at("refused", start + PERIOD), Some(0));
    }
}
