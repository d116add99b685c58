use std::{collections::BTreeMap, future::Future, pin::Pin};

use serde_json::Value;
use thiserror::Error;

use super::{
    ArgumentError, CountTopNamedEntities, Job, JobContext, JobError, Limits, PostStatistics,
    PrunePosts, QueryPostsDb, RefreshCandidates, RetryPolicy, SubstringMatchesByPlatform,
    UnknownJob,
};

/// The jobs that can be run, by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, JobKind>,
}

impl Registry {
    /// The jobs that ship.
    pub fn shipped() -> Self {
        Self::default()
            .with::<CountTopNamedEntities>()
            .with::<PostStatistics>()
            .with::<PrunePosts>()
            .with::<QueryPostsDb>()
            .with::<RefreshCandidates>()
            .with::<SubstringMatchesByPlatform>()
    }

    /// One job more.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        self.kinds.insert(J::NAME, JobKind::of::<J>());
        self
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    /// The kind of job with this name.
    pub fn kind(&self, name: &str) -> Result<JobKind, UnknownJob> {
        let unknown = || UnknownJob {
            name: name.to_owned(),
            known: self.names().collect(),
        };
        self.kinds.get(name).copied().ok_or_else(unknown)
    }

    /// Reads and checks the arguments of a job, so that what is enqueued can run.
    pub fn prepare(&self, name: &str, arguments: &Value) -> Result<PreparedJob, PrepareError> {
        Ok(self.kind(name)?.prepare(arguments)?)
    }
}

/// Why a job cannot be prepared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PrepareError {
    /// No job has this name.
    #[error(transparent)]
    Unknown(#[from] UnknownJob),
    /// The job does not take these arguments.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

/// What is known of a job before it has arguments.
#[derive(Clone, Copy, Debug)]
pub struct JobKind {
    /// Its name.
    pub name: &'static str,
    /// How long a run may take.
    pub limits: Limits,
    /// When a failed run is tried again.
    pub retry: RetryPolicy,
    read: fn(&Value) -> Result<PreparedJob, ArgumentError>,
}

impl JobKind {
    fn of<J: Job>() -> Self {
        Self {
            name: J::NAME,
            limits: J::LIMITS,
            retry: J::RETRY,
            read: read::<J>,
        }
    }

    /// Reads and checks the job's arguments; `null` stands for none.
    pub fn prepare(&self, arguments: &Value) -> Result<PreparedJob, ArgumentError> {
        (self.read)(arguments)
    }
}

/// A job with arguments it takes.
pub struct PreparedJob(Box<dyn Runnable>);

impl PreparedJob {
    /// Runs the job once.
    pub async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        self.0.run(context).await
    }
}

/// A [`Job`] whose type is forgotten.
trait Runnable: Send + Sync {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a>;
}

type BoxedRun<'a> = Pin<Box<dyn Future<Output = Result<Value, JobError>> + Send + 'a>>;

impl<J: Job> Runnable for J {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a> {
        Box::pin(Job::run(self, context))
    }
}

fn read<J: Job>(arguments: &Value) -> Result<PreparedJob, ArgumentError> {
    let none = Value::Object(serde_json::Map::new());
    let arguments = if arguments.is_null() {
        &none
    } else {
        arguments
    };
    let job: J = serde_path_to_error::deserialize(arguments)
        .map_err(|error| ArgumentError::new(error.path().to_string(), error.inner().to_string()))?;
    job.validate()?;
    Ok(PreparedJob(Box::new(job)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(arguments: &Value) -> ArgumentError {
        let prepared = Registry::shipped().prepare("count_top_named_entities", arguments);
        match prepared.map(|_| ()) {
            Err(PrepareError::Argument(error)) => error,
            other => panic!("{arguments} gave {other:?}"),
        }
    }

    #[test]
    fn an_unknown_job_is_answered_with_those_there_are() {
        let error = Registry::shipped().kind("count").unwrap_err();
        assert!(
            error.to_string().contains("count_top_named_entities"),
            "{error}"
        );
    }

    #[test]
    fn arguments_may_be_left_out() {
        for arguments in [Value::Null, json!({})] {
            let prepared = Registry::shipped().prepare("count_top_named_entities", &arguments);
            assert!(prepared.is_ok());
        }
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (arguments, argument) in [
            (json!({"k": "ten"}), "k"),
            (json!({"k": 0}), "k"),
            (json!({"platform": "myspace"}), "platform"),
            (json!({"from": "yesterday"}), "from"),
            (json!({"window": "30 moons"}), "window"),
            (json!({"window": "1d", "from": "2017-05-31"}), "window"),
            (json!({"from": "2017-06-01", "to": "2017-05-31"}), "to"),
            (json!({"result_key": ""}), "result_key"),
        ] {
            assert_eq!(refusal(&arguments).argument, argument, "{arguments}");
        }
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let error = refusal(&json!({"limit": 10}));
        assert!(error.to_string().contains("limit"), "{error}");
    }
}
