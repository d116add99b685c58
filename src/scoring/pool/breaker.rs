use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use weir_supervision::Backoff;

use super::config::BreakerConfig;

/// Longest pause, as a multiple of the first one.
const LONGEST: u32 = 32;

/// Circuit breaker of a scorer, after M. Nygard, "Release It!", 2007.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Failed batches in a row after which it opens; 0 for never.
    failures: u32,
    pause: Backoff,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Work is admitted; `failures` batches in a row have failed.
    Closed { failures: u32 },
    /// No work is admitted until the pause is over, the `pauses`th in a row.
    Open { until: Instant, pauses: u32 },
    /// A trial is in flight. If its outcome is not known at `until`, another one is admitted.
    HalfOpen { until: Instant, pauses: u32 },
}

/// State of a breaker, numbered as in `/actors` and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakerState {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

impl Breaker {
    pub(super) fn new(BreakerConfig { failures, pause }: &BreakerConfig) -> Self {
        Self {
            failures: *failures,
            pause: Backoff::new(*pause, pause.saturating_mul(LONGEST)),
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Returns whether work may go to the scorer, and the state after that decision.
    pub(super) fn admit(&self, now: Instant) -> (bool, BreakerState) {
        let mut state = self.lock();
        let admitted = match *state {
            State::Closed { .. } => true,
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => false,
            State::Open { pauses, .. } | State::HalfOpen { pauses, .. } => {
                let until = now + self.pause.delay(pauses);
                *state = State::HalfOpen { until, pauses };
                true
            }
        };
        (admitted, state.kind())
    }

    /// Records the outcome of a batch and returns the state after it.
    pub(super) fn record(&self, succeeded: bool, now: Instant) -> BreakerState {
        let mut state = self.lock();
        *state = match (*state, succeeded) {
            (_, true) => State::Closed { failures: 0 },
            (State::Closed { failures }, false) => {
                let failures = failures.saturating_add(1);
                if self.failures > 0 && failures >= self.failures {
                    self.open(1, now)
                } else {
                    State::Closed { failures }
                }
            }
            (State::HalfOpen { pauses, .. }, false) => self.open(pauses.saturating_add(1), now),
            (open @ State::Open { .. }, false) => open,
        };
        state.kind()
    }

    pub(super) fn state(&self) -> BreakerState {
        self.lock().kind()
    }

    fn open(&self, pauses: u32, now: Instant) -> State {
        let until = now + self.pause.delay(pauses);
        State::Open { until, pauses }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn kind(self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
            Self::Open { .. } => BreakerState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn breaker(failures: u32) -> Breaker {
        let pause = PAUSE;
        Breaker::new(&BreakerConfig { failures, pause })
    }

    fn admits(breaker: &Breaker, now: Instant) -> bool {
        breaker.admit(now).0
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_only_then() {
        let (breaker, now) = (breaker(3), Instant::now());
        for succeeded in [false, false, true, false, false] {
            breaker.record(succeeded, now);
            assert!(admits(&breaker, now));
        }
        breaker.record(false, now);
        assert!(!admits(&breaker, now));
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn one_trial_after_a_pause_decides() {
        let (breaker, mut now) = (breaker(1), Instant::now());
        breaker.record(false, now);
        now += PAUSE;
        assert!(admits(&breaker, now), "the trial");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(!admits(&breaker, now), "one is enough");
        breaker.record(false, now);
        now += PAUSE;
        assert!(!admits(&breaker, now), "the pause has doubled");
        now += PAUSE;
        assert!(admits(&breaker, now));
        breaker.record(true, now);
        assert!(admits(&breaker, now) && admits(&breaker, now));
    }

    #[test]
    fn a_trial_that_nothing_is_heard_of_is_followed_by_another() {
        let (breaker, now) = (breaker(1), Instant::now());
        breaker.record(false, now);
        assert!(admits(&breaker, now + PAUSE));
        assert!(admits(&breaker, now + PAUSE * 2));
    }

    #[test]
    fn pauses_do_not_grow_for_ever() {
        let (breaker, mut now) = (breaker(1), Instant::now());
        for _ in 0..20 {
            breaker.record(false, now);
            now += PAUSE * LONGEST;
            assert!(admits(&breaker, now));
        }
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let (breaker, now) = (breaker(0), Instant::now());
        for _ in 0..100 {
            breaker.record(false, now);
        }
        assert!(admits(&breaker, now));
    }
}
