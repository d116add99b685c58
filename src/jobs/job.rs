use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ArgumentError, JobContext, JobError};

/// Work that runs in the background. The struct is its arguments: what serde reads from JSON is what runs.
///
/// A job runs at least once, so running twice must do no harm; one that writes elsewhere hands
/// [`JobContext::token`] along. Having nothing to do is success.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What requests and schedules call it.
    const NAME: &'static str;

    /// How long a run may take.
    const LIMITS: Limits = Limits {
        soft: Duration::from_mins(10),
        hard: Duration::from_mins(11),
    };

    /// When a failed run is tried again.
    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;

    /// Refuses arguments that can be read but make no sense, naming the one at fault.
    fn validate(&self) -> Result<(), ArgumentError> {
        Ok(())
    }

    /// Does the work and answers its result.
    ///
    /// Looks at [`JobContext::check_cancelled`] between steps, and does CPU-bound work on blocking threads.
    fn run(&self, context: &JobContext) -> impl Future<Output = Result<Value, JobError>> + Send;
}

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After this the run is asked to stop.
    pub soft: Duration,
    /// After this it is abandoned.
    pub hard: Duration,
}

/// When a failed run is tried again: after delays that double, each shortened by up to half at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Runs in all, the first included.
    pub max_attempts: u32,
    /// The delay after the first failure.
    pub first_delay: Duration,
    /// No delay is longer.
    pub longest_delay: Duration,
}

impl RetryPolicy {
    /// Five runs, after delays of 1, 2, 4 and 8 s.
    pub const DEFAULT: Self = Self {
        max_attempts: 5,
        first_delay: Duration::from_secs(1),
        longest_delay: Duration::from_mins(5),
    };

    /// The delay after this many failed runs, for a `jitter` drawn from 0 to 1; `None` when it was the last run.
    pub fn delay_after(&self, failures: u32, jitter: f64) -> Option<Duration> {
        (failures < self.max_attempts).then(|| self.delay(failures, jitter))
    }

    /// The same when the number of runs does not count.
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let delay = self
            .first_delay
            .saturating_mul(doubled)
            .min(self.longest_delay);
        delay.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 100,
        first_delay: Duration::from_secs(1),
        longest_delay: Duration::from_mins(1),
    };

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays =
            [1, 2, 3, 7, 99].map(|failures| POLICY.delay_after(failures, 0.0).unwrap().as_secs());
        assert_eq!(delays, [1, 2, 4, 60, 60]);
    }

    #[test]
    fn jitter_takes_at_most_half() {
        assert_eq!(POLICY.delay_after(1, 1.0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn after_the_last_attempt_there_is_no_delay() {
        assert_eq!(POLICY.delay_after(100, 0.5), None);
    }
}
