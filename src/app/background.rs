use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::background_runtime::BackgroundRuntime;
use super::stores::Stores;
use super::{StartupError, prepare_schedules};
use crate::actors::{JobQueueActor, JobQueueDeps, JobWorker, JobWorkerDeps, Scheduler};
use crate::data_dir::DataDir;
use crate::health::HealthIssues;
use crate::jobs::{
    JobResources, LargeResults, Programs, Registry, Schedule, SchedulerDeps, WorkerContext,
    WorkerDeps,
};
use crate::queue::{JobQueue, QueueLimits, Schedules};
use crate::scoring::Scorers;
use crate::settings::{JobsSettings, Settings};
use crate::store::StoreLocation;
use weir_supervision::{ActorRef, ActorSystem};

/// Everything that runs behind the requests.
pub(super) struct Background {
    pub(super) registry: Registry,
    pub(super) resources: JobResources,
    pub(super) pool: Arc<WorkerContext>,
    pub(super) desk: ActorRef<JobQueueActor>,
    pub(super) schedules: Schedules,
    /// What is sent here is scheduled from then on.
    pub(super) planned: watch::Sender<Arc<Vec<Schedule>>>,
    /// Where all of it runs, for as long as this is kept.
    pub(super) runtime: BackgroundRuntime,
}

/// When the background may begin, and when it is to end.
pub(super) struct Signals {
    /// True once the database is up to date.
    pub(super) prepared: watch::Receiver<bool>,
    /// True once Weir stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// Starts workers, desk and scheduler; they begin once prepared.
pub(super) fn start(
    settings: &Settings,
    planned: Vec<Schedule>,
    stores: &Stores,
    data_dir: &DataDir,
    signals: Signals,
    system: &ActorSystem,
) -> Result<(Background, Crew), StartupError> {
    let limits = limits(&settings.jobs);
    let scorers = Arc::new(ArcSwap::from_pointee(Scorers::from_config(
        &settings.scorers,
    )?));
    let programs = programs(settings, &stores.location);
    let registry = Registry::shipped()
        .with_programs(programs.clone())
        .with_scorers(Arc::clone(&scorers));
    let resources = JobResources {
        database: stores.database.clone(),
        store: stores.store.clone(),
        queue: JobQueue::new(&stores.store, limits),
        large_results: LargeResults::new(
            data_dir.large_results(),
            settings.jobs.max_large_result_bytes,
            settings.jobs.large_result_ttl,
        ),
    };
    let runtime = BackgroundRuntime::start().map_err(StartupError::Threads)?;
    let pool = WorkerContext::new(WorkerDeps {
        registry: registry.clone(),
        resources: resources.clone(),
        settings: settings.jobs.clone(),
        owner: data_dir.identity()?,
        instance: data_dir.instance()?,
        runtime: runtime.handle(),
    });
    let mut crew = Crew {
        system: system.clone(),
        pool: Arc::clone(&pool),
        scorers,
        programs,
        workers: Vec::new(),
    };
    crew.align(settings.pools.jobs.workers);
    let deps = JobQueueDeps {
        context: Arc::clone(&pool),
        prepared: signals.prepared.clone(),
    };
    let desk = system.spawn("job_queue", Arc::clone(pool.counters()), deps);
    let schedules = resources.queue.schedules();
    let planned = watch::Sender::new(Arc::new(planned));
    start_scheduler(&planned, &schedules, stores.health.clone(), signals, system);
    let background = Background {
        registry,
        resources,
        pool,
        desk,
        schedules,
        planned,
        runtime,
    };
    Ok((background, crew))
}

/// The workers, as many as the settings say.
pub(super) struct Crew {
    system: ActorSystem,
    pool: Arc<WorkerContext>,
    /// What jobs score by.
    scorers: Arc<ArcSwap<Scorers>>,
    programs: Programs,
    workers: Vec<ActorRef<JobWorker>>,
}

impl Crew {
    /// Starts workers or lets some go: those finish what they have at hand.
    fn align(&mut self, workers: usize) {
        self.workers.truncate(workers);
        for nth in self.workers.len() + 1..=workers {
            self.workers.push(self.start(format!("job_worker.{nth}")));
        }
    }

    fn start(&self, name: String) -> ActorRef<JobWorker> {
        let deps = JobWorkerDeps {
            name: name.clone(),
            context: Arc::clone(&self.pool),
        };
        self.system.spawn_while_used(&name, Arc::default(), deps)
    }

    /// Runs by each new version of the settings: so many workers, these scorers, programs and schedules.
    pub(super) async fn follow(
        mut self,
        mut settings: watch::Receiver<Arc<Settings>>,
        planned: watch::Sender<Arc<Vec<Schedule>>>,
    ) {
        while settings.changed().await.is_ok() {
            let newest = Arc::clone(&settings.borrow_and_update());
            self.align(newest.pools.jobs.workers);
            self.programs.replace(&newest.programs);
            match Scorers::from_config(&newest.scorers) {
                Ok(scorers) => self.scorers.store(Arc::new(scorers)),
                Err(error) => tracing::error!(%error, "the edited scorers are not taken for jobs"),
            }
            match prepare_schedules(&newest) {
                Ok(schedules) => drop(planned.send_replace(Arc::new(schedules))),
                Err(error) => {
                    tracing::error!(%error, "the edited schedules are not taken");
                }
            }
        }
        // Nothing will change any more, and the workers stay.
        std::future::pending::<()>().await;
    }
}

fn start_scheduler(
    planned: &watch::Sender<Arc<Vec<Schedule>>>,
    schedules: &Schedules,
    health: HealthIssues,
    signals: Signals,
    system: &ActorSystem,
) {
    let deps = SchedulerDeps {
        planned: planned.subscribe(),
        schedules: schedules.clone(),
        runtime: Handle::current(),
        prepared: signals.prepared,
        stopping: signals.stopping,
        health,
    };
    system.spawn::<Scheduler>("scheduler", Arc::default(), deps);
}

fn limits(settings: &JobsSettings) -> QueueLimits {
    QueueLimits {
        max_lost: settings.max_lost,
        keep: settings.failed_ttl,
        max_unfinished: settings.max_unfinished,
        max_finished: settings.max_finished,
    }
}

/// The programs, which find in their environment where the posts and the results are.
fn programs(settings: &Settings, location: &StoreLocation) -> Programs {
    let mut environment = vec![
        (
            "WEIR_DATABASE_URL",
            settings.database.url.expose().to_owned(),
        ),
        ("WEIR_RESULTS_PREFIX", settings.store.prefix.clone()),
    ];
    let redis_url = match location {
        StoreLocation::ExternalRedis { url } => Some(url.expose().to_owned()),
        StoreLocation::ManagedRedis { socket, .. } => Some(format!("unix://{}", socket.display())),
        StoreLocation::Sqlite { .. } | StoreLocation::Postgres { .. } => None,
    };
    environment.extend(redis_url.map(|url| ("WEIR_REDIS_URL", url)));
    Programs::new(
        &settings.programs,
        environment,
        settings.jobs.max_result_bytes,
    )
}
