use std::fmt;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::health::HealthIssues;

/// The part under which `/health/ready` says that a clock was moved.
const PART: &str = "clock";
/// A clock that is corrected by less is nothing out of the ordinary.
const SMALL_STEP: TimeDelta = TimeDelta::seconds(3);
/// Time for which `/health/ready` says that a clock was moved.
const SHOWN_FOR: Duration = Duration::from_mins(15);

/// Compares the clocks that can be set with one that cannot, and reports when they were.
pub(super) struct ClockWatch {
    health: HealthIssues,
    last: Option<Reading>,
    shown_since: Option<Instant>,
}

/// The store's time was read at some moment between two.
#[derive(Clone, Copy)]
struct Reading {
    store: DateTime<Utc>,
    asked: Instant,
    own: DateTime<Utc>,
    answered: Instant,
}

/// A clock that was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Jump {
    clock: &'static str,
    by: TimeDelta,
}

impl ClockWatch {
    pub(super) fn new(health: HealthIssues) -> Self {
        Self {
            health,
            last: None,
            shown_since: None,
        }
    }

    /// Takes note of the store's time, which was asked for at `asked`, and of this host's.
    pub(super) fn observe(&mut self, store: DateTime<Utc>, asked: Instant) {
        let now = Reading {
            store,
            asked,
            own: Utc::now(),
            answered: Instant::now(),
        };
        if let Some(jump) = self.last.and_then(|last| jump(last, now)) {
            self.report(&jump.to_string());
        }
        self.last = Some(now);
        if self
            .shown_since
            .is_some_and(|since| since.elapsed() > SHOWN_FOR)
        {
            self.shown_since = None;
            self.health.clear(PART);
        }
    }

    /// Reports that the clock was set back before it was first read, for a stored time lies too far ahead.
    pub(super) fn found_ahead(&mut self, by: TimeDelta) {
        if by > SMALL_STEP && self.shown_since.is_none() {
            let jump = Jump {
                clock: "store",
                by: -by,
            };
            self.report(&format!("{jump} or more"));
        }
    }

    fn report(&mut self, why: &str) {
        self.shown_since = Some(Instant::now());
        if self.health.report(PART, why) {
            tracing::warn!(why, "a clock was moved, due times are adjusted to it");
        }
    }
}

fn jump(last: Reading, now: Reading) -> Option<Jump> {
    let between = |from: Instant, to: Instant| {
        TimeDelta::from_std(to.saturating_duration_since(from)).unwrap_or(TimeDelta::MAX)
    };
    let store = now.store - last.store;
    let shortest = between(last.answered, now.asked);
    let longest = between(last.asked, now.answered);
    let own = now.own - last.own;
    [
        ("store", store - store.clamp(shortest, longest)),
        ("host", own - between(last.answered, now.answered)),
    ]
    .into_iter()
    .find(|(_, by)| by.abs() > SMALL_STEP)
    .map(|(clock, by)| Jump { clock, by })
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.by < TimeDelta::zero() {
            "back"
        } else {
            "forward"
        };
        let by = Duration::from_secs(self.by.num_seconds().unsigned_abs());
        let by = humantime::format_duration(by);
        write!(
            f,
            "the clock of the {} was set {direction} by {by}",
            self.clock
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_from_the_time_that_has_passed_was_moved() {
        let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let last = Reading {
            store: start,
            asked: Instant::now(),
            own: start,
            answered: Instant::now(),
        };
        let at = last.answered + Duration::from_secs(5);
        let later = |store_s, own_s| Reading {
            store: start + TimeDelta::seconds(store_s),
            asked: at,
            own: start + TimeDelta::seconds(own_s),
            answered: at,
        };
        let said = |now| jump(last, now).map(|jump| jump.to_string());
        assert_eq!(said(later(5, 5)), None);
        assert_eq!(said(later(7, 4)), None);
        assert_eq!(
            said(later(5 - 3600, 5)).unwrap(),
            "the clock of the store was set back by 1h"
        );
        assert_eq!(
            said(later(5, 5 + 90)).unwrap(),
            "the clock of the host was set forward by 1m 30s"
        );
        // An answer that took long may have been read at its beginning.
        let slow = Reading {
            asked: last.answered,
            ..later(1, 5)
        };
        assert_eq!(said(slow), None);
    }

    #[test]
    fn health_says_that_the_clock_was_moved() {
        let health = HealthIssues::default();
        let mut watch = ClockWatch::new(health.clone());
        watch.observe(Utc::now(), Instant::now());
        watch.found_ahead(TimeDelta::milliseconds(40));
        assert!(health.current().is_empty());
        watch.observe(Utc::now() - TimeDelta::days(365), Instant::now());
        let issue = &health.current()[0];
        assert_eq!(issue.part, "clock");
        assert!(
            issue
                .why
                .starts_with("the clock of the store was set back by"),
            "{}",
            issue.why
        );
    }
}
