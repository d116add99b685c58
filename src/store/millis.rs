//! Times and durations as the stores hold them: whole milliseconds, times since the epoch.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A century: longer is the same for us, and more than Redis takes.
const LONGEST_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// At least one millisecond, so that no time to live means "none".
pub(crate) fn ttl_ms(duration: Duration) -> i64 {
    delay_ms(duration).max(1)
}

pub(crate) fn delay_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST_MS, |ms| ms.min(LONGEST_MS))
}

pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}
