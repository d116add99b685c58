use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::StartupError;
use super::programs::ProgramReconciler;
use super::reload::{Change, Reconcile};
use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::{
    JobPrograms, JobProgramsDeps, JobQueueActor, JobQueueDeps, JobWorker, JobWorkerDeps, Scheduler,
};
use crate::data_dir::DataDir;
use crate::jobs::{
    JobResources, LargeResults, PrepareError, Programs, Registry, Schedule, SchedulerDeps,
    WorkerContext, WorkerDeps,
};
use crate::programs::ProgramDirectory;
use crate::queue::{JobQueue, QueueLimits, Schedules};
use crate::scoring::Scorers;
use crate::settings::{ProgramMode, ProgramSettings, Settings, with_absolute_path};
use crate::store::StoreLocation;
use weir_supervision::{ActorRef, ActorSystem};

/// Background jobs: queue, workers, scheduler, and the runtime that they run on.
pub(super) struct Jobs {
    pub(super) registry: Registry,
    pub(super) resources: JobResources,
    pub(super) context: Arc<WorkerContext>,
    pub(super) queue: ActorRef<JobQueueActor>,
    pub(super) schedules: Schedules,
    /// Programs whose jobs can be run.
    announcing: ProgramDirectory,
    pub(super) configured_schedules: watch::Receiver<Arc<Vec<Schedule>>>,
}

/// Starts queue, scheduler and workers, which begin once the database is prepared.
pub(super) fn start(
    settings: &Settings,
    stores: &Stores,
    data_dir: &DataDir,
    directory: &ProgramDirectory,
    runtime: &Runtime,
) -> Result<(Jobs, WorkerReconciler), StartupError> {
    let scorers = Arc::<ArcSwap<Scorers>>::default();
    let programs = programs(settings, &stores.location);
    let announcing = ProgramDirectory::default();
    let registry = Registry::shipped()
        .with_programs(programs.clone())
        .with_announced_by(announcing.clone())
        .with_scorers(Arc::clone(&scorers));
    let resources = JobResources {
        database: stores.database.clone(),
        store: stores.store.clone(),
        queue: JobQueue::new(&stores.store, QueueLimits::from(&settings.jobs)),
        large_results: LargeResults::new(
            data_dir.large_results(),
            settings.jobs.max_large_result_bytes,
            settings.jobs.large_result_ttl,
        ),
    };
    let context = WorkerContext::new(WorkerDeps {
        registry: registry.clone(),
        resources: resources.clone(),
        settings: settings.jobs.clone(),
        owner: data_dir.identity()?,
        instance: data_dir.instance()?,
        runtime: runtime.background.handle(),
    });
    let schedules = resources.queue.schedules();
    let mut workers = WorkerReconciler {
        system: runtime.system.clone(),
        context: Arc::clone(&context),
        scorers,
        programs,
        directory: directory.clone(),
        schedules: watch::Sender::default(),
        workers: Vec::new(),
    };
    workers.plan(settings)?();
    let deps = JobQueueDeps {
        context: Arc::clone(&context),
        prepared: runtime.prepared(),
        health: stores.health.clone(),
    };
    let counters = Arc::clone(context.counters());
    let queue = runtime.system.spawn("job_queue", counters, deps);
    let deps = SchedulerDeps {
        planned: workers.schedules.subscribe(),
        schedules: schedules.clone(),
        runtime: Handle::current(),
        prepared: runtime.prepared(),
        stopping: runtime.stopping(),
        known: context.known().clone(),
        health: stores.health.clone(),
    };
    runtime
        .system
        .spawn::<Scheduler>("scheduler", Arc::default(), deps);
    let jobs = Jobs {
        registry,
        resources,
        context,
        queue,
        schedules,
        announcing,
        configured_schedules: workers.schedules.subscribe(),
    };
    Ok((jobs, workers))
}

/// Workers, programs, scorers and schedules of jobs, as the settings say.
pub(super) struct WorkerReconciler {
    system: ActorSystem,
    context: Arc<WorkerContext>,
    /// Scorers that jobs use.
    scorers: Arc<ArcSwap<Scorers>>,
    programs: Programs,
    /// Programs that scorers use.
    directory: ProgramDirectory,
    schedules: watch::Sender<Arc<Vec<Schedule>>>,
    workers: Vec<ActorRef<JobWorker>>,
}

impl Reconcile for WorkerReconciler {
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        let scorers = Scorers::from_config(&settings.scorers, &self.directory)?;
        let schedules = schedules_with(settings, scorers.clone())?;
        let programs = run_once(settings);
        let workers = settings.pools.jobs.workers;
        Ok(Box::new(move || {
            self.programs.replace(&programs);
            self.scorers.store(Arc::new(scorers));
            self.schedules.send_replace(Arc::new(schedules));
            self.scale(workers);
        }))
    }
}

impl WorkerReconciler {
    /// Starts workers, or stops some once they have finished their jobs.
    fn scale(&mut self, workers: usize) {
        self.workers.truncate(workers);
        for nth in self.workers.len() + 1..=workers {
            let name = format!("job_worker.{nth}");
            let deps = JobWorkerDeps {
                name: name.clone(),
                context: Arc::clone(&self.context),
            };
            let worker = self.system.spawn_while_used(&name, Arc::default(), deps);
            self.workers.push(worker);
        }
    }
}

/// Returns the programs of which each run is a process.
fn run_once(settings: &Settings) -> BTreeMap<String, ProgramSettings> {
    let all = settings.programs.clone().into_iter();
    all.filter(|(_, program)| program.mode == ProgramMode::Once)
        .collect()
}

impl Jobs {
    /// Returns the programs whose jobs and sources can be used.
    pub(super) fn announcing(&self) -> ProgramDirectory {
        self.announcing.clone()
    }

    /// Starts the programs that announce jobs, now and after each edit.
    pub(super) fn start_programs(
        &self,
        settings: watch::Receiver<Arc<Settings>>,
        programs: &ProgramReconciler,
        stores: &Stores,
        data_dir: &DataDir,
        runtime: &Runtime,
    ) {
        let mut variables = variables(&settings.borrow(), &stores.location);
        let mut address = settings.borrow().server.bind;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        variables.push(("WEIR_URL", format!("http://{address}")));
        let deps = JobProgramsDeps {
            host: programs.host(),
            logs: data_dir.program_logs(),
            variables: Arc::new(variables),
            settings,
            scoring: programs.directory(),
            jobs: self.announcing.clone(),
            known: self.context.known().clone(),
            health: stores.health.clone(),
        };
        let system = &runtime.system;
        system.spawn::<JobPrograms>("job_programs", Arc::default(), deps);
    }
}

/// The programs, which find in their environment where the posts and the store are.
fn programs(settings: &Settings, location: &StoreLocation) -> Programs {
    Programs::new(
        &run_once(settings),
        variables(settings, location),
        settings.jobs.max_result_bytes,
    )
}

/// Returns the variables that say where the posts and the store are.
fn variables(settings: &Settings, location: &StoreLocation) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        (
            "WEIR_DATABASE_URL",
            with_absolute_path(settings.database.url.expose()),
        ),
        ("WEIR_STORE_PREFIX", settings.store.prefix.clone()),
        // The name before, for one version.
        ("WEIR_RESULTS_PREFIX", settings.store.prefix.clone()),
    ];
    let redis_url = match location {
        StoreLocation::ExternalRedis { url } => Some(url.expose().to_owned()),
        StoreLocation::ManagedRedis { socket, .. } => Some(format!("unix://{}", socket.display())),
        StoreLocation::Sqlite { .. } | StoreLocation::Postgres { .. } => None,
    };
    environment.extend(redis_url.map(|url| ("WEIR_REDIS_URL", url)));
    environment
}

/// Reads and checks the job of every schedule.
pub fn prepare_schedules(settings: &Settings) -> Result<Vec<Schedule>, StartupError> {
    let programs = ProgramDirectory::default();
    schedules_with(
        settings,
        Scorers::from_config(&settings.scorers, &programs)?,
    )
}

fn schedules_with(settings: &Settings, scorers: Scorers) -> Result<Vec<Schedule>, StartupError> {
    let programs = Programs::new(
        &run_once(settings),
        Vec::new(),
        settings.jobs.max_result_bytes,
    );
    let registry = Registry::shipped()
        .with_programs(programs)
        .with_scorers(Arc::new(ArcSwap::from_pointee(scorers)));
    let schedules = settings
        .schedules
        .iter()
        .filter_map(|(name, config)| Schedule::from_config(name, config));
    let checked = schedules.map(
        |schedule| match registry.prepare(&schedule.job, &schedule.args) {
            Ok(_) => Ok(schedule),
            // A program announces its jobs once it runs.
            Err(PrepareError::Unknown(_)) if is_of_a_program(&schedule.job, settings) => {
                Ok(schedule)
            }
            Err(source) => Err(StartupError::Schedule {
                schedule: schedule.name,
                source,
            }),
        },
    );
    checked.collect()
}

/// Returns whether the job has the form `PROGRAM.JOB`, with a program of the settings.
fn is_of_a_program(job: &str, settings: &Settings) -> bool {
    job.split_once('.')
        .is_some_and(|(program, _)| settings.programs.contains_key(program))
}
