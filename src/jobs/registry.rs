use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use arc_swap::ArcSwap;
use serde_json::Value;
use thiserror::Error;

use super::{
    ArgumentError, CountTopNamedEntities, Job, JobContext, JobError, Limits, PostStatistics,
    Programs, PrunePosts, QueryPostsDb, RefreshCandidates, RetryPolicy, SubstringMatchesByPlatform,
    UnknownJob, arguments,
    kinds::{ProgramJob, ProgramJobs, ProgramRun},
};
use crate::programs::ProgramDirectory;
use crate::scoring::Scorers;

/// The jobs that can be run, by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, JobKind>,
    /// Jobs that programs announce while they run.
    announced: ProgramJobs,
}

impl Registry {
    /// The jobs that ship, without any programs.
    pub fn shipped() -> Self {
        Self::default()
            .with_programs(Programs::default())
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
        self.kinds.insert(J::NAME, JobKind::new(read::<J>));
        self
    }

    /// The job `program` with these programs to run.
    #[must_use]
    pub fn with_programs(mut self, programs: Programs) -> Self {
        let read = move |arguments: &Value| programs.prepare(arguments).map(PreparedJob::program);
        self.kinds.insert(Programs::NAME, JobKind::new(read));
        self
    }

    /// The jobs of these programs, as they are announced when a job is prepared.
    #[must_use]
    pub fn with_announced_by(mut self, programs: ProgramDirectory) -> Self {
        self.announced = ProgramJobs::new(programs);
        self
    }

    /// The job `refresh_candidates` with these scorers to choose by, as they are when its arguments are read.
    #[must_use]
    pub fn with_scorers(mut self, scorers: Arc<ArcSwap<Scorers>>) -> Self {
        let read = move |arguments: &Value| {
            let mut job: RefreshCandidates = arguments::read(arguments)?;
            job.scorers = (**scorers.load()).clone();
            PreparedJob::new(job)
        };
        let kind = JobKind::new(read);
        self.kinds.insert(RefreshCandidates::NAME, kind);
        self
    }

    /// Every name but those that programs announce, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    /// Every name under which a job may be in the queue: an earlier version called `program` otherwise.
    pub fn names_in_queue(&self) -> impl Iterator<Item = &'static str> {
        let has_programs = self.kinds.contains_key(Programs::NAME);
        self.names()
            .chain(has_programs.then_some(Programs::OLD_NAME))
    }

    /// Reads and checks the arguments of a job, so that what is enqueued can run; `null` stands for none.
    pub fn prepare(&self, name: &str, arguments: &Value) -> Result<PreparedJob, PrepareError> {
        if let Some(job) = self.announced.prepare(name, arguments) {
            return Ok(PreparedJob::announced(job?));
        }
        let unknown = || {
            let shipped = self.names().map(str::to_owned);
            UnknownJob {
                name: name.to_owned(),
                known: shipped.chain(self.announced.names()).collect(),
            }
        };
        let current = if name == Programs::OLD_NAME {
            Programs::NAME
        } else {
            name
        };
        let kind = self.kinds.get(current).ok_or_else(unknown)?;
        Ok((kind.read)(arguments)?)
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

type Read = dyn Fn(&Value) -> Result<PreparedJob, ArgumentError> + Send + Sync;

/// Reads the arguments of one kind of job.
#[derive(Clone)]
struct JobKind {
    read: Arc<Read>,
}

impl JobKind {
    fn new(
        read: impl Fn(&Value) -> Result<PreparedJob, ArgumentError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            read: Arc::new(read),
        }
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JobKind").finish_non_exhaustive()
    }
}

/// A job with arguments it takes.
pub struct PreparedJob {
    limits: Limits,
    retry: RetryPolicy,
    job: Box<dyn Runnable>,
}

impl PreparedJob {
    fn new<J: Job>(job: J) -> Result<Self, ArgumentError> {
        job.validate()?;
        Ok(Self {
            limits: J::LIMITS,
            retry: J::RETRY,
            job: Box::new(job),
        })
    }

    fn program(run: ProgramRun) -> Self {
        Self {
            limits: run.limits(),
            retry: run.retry(),
            job: Box::new(OnceProgram(run)),
        }
    }

    fn announced(job: ProgramJob) -> Self {
        Self {
            limits: job.limits(),
            retry: job.retry(),
            job: Box::new(AnnouncedJob(job)),
        }
    }

    /// How long a run may take.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// When a failed run is tried again.
    pub fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// Runs the job once.
    pub async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        self.job.run(context).await
    }
}

/// A [`Job`] whose type is forgotten, or a program.
trait Runnable: Send + Sync {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a>;
}

type BoxedRun<'a> = Pin<Box<dyn Future<Output = Result<Value, JobError>> + Send + 'a>>;

impl<J: Job> Runnable for J {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a> {
        Box::pin(Job::run(self, context))
    }
}

/// Programs are wrapped, for the compiler cannot know that [`ProgramRun`] will never be a [`Job`].
struct OnceProgram(ProgramRun);

impl Runnable for OnceProgram {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a> {
        Box::pin(self.0.run(context))
    }
}

/// Wrapped for the same reason.
struct AnnouncedJob(ProgramJob);

impl Runnable for AnnouncedJob {
    fn run<'a>(&'a self, context: &'a JobContext) -> BoxedRun<'a> {
        Box::pin(self.0.run(context))
    }
}

fn read<J: Job>(arguments: &Value) -> Result<PreparedJob, ArgumentError> {
    PreparedJob::new(arguments::read::<J>(arguments)?)
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
        let error = Registry::shipped()
            .prepare("count", &Value::Null)
            .map(|_| ())
            .unwrap_err();
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
            (json!({"result_key": "a\nb"}), "result_key"),
            (json!({"result_key": "k".repeat(513)}), "result_key"),
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
