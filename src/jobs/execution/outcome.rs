//! What the end of a run means for its job.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;

use crate::jobs::{JobError, Limits, RetryPolicy};
use crate::queue::{Lease, Outcome};
use crate::settings::JobsSettings;

/// Longest time between two runs of a job that waits for a store.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// End of a run.
#[derive(Debug)]
pub(super) enum RunExit {
    /// It returned, by itself or because its token was cancelled.
    Returned(Result<Value, JobError>),
    /// It was asked to stop and did not in time.
    Abandoned,
    /// Another worker has its lease.
    Overtaken,
}

/// Reason for which a run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopReason {
    /// It took longer than its soft limit.
    SoftLimit,
    /// The job was cancelled.
    Cancel,
    /// The instance shuts down.
    Release,
}

/// Reason for which a run failed, other than its own error.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the run took longer than its soft limit of {} ms", .0.as_millis())]
    SoftLimit(Duration),
    #[error("the run took longer than its hard limit of {} ms and was abandoned", .0.as_millis())]
    HardLimit(Duration),
    #[error("the result of {bytes} bytes is over jobs.max_result_bytes = {limit}")]
    ResultTooLarge { bytes: usize, limit: usize },
}

/// Decides which outcome the end of a run has.
pub(super) struct OutcomePolicy<'a> {
    pub(super) lease: &'a Lease,
    pub(super) limits: Limits,
    pub(super) retry: RetryPolicy,
    pub(super) settings: &'a JobsSettings,
}

impl OutcomePolicy<'_> {
    /// Returns the outcome to settle, or `None` for a run that was overtaken.
    pub(super) fn decide(&self, exit: RunExit, stop: Option<StopReason>) -> Option<Outcome> {
        let outcome = match (exit, stop) {
            (RunExit::Overtaken | RunExit::Returned(Err(JobError::Overtaken)), _) => return None,
            (RunExit::Returned(Ok(result)), _) => self.succeeded(result),
            (
                RunExit::Abandoned | RunExit::Returned(Err(JobError::Cancelled)),
                Some(StopReason::Release),
            ) => Outcome::Released,
            (RunExit::Abandoned | RunExit::Returned(Err(_)), Some(StopReason::Cancel)) => {
                Outcome::Cancelled {
                    keep: self.settings.failed_ttl,
                }
            }
            (RunExit::Abandoned, _) => self.failed(&RunError::HardLimit(self.limits.hard), None),
            (RunExit::Returned(Err(JobError::Cancelled)), Some(StopReason::SoftLimit)) => {
                self.failed(&RunError::SoftLimit(self.limits.soft), None)
            }
            (RunExit::Returned(Err(error)), _) if error.is_unavailable() => self.postpone(&error),
            (RunExit::Returned(Err(error)), _) if error.is_retryable() => {
                self.failed(&error, error.retry_after())
            }
            (RunExit::Returned(Err(error)), _) => dead(&error, self.settings),
        };
        Some(outcome)
    }

    fn succeeded(&self, result: Value) -> Outcome {
        let (bytes, limit) = (result.to_string().len(), self.settings.max_result_bytes);
        if bytes > limit {
            return dead(&RunError::ResultTooLarge { bytes, limit }, self.settings);
        }
        Outcome::Succeeded {
            result,
            keep: self.settings.result_ttl,
        }
    }

    /// A store or the database is unavailable: the job waits for it, however long that takes.
    fn postpone(&self, error: &dyn Error) -> Outcome {
        let failures = self.lease.attempts + 1;
        let delay = self.retry.backoff.delay(failures);
        Outcome::Retry {
            error: chain(error),
            after: delay.min(LONGEST_WAIT),
        }
    }

    /// The job is tried again, after `after` if it says so itself, unless it has had its attempts.
    fn failed(&self, error: &dyn Error, after: Option<Duration>) -> Outcome {
        let failures = self.lease.attempts + 1;
        match self.retry.delay_after(failures) {
            Some(delay) => Outcome::Retry {
                error: chain(error),
                after: after.unwrap_or(delay),
            },
            None => dead(error, self.settings),
        }
    }
}

/// Returns the outcome of a job that is not worth a retry.
pub(super) fn dead(error: &dyn Error, settings: &JobsSettings) -> Outcome {
    Outcome::Dead {
        error: chain(error),
        keep: settings.failed_ttl,
    }
}

/// An error and its causes; a cause that only repeats is left out.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::queue::JobState;

    fn outcome(attempts: u32, exit: RunExit, stop: Option<StopReason>) -> Option<Outcome> {
        let lease = Lease {
            id: uuid::Uuid::now_v7(),
            name: "job".into(),
            args: json!({}),
            token: 1,
            attempts,
            lost: 0,
        };
        let policy = OutcomePolicy {
            lease: &lease,
            limits: Limits {
                soft: Duration::from_secs(1),
                hard: Duration::from_secs(2),
            },
            retry: RetryPolicy::DEFAULT,
            settings: &JobsSettings {
                max_result_bytes: 10,
                ..JobsSettings::default()
            },
        };
        policy.decide(exit, stop)
    }

    fn state(attempts: u32, exit: RunExit, stop: Option<StopReason>) -> Option<JobState> {
        outcome(attempts, exit, stop).map(|outcome| outcome.state())
    }

    fn error(error: JobError) -> RunExit {
        RunExit::Returned(Err(error))
    }

    #[test]
    fn each_end_has_its_outcome() {
        let transient = || error(JobError::Transient("away".into()));
        let cancelled = || error(JobError::Cancelled);
        for (ended, asked, expected) in [
            (
                RunExit::Returned(Ok(json!(1))),
                None,
                Some(JobState::Succeeded),
            ),
            (
                RunExit::Returned(Ok(json!(1))),
                Some(StopReason::Cancel),
                Some(JobState::Succeeded),
            ),
            (transient(), None, Some(JobState::Retrying)),
            (
                transient(),
                Some(StopReason::Cancel),
                Some(JobState::Cancelled),
            ),
            (
                transient(),
                Some(StopReason::Release),
                Some(JobState::Retrying),
            ),
            (
                error(JobError::Permanent("no".into())),
                None,
                Some(JobState::Dead),
            ),
            (cancelled(), None, Some(JobState::Dead)),
            (
                cancelled(),
                Some(StopReason::Cancel),
                Some(JobState::Cancelled),
            ),
            (
                cancelled(),
                Some(StopReason::SoftLimit),
                Some(JobState::Retrying),
            ),
            (
                cancelled(),
                Some(StopReason::Release),
                Some(JobState::Queued),
            ),
            (
                RunExit::Abandoned,
                Some(StopReason::SoftLimit),
                Some(JobState::Retrying),
            ),
            (
                RunExit::Abandoned,
                Some(StopReason::Cancel),
                Some(JobState::Cancelled),
            ),
            (
                RunExit::Abandoned,
                Some(StopReason::Release),
                Some(JobState::Queued),
            ),
            (RunExit::Overtaken, None, None),
            (error(JobError::Overtaken), None, None),
        ] {
            let said = format!("{ended:?}, {asked:?}");
            assert_eq!(state(0, ended, asked), expected, "{said}");
        }
    }

    #[test]
    fn the_last_attempt_that_fails_is_the_end() {
        let transient = error(JobError::Transient("away".into()));
        assert_eq!(state(4, transient, None), Some(JobState::Dead));
    }

    #[test]
    fn a_job_outlasts_any_outage_of_what_it_needs() {
        let unavailable = error(JobError::Unavailable("read-only".into()));
        let Some(Outcome::Retry { after, .. }) = outcome(1_000, unavailable, None) else {
            panic!("it must be tried again");
        };
        assert!(after <= LONGEST_WAIT);
    }

    #[test]
    fn a_result_over_the_limit_is_an_error_that_says_so() {
        let result = RunExit::Returned(Ok(json!("12345678901")));
        let Some(Outcome::Dead { error, .. }) = outcome(0, result, None) else {
            panic!("too large");
        };
        assert!(error[0].contains("13 bytes") && error[0].contains("max_result_bytes = 10"));
    }
}
