//! Queue actor, workers and scheduler on a real store, with jobs that misbehave.

mod leases;
mod names;
mod runs;
mod scheduler;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use weir::actors::{Enqueue, JobQueueActor, JobQueueDeps, JobWorker, JobWorkerDeps};
use weir::health::HealthIssues;
use weir::jobs::{
    Job, JobContext, JobCounters, JobError, JobResources, LargeResults, Limits, Registry,
    RetryPolicy, WorkerContext, WorkerDeps,
};
use weir::queue::{JobId, JobQueue, JobRecord as Stored, JobState, NewJob, QueueLimits};
use weir::settings::JobsSettings;
use weir::store::Store;
use weir_supervision::{ActorRef, ActorSystem, Backoff, SupervisionPolicy};

use crate::common::databases::TestDatabase;
use crate::common::stores::sees;

const LIMIT: Duration = Duration::from_secs(20);

/// Does as it is told, within short limits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum Probe {
    Answer,
    /// Heeds the token.
    Wait,
    /// Does not heed it, but can be aborted.
    Sleep,
    /// Can only be left behind, until the file is there.
    Block {
        until: PathBuf,
    },
    Panic,
    Large,
}

impl Job for Probe {
    const NAME: &'static str = "probe";
    const LIMITS: Limits = Limits {
        soft: Duration::from_millis(200),
        hard: Duration::from_millis(400),
    };
    const RETRY: RetryPolicy = RetryPolicy {
        max_attempts: 2,
        backoff: Backoff::new(Duration::from_millis(10), Duration::from_millis(10)),
    };

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        act(self, context).await
    }
}

async fn act(probe: &Probe, context: &JobContext) -> Result<Value, JobError> {
    match probe {
        Probe::Answer => Ok(json!(context.token().0)),
        Probe::Wait => {
            context.report_progress(3, Some(10));
            context.cancellation().cancelled().await;
            Err(JobError::Cancelled)
        }
        Probe::Sleep => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            Ok(json!(null))
        }
        Probe::Block { until } => {
            let until = until.clone();
            let wait = move || {
                let give_up = std::time::Instant::now() + LIMIT;
                while !until.exists() && std::time::Instant::now() < give_up {
                    std::thread::sleep(Duration::from_millis(5));
                }
            };
            context.run_blocking(wait).await?;
            context
                .put_result("late", &json!(context.token().0), LIMIT)
                .await?;
            Ok(json!("unblocked"))
        }
        Probe::Panic => panic!("as told"),
        Probe::Large => {
            let mut result = context.large_result().await?;
            for _ in 0..100 {
                result.write(&[b'x'; 1_000]).await?;
            }
            result.finish().await
        }
    }
}

/// The same within the default limits.
#[derive(Serialize, Deserialize)]
struct Lasting(Probe);

impl Job for Lasting {
    const NAME: &'static str = "lasting";

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        act(&self.0, context).await
    }
}

fn probe(probe: &Probe) -> NewJob {
    NewJob::new(Probe::NAME, json!(probe))
}

fn lasting(probe: &Probe) -> NewJob {
    NewJob::new(Lasting::NAME, json!(probe))
}

/// The background of one Weir.
struct Rig {
    system: ActorSystem,
    context: Arc<WorkerContext>,
    queue: ActorRef<JobQueueActor>,
    counters: Arc<JobCounters>,
    resources: JobResources,
    health: HealthIssues,
    folder: TempDir,
    _database: TestDatabase,
    _ready: watch::Sender<bool>,
}

impl Rig {
    async fn start(store: &Store, workers: usize, settings: JobsSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::sqlite().await;
        let resources = JobResources {
            database: database.database.clone(),
            store: store.clone(),
            queue: JobQueue::new(store, QueueLimits::default()),
            large_results: LargeResults::new(folder.path().into(), 1 << 20, LIMIT),
        };
        let context = WorkerContext::new(WorkerDeps {
            registry: Registry::default().with::<Probe>().with::<Lasting>(),
            resources: resources.clone(),
            settings,
            owner: "rig".into(),
            instance: "host-1".into(),
            runtime: Handle::current(),
        });
        let counters = Arc::clone(context.counters());
        let system = ActorSystem::start(policy());
        for nth in 0..workers {
            start_worker(&system, &context, &nth.to_string());
        }
        let ready = watch::Sender::new(true);
        let health = HealthIssues::default();
        let deps = JobQueueDeps {
            context: Arc::clone(&context),
            prepared: ready.subscribe(),
            health: health.clone(),
        };
        let queue = system.spawn("job_queue", Arc::clone(&counters), deps);
        Self {
            system,
            context,
            queue,
            counters,
            resources,
            health,
            folder,
            _database: database,
            _ready: ready,
        }
    }

    fn start_worker(&self, name: &str) {
        start_worker(&self.system, &self.context, name);
    }

    async fn enqueue(&self, job: NewJob) -> JobId {
        let (reply, answer) = oneshot::channel();
        self.queue.tell(Enqueue { job, reply });
        answer.await.unwrap().unwrap().id
    }

    async fn finished(&self, id: JobId) -> Stored {
        let mut job = self.resources.queue.watch(id);
        let ended = |job: &Option<Stored>| job.as_ref().is_some_and(|job| job.state.is_finished());
        sees(LIMIT, &mut job, ended).await;
        job.borrow().clone().unwrap()
    }

    async fn state(&self, id: JobId) -> JobState {
        self.resources.queue.job(id).await.unwrap().unwrap().state
    }

    fn gate(&self) -> PathBuf {
        self.folder.path().join("gate")
    }
}

fn start_worker(system: &ActorSystem, context: &Arc<WorkerContext>, name: &str) {
    let deps = JobWorkerDeps {
        name: name.to_owned(),
        context: Arc::clone(context),
    };
    system.spawn::<JobWorker>("worker", Arc::default(), deps);
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.system.stop();
    }
}

fn policy() -> SupervisionPolicy {
    SupervisionPolicy {
        backoff: Backoff::new(Duration::from_millis(5), Duration::from_millis(20)),
        max_restarts: 5,
        window: Duration::from_secs(1),
        freeze_after: Duration::from_secs(5),
    }
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
