//! End-to-end cost of a job: queue actor, a real Redis, worker, result. `cargo bench --bench jobs -- [WORKERS]`, 8
//! workers by default.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use weir::actors::{Enqueue, JobQueueActor, JobQueueDeps, JobWorker, JobWorkerDeps};
use weir::db::Database;
use weir::health::HealthIssues;
use weir::jobs::{
    Job, JobContext, JobError, JobResources, LargeResults, Registry, WorkerContext, WorkerDeps,
};
use weir::queue::{JobId, JobQueue, NewJob, QueueLimits};
use weir::redis_server::{RedisServer, RedisServerOptions, redis_server_on_path, socket_path};
use weir::settings::{DatabaseSettings, Durability, JobsSettings, StoreConfig};
use weir::store::{Store, StoreLocation};
use weir_supervision::{ActorRef, ActorSystem, Backoff, SupervisionPolicy};

type Outcomes<T> = Result<T, Box<dyn Error>>;

const ONE_BY_ONE: usize = 2_000;
const TOGETHER: usize = 20_000;
const CALLERS: usize = 32;
const GROUP: usize = 100;
const GROUPS: usize = 50;

/// Does nothing.
#[derive(Serialize, Deserialize)]
struct Empty {}

impl Job for Empty {
    const NAME: &'static str = "empty";

    async fn run(&self, _: &JobContext) -> Result<Value, JobError> {
        Ok(Value::Null)
    }
}

fn main() -> Outcomes<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    actix_rt::System::with_tokio_rt(|| runtime).block_on(measure())
}

async fn measure() -> Outcomes<()> {
    let workers = std::env::args().skip(1).find_map(|text| text.parse().ok());
    let folder = tempfile::tempdir()?;
    let program = redis_server_on_path().ok_or("redis-server is not on PATH")?;
    let redis_folder = folder.path().join("redis");
    let socket = socket_path(&redis_folder)?;
    let mut server = RedisServer::start_or_adopt(RedisServerOptions {
        program: program.clone(),
        folder: redis_folder,
        socket: socket.clone(),
        durability: Durability::default(),
    })
    .await?;
    let location = StoreLocation::ManagedRedis { program, socket };
    let results = Store::open(&StoreConfig::default(), &location)?;
    let queue = Bench::start(results, folder.path(), workers.unwrap_or(8)).await?;
    queue.latencies().await?;
    queue.groups().await?;
    queue.throughput().await?;
    server.shut_down().await?;
    Ok(())
}

struct Bench {
    queue: ActorRef<JobQueueActor>,
    jobs: JobQueue,
    _ready: watch::Sender<bool>,
}

impl Bench {
    async fn start(store: Store, folder: &std::path::Path, workers: usize) -> Outcomes<Self> {
        let url = format!("sqlite://{}/weir.db", folder.display());
        let jobs = JobQueue::new(&store, QueueLimits::default());
        let resources = JobResources {
            database: Database::lazy(&DatabaseSettings::with_url(url)).await?,
            store,
            queue: jobs.clone(),
            large_results: LargeResults::new(folder.into(), 1, Duration::ZERO),
        };
        let context = WorkerContext::new(WorkerDeps {
            registry: Registry::default().with::<Empty>(),
            resources,
            settings: JobsSettings::default(),
            owner: "bench".into(),
            instance: "bench".into(),
            runtime: Handle::current(),
        });
        let system = ActorSystem::start(SupervisionPolicy {
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(5)),
            max_restarts: 10,
            window: Duration::from_mins(1),
            freeze_after: Duration::from_secs(5),
        });
        for nth in 0..workers {
            let deps = JobWorkerDeps {
                name: nth.to_string(),
                context: Arc::clone(&context),
            };
            system.spawn::<JobWorker>("worker", Arc::default(), deps);
        }
        let ready = watch::Sender::new(true);
        let deps = JobQueueDeps {
            context: Arc::clone(&context),
            prepared: ready.subscribe(),
            health: HealthIssues::default(),
        };
        let queue = system.spawn("job_queue", Arc::clone(context.counters()), deps);
        println!("{workers} workers");
        Ok(Self {
            queue,
            jobs,
            _ready: ready,
        })
    }

    async fn enqueue(&self) -> Outcomes<JobId> {
        let (reply, answer) = oneshot::channel();
        let job = NewJob::new(Empty::NAME, json!({}));
        self.queue.tell(Enqueue { job, reply });
        Ok(answer.await??.id)
    }

    async fn finished(&self, id: JobId) -> Outcomes<()> {
        let mut job = self.jobs.watch(id);
        job.wait_for(|job| job.as_ref().is_some_and(|job| job.state.is_finished()))
            .await?;
        Ok(())
    }

    async fn latencies(&self) -> Outcomes<()> {
        let mut times = Vec::new();
        for _ in 0..ONE_BY_ONE {
            let begun = Instant::now();
            let id = self.enqueue().await?;
            self.finished(id).await?;
            times.push(begun.elapsed());
        }
        report("enqueue to result of one job", &mut times);
        Ok(())
    }

    async fn groups(&self) -> Outcomes<()> {
        let mut times = Vec::new();
        for _ in 0..GROUPS {
            let begun = Instant::now();
            let lives = (0..GROUP).map(|_| async {
                let id = self.enqueue().await?;
                self.finished(id).await
            });
            try_join_all(lives).await?;
            times.push(begun.elapsed());
        }
        report("100 jobs enqueued and awaited", &mut times);
        Ok(())
    }

    async fn throughput(&self) -> Outcomes<()> {
        let begun = Instant::now();
        let callers = (0..CALLERS).map(|_| async {
            for _ in 0..TOGETHER / CALLERS {
                self.enqueue().await?;
            }
            Ok::<_, Box<dyn Error>>(())
        });
        try_join_all(callers).await?;
        while self.jobs.counts().await?.unfinished() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let per_second = TOGETHER as f64 / begun.elapsed().as_secs_f64();
        println!("{per_second:.0} jobs/s, enqueued by {CALLERS} callers and run");
        Ok(())
    }
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
    println!("{what}: p50 {:.2} ms, p99 {:.2} ms", at(50), at(99));
}
