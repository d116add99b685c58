use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use weir_programs::{AnnouncedJob, CallError, CallOptions, Program, code};

use crate::jobs::{ArgumentError, JobContext, JobError, Limits, RetryPolicy};
use crate::programs::{ProgramDirectory, check_arguments};

/// Time of a run whose job announces none.
const TIME_LIMIT: Duration = Duration::from_mins(10);
/// Time from the cancel of a run until its process is killed, and a little more.
const KILL_GRACE: Duration = Duration::from_secs(16);
/// Longest time until another attempt that a job may ask for.
const LONGEST_DELAY: Duration = Duration::from_hours(24);
/// Time for which a result is kept under a key, unless the job says how long.
const RESULT_TTL: Duration = Duration::from_hours(24);

/// Jobs of programs, which announce them once they run. A job is called `PROGRAM.JOB`.
#[derive(Clone, Debug, Default)]
pub(in crate::jobs) struct ProgramJobs(ProgramDirectory);

/// Job of a program with arguments that it takes.
pub(in crate::jobs) struct ProgramJob {
    program: Arc<Program>,
    job: String,
    announced: AnnouncedJob,
    args: Map<String, Value>,
}

impl ProgramJobs {
    pub(in crate::jobs) fn new(programs: ProgramDirectory) -> Self {
        Self(programs)
    }

    /// Returns the names of all jobs.
    pub(in crate::jobs) fn names(&self) -> BTreeSet<String> {
        self.0.job_names()
    }

    /// Reads the arguments of a job; `None` if no program has it.
    pub(in crate::jobs) fn prepare(
        &self,
        name: &str,
        arguments: &Value,
    ) -> Option<Result<ProgramJob, ArgumentError>> {
        let (program, job) = name.split_once('.')?;
        let program = self.0.get(program)?;
        let announced = program.pool().announcement()?.jobs.get(job)?.clone();
        let args = match arguments {
            Value::Null => Map::new(),
            Value::Object(args) => args.clone(),
            _ => return Some(Err(ArgumentError::new(".", "expected an object"))),
        };
        let checked = check_arguments(&announced.schema, &args);
        let prepared = checked.map(|()| ProgramJob {
            program,
            job: job.to_owned(),
            announced,
            args,
        });
        Some(prepared.map_err(|error| ArgumentError::new(error.argument, error.why)))
    }
}

impl ProgramJob {
    pub(in crate::jobs) fn limits(&self) -> Limits {
        let announced = self.announced.time_limit_ms.map(Duration::from_millis);
        let soft = announced.unwrap_or(TIME_LIMIT);
        Limits {
            soft,
            hard: soft + KILL_GRACE,
        }
    }

    pub(in crate::jobs) fn retry(&self) -> RetryPolicy {
        let retries = self.announced.retries;
        let max_attempts = retries.map_or(RetryPolicy::DEFAULT.max_attempts, |retries| {
            retries.saturating_add(1)
        });
        RetryPolicy {
            max_attempts,
            ..RetryPolicy::DEFAULT
        }
    }

    /// Runs the job once in a process of its program.
    pub(in crate::jobs) async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let params = json!({
            "job": self.job,
            "args": self.args,
            "job_id": context.job(),
            "token": context.token(),
            "attempt": context.attempt(),
        });
        let cancel = Arc::new(AtomicBool::new(false));
        let reporter = context.progress_reporter();
        let options = CallOptions {
            progress: Some(Arc::new(move |done, total| reporter(done, Some(total)))),
            cancel: Arc::clone(&cancel),
        };
        let pool = self.program.pool();
        let call = pool.call("run_job", params.to_string(), options, None);
        tokio::pin!(call);
        let result = tokio::select! {
            result = &mut call => result,
            () = context.cancellation().cancelled() => {
                cancel.store(true, Ordering::Relaxed);
                let _ = call.await;
                return Err(JobError::Cancelled);
            }
        };
        let result = result.map_err(job_error)?;
        let result = serde_json::from_str(result.get());
        let result: Value = result.map_err(|error| JobError::Permanent(Box::new(error)))?;
        if let Some(key) = &self.announced.result_key {
            let ttl = self.announced.result_ttl_ms.map(Duration::from_millis);
            context
                .put_result(key, &result, ttl.unwrap_or(RESULT_TTL))
                .await?;
        }
        Ok(result)
    }
}

/// The text of the error holds no message of the program, which may quote a post.
fn job_error(error: CallError) -> JobError {
    match &error {
        CallError::Unavailable => JobError::Unavailable(Box::new(error)),
        CallError::Failed(failed) if failed.code == code::CANCELLED => JobError::Cancelled,
        CallError::Failed(failed)
            if failed.code == code::PARAMS || failed.data.retry == Some(false) =>
        {
            JobError::Permanent(Box::new(error))
        }
        CallError::Failed(failed) if failed.data.retry_after_ms.is_some() => {
            let after_ms = failed.data.retry_after_ms.unwrap_or_default();
            JobError::RetryAfter {
                after: Duration::from_millis(after_ms).min(LONGEST_DELAY),
                cause: Box::new(error),
            }
        }
        CallError::BadResult | CallError::TooLong => JobError::Permanent(Box::new(error)),
        CallError::Failed(_) | CallError::NotInTime | CallError::Ended { .. } => {
            JobError::Transient(Box::new(error))
        }
    }
}
