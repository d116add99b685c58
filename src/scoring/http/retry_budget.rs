use std::sync::{Mutex, PoisonError};

/// Tries that can be saved up. Enough for a few faults in a row at the start.
const MOST: f64 = 10.0;

/// Keeps retries to a share of all calls, so that a server in trouble does not get more work because of it.
#[derive(Debug)]
pub(super) struct RetryBudget {
    share: f64,
    saved: Mutex<f64>,
}

impl RetryBudget {
    /// `share` of a retry for each call, 0 to 1.
    pub(super) fn new(share: f64) -> Self {
        let saved = if share > 0.0 { MOST } else { 0.0 };
        Self {
            share,
            saved: Mutex::new(saved),
        }
    }

    /// A call was made.
    pub(super) fn call(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + self.share).min(MOST);
    }

    /// Whether there is a retry left; it is taken.
    pub(super) fn retry(&self) -> bool {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let left = *saved >= 1.0;
        if left {
            *saved -= 1.0;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(budget: &RetryBudget, calls: usize) -> usize {
        let retry = |_: &usize| {
            budget.call();
            budget.retry()
        };
        (0..calls).filter(retry).count()
    }

    #[test]
    fn retries_are_a_share_of_the_calls_beyond_the_first_few() {
        let budget = RetryBudget::new(0.125);
        assert_eq!(retries(&budget, 11), 11);
        assert_eq!(retries(&budget, 800), 100);
    }

    #[test]
    fn no_share_is_no_retry() {
        assert_eq!(retries(&RetryBudget::new(0.0), 100), 0);
    }
}
