use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Interval at which some due times are checked.
const PERIOD: Duration = Duration::from_secs(1);
/// Number that is checked at a time, of the hundreds of thousands that there may be.
const STEP: u64 = 200;
/// The same after the clock was set back, until each was checked.
const LARGE_STEP: u64 = 1_000;

/// The progress of the checks that no due time is farther away than the delay that was asked for.
#[derive(Debug, Default)]
pub(crate) struct DueCheck(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    next: u64,
    checked_at: Option<Instant>,
    is_urgent: bool,
}

impl DueCheck {
    /// Returns where the next check begins and how many due times it looks at, perhaps none.
    pub(crate) fn step(&self) -> (u64, u64) {
        let mut progress = self.lock();
        if progress.is_urgent {
            return (progress.next, LARGE_STEP);
        }
        if progress.checked_at.is_some_and(|at| at.elapsed() < PERIOD) {
            return (progress.next, 0);
        }
        progress.checked_at = Some(Instant::now());
        (progress.next, STEP)
    }

    /// Takes note of where to go on after a step of `count`; 0 means that the last due time was checked.
    pub(crate) fn advance(&self, count: u64, next: u64) {
        let mut progress = self.lock();
        if count > 0 {
            progress.next = next;
        }
        if count == LARGE_STEP {
            progress.is_urgent &= next != 0;
        }
    }

    /// Makes each claim check many due times until all were checked.
    pub(crate) fn hurry(&self) {
        let mut progress = self.lock();
        progress.next = 0;
        progress.is_urgent = true;
    }

    /// Returns whether the next claim should come at once.
    pub(crate) fn is_urgent(&self) -> bool {
        self.lock().is_urgent
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
