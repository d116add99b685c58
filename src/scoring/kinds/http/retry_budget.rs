use std::sync::{Mutex, PoisonError};

/// Most retries that can be saved up: enough for a few faults in a row at the start.
const MOST: f64 = 10.0;

/// Limits retries to a share of all calls, so that a server in trouble does not get more work because of it.
#[derive(Debug)]
pub(super) struct RetryBudget {
    share: f64,
    saved: Mutex<f64>,
}

impl RetryBudget {
    /// Creates a budget that grows by `share` of a retry, 0 to 1, with each call.
    pub(super) fn new(share: f64) -> Self {
        let saved = if share > 0.0 { MOST } else { 0.0 };
        Self {
            share,
            saved: Mutex::new(saved),
        }
    }

    /// Adds the share of a call.
    pub(super) fn record_call(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + self.share).min(MOST);
    }

    /// Takes a retry; returns false if there is none left.
    pub(super) fn take_retry(&self) -> bool {
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
            budget.record_call();
            budget.take_retry()
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
