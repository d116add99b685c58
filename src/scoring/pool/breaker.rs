use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::BreakerConfig;

/// Longest pause, as a multiple of the first one.
const LONGEST: u32 = 32;

/// Circuit breaker of a scorer, after M. Nygard, "Release It!", 2007.
#[derive(Debug)]
pub(super) struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Work is admitted; `failures` batches in a row have failed.
    Closed { failures: u32 },
    /// No work is admitted until the pause is over.
    Open { until: Instant, pause: Duration },
    /// A trial is in flight. If its outcome is not known at `until`, another one is admitted.
    HalfOpen { until: Instant, pause: Duration },
}

/// State of a breaker, numbered as in `/actors` and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakerState {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

impl Breaker {
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Returns true if work may go to the scorer.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed { .. } => true,
            State::Open { until, pause } | State::HalfOpen { until, pause } => {
                let trial = now >= until;
                if trial {
                    let until = now + pause;
                    *state = State::HalfOpen { until, pause };
                }
                trial
            }
        }
    }

    /// Records the outcome of a batch.
    pub(super) fn record(&self, well: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match (*state, well) {
            (_, true) => State::Closed { failures: 0 },
            (State::Closed { failures }, false) => self.failed(failures.saturating_add(1), now),
            (State::HalfOpen { pause, .. }, false) => {
                Self::open((pause * 2).min(self.config.pause * LONGEST), now)
            }
            (open @ State::Open { .. }, false) => open,
        };
    }

    pub(super) fn state(&self) -> BreakerState {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed { .. } => BreakerState::Closed,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
            State::Open { .. } => BreakerState::Open,
        }
    }

    fn failed(&self, failures: u32, now: Instant) -> State {
        if self.config.failures > 0 && failures >= self.config.failures {
            Self::open(self.config.pause, now)
        } else {
            State::Closed { failures }
        }
    }

    fn open(pause: Duration, now: Instant) -> State {
        let until = now + pause;
        State::Open { until, pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn breaker(failures: u32) -> Breaker {
        let pause = PAUSE;
        Breaker::new(BreakerConfig { failures, pause })
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_only_then() {
        let (breaker, now) = (breaker(3), Instant::now());
        for well in [false, false, true, false, false] {
            breaker.record(well, now);
            assert!(breaker.admits(now));
        }
        breaker.record(false, now);
        assert!(!breaker.admits(now));
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn one_trial_after_a_pause_decides() {
        let (breaker, mut now) = (breaker(1), Instant::now());
        breaker.record(false, now);
        now += PAUSE;
        assert!(breaker.admits(now), "the trial");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(!breaker.admits(now), "one is enough");
        breaker.record(false, now);
        now += PAUSE;
        assert!(!breaker.admits(now), "the pause has doubled");
        now += PAUSE;
        assert!(breaker.admits(now));
        breaker.record(true, now);
        assert!(breaker.admits(now) && breaker.admits(now));
    }

    #[test]
    fn a_trial_that_nothing_is_heard_of_is_followed_by_another() {
        let (breaker, now) = (breaker(1), Instant::now());
        breaker.record(false, now);
        assert!(breaker.admits(now + PAUSE));
        assert!(breaker.admits(now + PAUSE * 2));
    }

    #[test]
    fn pauses_do_not_grow_for_ever() {
        let (breaker, mut now) = (breaker(1), Instant::now());
        for _ in 0..20 {
            breaker.record(false, now);
            now += PAUSE * LONGEST;
            assert!(breaker.admits(now));
        }
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let (breaker, now) = (breaker(0), Instant::now());
        (0..100).for_each(|_| breaker.record(false, now));
        assert!(breaker.admits(now));
    }
}
