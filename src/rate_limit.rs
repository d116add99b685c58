//! Rate limits: those we keep, and those that servers announce.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Header of the X API: the end of the window, in seconds since the epoch.
const RESET: &str = "x-rate-limit-reset";
/// Longest time for which a server is obeyed.
const LONGEST: Duration = Duration::from_hours(24);

/// Rate limit with bursts: the generic cell rate algorithm (ITU-T I.371), which needs one instant of state. It reserves permits
/// ahead of time, so that a caller knows at once how long to wait, and lends permits beyond the burst, which delay the next.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// Time between two permits, and most permits at once; `None` for no limit.
    pace: Option<(Duration, u32)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next permit is due if permits are evenly spaced.
    due: Instant,
    /// No permits before, because the server asked for that.
    held_off_until: Instant,
}

impl RateLimit {
    /// Creates a limit of `rate` permits per second, and `burst` at once.
    pub(crate) fn new(rate: f64, burst: u32) -> Self {
        let pause = Duration::from_secs_f64(1.0 / rate);
        Self::with_pace(Some((pause, burst.max(1))))
    }

    /// Creates a limit that only obeys [`hold_off`](Self::hold_off).
    pub(crate) fn none() -> Self {
        Self::with_pace(None)
    }

    fn with_pace(pace: Option<(Duration, u32)>) -> Self {
        let now = Instant::now();
        Self {
            pace,
            state: Mutex::new(State {
                due: now,
                held_off_until: now,
            }),
        }
    }

    /// Takes a permit and returns when it may be used. Returns `None` and takes none if that is more than `patience` after
    /// `now`.
    pub(crate) fn acquire(&self, now: Instant, patience: Duration) -> Option<Instant> {
        self.acquire_many(1, now, patience)
    }

    /// Takes several permits as [`acquire`](Self::acquire) takes one. More than a burst are available once a burst is.
    pub(crate) fn acquire_many(
        &self,
        permits: usize,
        now: Instant,
        patience: Duration,
    ) -> Option<Instant> {
        let mut state = self.state();
        let earliest = now.max(state.held_off_until);
        let Some((pause, burst)) = self.pace else {
            return (earliest <= now + patience).then_some(earliest);
        };
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let due = state.due.max(earliest);
        let ahead = pause * (burst - permits.min(burst));
        let at = due
            .checked_sub(ahead)
            .map_or(earliest, |at| at.max(earliest));
        if at > now + patience {
            return None;
        }
        state.due = due + pause * permits;
        Some(at)
    }

    /// Gives no permits before `until`.
    pub(crate) fn hold_off(&self, until: Instant) {
        let mut state = self.state();
        state.held_off_until = state.held_off_until.max(until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how long a server asks to be left alone, by `Retry-After` (seconds or a date), else by `x-rate-limit-reset`. Times
/// are those of the server's clock, which `Date` tells; `now` is our own.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |value: &str| DateTime::parse_from_rfc2822(value).ok();
    let now = text(DATE.as_str())
        .and_then(date)
        .map_or(now, |date| date.to_utc());
    let by_header = text(RETRY_AFTER.as_str()).and_then(|value| match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(until(date(value)?.to_utc(), now)),
    });
    let by_reset = || {
        let at = DateTime::from_timestamp(text(RESET)?.parse().ok()?, 0)?;
        // The window ends somewhere within that second.
        Some(until(at.checked_add_signed(TimeDelta::seconds(1))?, now))
    };
    by_header.or_else(by_reset).map(|wait| wait.min(LONGEST))
}

fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limit = RateLimit::new(10.0, 3);
        let now = Instant::now() + SECOND;
        let at = |_| limit.acquire(now, SECOND).unwrap().duration_since(now);
        let waits: Vec<_> = (0..5).map(|nth| at(nth).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn a_caller_that_cannot_wait_takes_no_permit() {
        let limit = RateLimit::new(10.0, 1);
        let now = Instant::now() + SECOND;
        assert_eq!(limit.acquire(now, Duration::ZERO), Some(now));
        assert_eq!(limit.acquire(now, Duration::ZERO), None);
        let patient = limit.acquire(now, SECOND).unwrap();
        assert_eq!(patient.duration_since(now).as_millis(), 100);
    }

    #[test]
    fn a_server_that_asks_for_it_is_left_alone() {
        let limit = RateLimit::none();
        let now = Instant::now() + SECOND;
        assert_eq!(limit.acquire(now, Duration::ZERO), Some(now));
        limit.hold_off(now + SECOND);
        assert_eq!(limit.acquire(now, Duration::ZERO), None);
        assert_eq!(limit.acquire(now, SECOND), Some(now + SECOND));
    }

    fn takes(limit: &RateLimit, permits: usize, now: Instant) -> bool {
        limit.acquire_many(permits, now, Duration::ZERO).is_some()
    }

    #[test]
    fn a_second_allows_its_permits_and_no_more() {
        let limit = RateLimit::new(100.0, 100);
        let start = Instant::now() + SECOND;
        assert!(takes(&limit, 60, start) && takes(&limit, 40, start));
        assert!(!takes(&limit, 1, start));
        let half = start + Duration::from_millis(500);
        assert!(!takes(&limit, 51, half) && takes(&limit, 50, half));
    }

    #[test]
    fn more_than_a_burst_passes_once_and_is_paid_for() {
        let limit = RateLimit::new(100.0, 100);
        let start = Instant::now() + SECOND;
        assert!(takes(&limit, 300, start));
        assert!(!takes(&limit, 1, start + Duration::from_secs(2)));
        assert!(takes(&limit, 1, start + Duration::from_millis(2_020)));
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_a_date_and_the_end_of_a_window_are_understood() {
        assert_eq!(wait(&[("retry-after", "120")]), Some(120));
        let date = "Tue, 14 Nov 2023 22:14:20 GMT";
        assert_eq!(wait(&[("retry-after", date)]), Some(60));
        assert_eq!(wait(&[("x-rate-limit-reset", "1700000090")]), Some(91));
        assert_eq!(
            wait(&[("retry-after", "5"), ("x-rate-limit-reset", "1700000090")]),
            Some(5)
        );
    }

    #[test]
    fn times_are_by_the_clock_of_the_host_that_names_them() {
        // Ours is a day behind.
        let hosts = ("date", "Wed, 15 Nov 2023 22:13:20 GMT");
        assert_eq!(
            wait(&[hosts, ("x-rate-limit-reset", "1700086490")]),
            Some(91)
        );
        let date = ("retry-after", "Wed, 15 Nov 2023 22:14:20 GMT");
        assert_eq!(wait(&[hosts, date]), Some(60));
        assert_eq!(
            wait(&[("date", "today"), ("retry-after", "120")]),
            Some(120)
        );
    }

    #[test]
    fn what_is_past_or_nonsense_makes_nobody_wait_and_a_day_is_the_longest() {
        assert_eq!(wait(&[("x-rate-limit-reset", "1600000000")]), Some(0));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "9999999999")]), Some(24 * 3600));
        assert_eq!(
            wait(&[("x-rate-limit-reset", "9999999999")]),
            Some(24 * 3600)
        );
        let last_second = DateTime::<Utc>::MAX_UTC.timestamp().to_string();
        assert_eq!(wait(&[("x-rate-limit-reset", &last_second)]), None);
    }
}
