use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use arc_swap::ArcSwap;
use chrono::Utc;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::arms::ArmsLedger;
use super::background::{self, Background, Signals};
use super::scrapers::{Fleet, try_sources};
use super::serving::ServingReconciler;
use super::stores::Stores;
use super::{StartupError, access, ingest, prepare_schedules, presence, rankings, reload};
use crate::actors::{
    ConfigStatus, DecisionLogHandle, IngestHandle, RecorderCounters, RecorderDeps, RecorderHandle,
    ShutDown,
};
use crate::data_dir::DataDir;
use crate::db::Database;
use crate::health::HealthIssues;
use crate::http::{
    self, AppState, BodyReader, Health, IngestState, JobsState, RankState, SchedulesState,
    ScoreState,
};
use crate::seeding::{SeedingError, load_sample};
use crate::serving::SideEffects;
use crate::settings::{Settings, SupervisionSettings};
use crate::telemetry;
use weir_supervision::{ActorSystem, SupervisionPolicy};

/// Time that the results store may take to forget this instance.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);
/// How long the managed `redis-server` may take to write its last.
const REDIS_SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// Time after which `/health/ready` says that jobs wait for the database.
const USUAL_PREPARATION: Duration = Duration::from_secs(2);
/// Time between two attempts to load the sample posts.
const SAMPLE_RETRY: Duration = Duration::from_secs(2);

/// What a Weir starts from.
#[derive(Debug)]
pub struct Start {
    /// The settings, loaded and checked.
    pub settings: Settings,
    /// The file they came from, watched from now on.
    pub file: Option<PathBuf>,
    /// What an empty database begins with.
    pub first_posts: FirstPosts,
    /// Notified when the file is to be read again at once.
    pub reread: Arc<Notify>,
}

/// What an empty database begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPosts {
    /// Nothing.
    None,
    /// The sample posts.
    Sample,
}

/// A Weir, listening and ready to run.
pub struct Application {
    server: Server,
    port: u16,
    system: ActorSystem,
    stores: Stores,
    recorder: Option<RecorderHandle>,
    rankings: Option<DecisionLogHandle>,
    background: Background,
    /// Ends once this instance has taken leave of the others.
    presence: Option<JoinHandle<()>>,
    stopping: watch::Sender<bool>,
    grace: Duration,
    _data_dir: DataDir,
}

impl Application {
    /// Locks the data folder, listens, and starts every actor. Waits for neither the results nor the database: both are
    /// retried behind the running server. Must run in an actix system; errors are those of the configuration.
    pub async fn build(start: Start) -> Result<Self, StartupError> {
        let Start {
            settings,
            file,
            first_posts,
            reread,
        } = start;
        try_sources(&settings)?;
        let planned = prepare_schedules(&settings)?;
        let data_dir = DataDir::open(&settings.data_dir)?;
        let arms = ArmsLedger::new(&data_dir.arms());
        arms.admit(&settings.arms)?;
        let address = settings.server.bind;
        let (listener, port) = listen(address)?;
        let access = access::prepare(&settings.auth, &data_dir)?;

        let system = ActorSystem::start(supervision_policy(&settings.supervision));
        let stores = Stores::open(&settings, &data_dir, &system).await?;
        let prepared = watch::Sender::new(false);
        let stopping = watch::Sender::new(false);
        let signals = Signals {
            prepared: prepared.subscribe(),
            stopping: stopping.subscribe(),
        };
        let (background, crew) =
            background::start(&settings, planned, &stores, &data_dir, signals, &system)?;
        let ingester = ingest::start(&stores.database, &prepared.subscribe(), &system);
        let rankings = rankings::start(&settings, &stores.database, prepared.subscribe(), &system);
        let fleet = start_scrapers(&settings, &data_dir, &ingester, &system)?;
        let scrapers = fleet.known();
        let (database, health) = (stores.database.clone(), stores.health.clone());
        let prepare = prepare(database, first_posts, prepared, health);
        background.runtime.handle().spawn(prepare);
        let recorder = start_recorder(&settings, &stores.database, &system);
        let metrics = telemetry::metrics()?;
        actix_rt::spawn(telemetry::keep_up(metrics.clone()));
        actix_rt::spawn(telemetry::watch_log(stores.health.clone()));
        let side_effects = SideEffects {
            impressions: recorder.clone(),
            decisions: rankings.clone(),
        };
        let mut reconciler = ServingReconciler::start(
            &settings,
            &stores.store,
            &stores.health,
            side_effects,
            &system,
        );
        let serving = Arc::new(ArcSwap::from_pointee(reconciler.serve(&settings)?));
        let config = Arc::<ConfigStatus>::default();
        let newest = watch::Sender::new(Arc::new(settings.clone()));
        actix_rt::spawn(reload::follow(
            newest.subscribe(),
            reconciler,
            Arc::clone(&serving),
        ));
        actix_rt::spawn(fleet.follow(newest.subscribe()));
        let edited = newest.subscribe();
        let presence = presence::start(&stores, &data_dir, edited, &stopping, &background)?;
        actix_rt::spawn(crew.follow(newest.subscribe(), background.planned.clone()));
        match file {
            Some(file) => reload::watch(file, newest, arms, Arc::clone(&config), reread, &system),
            None => drop(actix_rt::spawn(reload::without_file(reread))),
        }
        let state = AppState {
            access: Data::new(access),
            bodies: Data::new(BodyReader::new(&settings.server)),
            rank: Data::new(RankState::new(&settings.server)),
            score: Data::new(ScoreState::new(&settings.server)),
            serving: Data::from(serving),
            jobs: Data::new(JobsState::new(
                background.registry.clone(),
                &background.resources,
                stopping.subscribe(),
            )),
            job_queue: Data::new(background.desk.clone()),
            schedules: Data::new(SchedulesState {
                configured: background.planned.subscribe(),
                schedules: background.schedules.clone(),
            }),
            store: Data::new(stores.store.clone()),
            ingest: Data::new(IngestState::new(ingester)),
            scrapers: Data::new(scrapers),
            health: Data::new(Health::new(
                stores.health.clone(),
                stores.database.clone(),
                config,
                stopping.subscribe(),
            )),
            system: Data::new(system.clone()),
            prometheus: Data::new(metrics),
        };
        let grace = settings.shutdown.grace;
        let server =
            http::serve(listener, state, &settings.server, grace).map_err(StartupError::Server)?;
        let (policy, config_version) = (&settings.ranking.policy, settings.config_version());
        tracing::info!(%address, port, policy, config_version, "weir is listening");
        Ok(Self {
            server,
            port,
            system,
            stores,
            recorder,
            rankings,
            background,
            presence,
            stopping,
            grace,
            _data_dir: data_dir,
        })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves until `shutdown` resolves, then takes everything down in order.
    pub async fn run_until_stopped(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), StartupError> {
        let handle = self.server.handle();
        let mut server = actix_rt::spawn(self.server);
        let ended = tokio::select! {
            ended = &mut server => ended.unwrap_or_else(|error| Err(std::io::Error::other(error))),
            () = shutdown => Ok(()),
        };
        tracing::info!("weir is stopping");
        self.stopping.send_replace(true);
        let jobs = &self.background.pool;
        jobs.stop_claiming();
        tokio::join!(drain(&handle, self.grace), jobs.drain(self.grace));
        if let Some(recorder) = &self.recorder {
            recorder.flush(self.grace).await;
        }
        if let Some(rankings) = &self.rankings {
            rankings.flush(self.grace).await;
        }
        if let Some(presence) = self.presence {
            // A store that is unavailable is told nothing: this instance counts as running for half a minute more.
            let _ = tokio::time::timeout(LEAVE_LIMIT, presence).await;
        }
        if let Some(redis_server) = &self.stores.redis_server
            && redis_server
                .ask(ShutDown, REDIS_SHUTDOWN_LIMIT)
                .await
                .is_err()
        {
            tracing::warn!("redis-server is left running, the next weir adopts it");
        }
        self.system.stop();
        tracing::info!("weir has stopped");
        ended.map_err(StartupError::Server)
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, u16), StartupError> {
    let bind_failed = |source| StartupError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(bind_failed)?;
    let port = listener.local_addr().map_err(bind_failed)?.port();
    Ok((listener, port))
}

fn start_scrapers(
    settings: &Settings,
    data_dir: &DataDir,
    ingester: &IngestHandle,
    system: &ActorSystem,
) -> Result<Fleet, StartupError> {
    let mut fleet = Fleet::new(
        data_dir.outboxes(),
        settings.outbox.max_bytes,
        ingester.clone(),
        system.clone(),
    )?;
    match fleet.align(settings).into_iter().next() {
        Some(failure) => Err(failure),
        None => Ok(fleet),
    }
}

/// Takes no new connections and waits for the requests at work.
async fn drain(server: &ServerHandle, grace: Duration) {
    if tokio::time::timeout(grace, server.stop(true))
        .await
        .is_err()
    {
        server.stop(false).await;
    }
}

/// Brings the database up to date, trying again for as long as anything keeps it from that, then lets jobs and schedules
/// begin. `/health/ready` says so if it takes long.
async fn prepare(
    database: Database,
    first_posts: FirstPosts,
    prepared: watch::Sender<bool>,
    health: HealthIssues,
) {
    let preparation = prepare_database(&database, first_posts);
    tokio::pin!(preparation);
    if tokio::time::timeout(USUAL_PREPARATION, &mut preparation)
        .await
        .is_err()
    {
        health.report("jobs", "waiting until the database is prepared");
        preparation.await;
        health.clear("jobs");
    }
    tracing::info!("the database is ready");
    prepared.send_replace(true);
}

async fn prepare_database(database: &Database, first_posts: FirstPosts) {
    database.migrate_when_available().await;
    if first_posts == FirstPosts::None {
        return;
    }
    loop {
        match load_sample(database, Utc::now()).await {
            Ok(Some(posts)) => tracing::info!(posts, "sample posts loaded into the empty database"),
            Ok(None) => tracing::info!("the database has posts, no sample is loaded"),
            Err(SeedingError::Database(error)) if error.is_unavailable() => {
                database.observe(&error);
                tokio::time::sleep(SAMPLE_RETRY).await;
                continue;
            }
            Err(error) => tracing::error!(%error, "the sample posts cannot be loaded"),
        }
        return;
    }
}

fn start_recorder(
    settings: &Settings,
    database: &Database,
    system: &ActorSystem,
) -> Option<RecorderHandle> {
    if !settings.recorder.enabled {
        return None;
    }
    let counters = Arc::<RecorderCounters>::default();
    let deps = RecorderDeps {
        database: database.clone(),
        max_rows_per_s: settings.recorder.max_rows_per_s,
    };
    let recorder = system.spawn("recorder", Arc::clone(&counters), deps);
    Some(RecorderHandle::new(recorder, &settings.recorder, counters))
}

fn supervision_policy(settings: &SupervisionSettings) -> SupervisionPolicy {
    SupervisionPolicy {
        backoff: weir_supervision::Backoff::new(settings.backoff.initial, settings.backoff.max),
        max_restarts: settings.max_restarts as usize,
        window: settings.window,
        freeze_after: settings.freeze_after,
    }
}
