use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use weir_supervision::Backoff;

use super::{ArgumentError, JobContext, JobError};

/// Work that runs in the background. The struct is its arguments: what serde reads from JSON is what runs.
///
/// A job runs at least once, so running twice must do no harm; one that writes elsewhere hands
/// [`JobContext::token`] along. Having nothing to do is success.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What requests and schedules call it.
    const NAME: &'static str;

    /// Longest times of a run.
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

/// Longest times of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time after which the run is asked to stop.
    pub soft: Duration,
    /// Time after which it is abandoned.
    pub hard: Duration,
}

/// When and how often a failed run is retried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Runs in all, the first included.
    pub max_attempts: u32,
    /// Delays between the runs.
    pub backoff: Backoff,
}

impl RetryPolicy {
    /// Five runs, after delays of 1, 2, 4 and 8 s, each shortened by up to half at random.
    pub const DEFAULT: Self = Self {
        max_attempts: 5,
        backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(5)).with_jitter(0.5),
    };

    /// Returns the delay after so many failed runs, or `None` when the last run has failed.
    pub fn delay_after(&self, failures: u32) -> Option<Duration> {
        (failures < self.max_attempts).then(|| self.backoff.delay(failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_attempt_there_is_no_delay() {
        let policy = RetryPolicy::DEFAULT;
        assert!(policy.delay_after(4).is_some());
        assert_eq!(policy.delay_after(5), None);
    }
}
