//! How hosts say when to come back.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The X API's own header: when the window ends, in seconds since the epoch.
const RESET: &str = "x-rate-limit-reset";
/// Nobody is obeyed for longer.
const LONGEST: Duration = Duration::from_hours(24);

/// How long to stay away by `Retry-After` (seconds or a date), else by `x-rate-limit-reset`. Times are those of the host's
/// clock, which it tells with `Date`; `now` is our own.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
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
