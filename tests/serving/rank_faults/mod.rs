//! `/rank` while the actors behind it panic, freeze, give up and die.

mod rankers;
mod scorers;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Handler, Message};
use actix_web::web::Data;
use arc_swap::ArcSwap;
use chrono::TimeDelta;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::watch;
use weir::actors::serving::{Ranker, Rankers};
use weir::actors::{
    DecisionLogDeps, DecisionLogHandle, IngestHandle, IngesterDeps, JobQueueActor, JobQueueDeps,
    RunningScrapers, ScorerPool, ScorerPoolDeps,
};
use weir::db::Database;
use weir::health::HealthIssues;
use weir::http::{
    Access, AppState, BodyReader, Health, IngestState, JobsState, RankState, SchedulesState,
    ScoreState, serve,
};
use weir::jobs::{JobResources, KnownJobs, LargeResults, Registry, WorkerContext, WorkerDeps};
use weir::programs::RunningPrograms;
use weir::queue::{JobQueue, QueueLimits};
use weir::ranking::{Arms, Policy, ScorerTerm};
use weir::scoring::pool::{BreakerConfig, PoolConfig, PoolCounters, PoolHandle, WorkerPool};
use weir::scoring::{RandomScorer, Scorer, SentimentScorer};
use weir::serving::{ActiveArms, ActivePolicy, Pipeline, ServingConfig, SideEffects};
use weir::settings::{
    AuthSettings, DatabaseSettings, JobsSettings, RankingsSettings, RecorderSettings,
    ServerSettings,
};
use weir::snapshot::Snapshot;
use weir::telemetry;
use weir_feed::RankRequest;
use weir_supervision::{ActorRef, ActorStatus, ActorSystem, Backoff, SupervisionPolicy};
use weir_test_support::{feed_of, ranked_indices};

use crate::common::stores::TestStore;

/// A failure that a test sends to an actor.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
enum Fault {
    Panic,
    Freeze,
}

impl Fault {
    fn inject(self) {
        match self {
            Self::Panic => panic!("injected"),
            Self::Freeze => std::thread::sleep(Duration::from_secs(4)),
        }
    }
}

impl Handler<Fault> for ScorerPool {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Self::Context) {
        fault.inject();
    }
}

impl Handler<Fault> for Ranker {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Self::Context) {
        fault.inject();
    }
}

/// `/rank` by sentiment and a faulty scorer, on a port of its own.
struct Service {
    system: ActorSystem,
    faulty: ActorRef<ScorerPool>,
    ranker: ActorRef<Ranker>,
    url: String,
    client: reqwest::Client,
    database: Database,
    rankings: DecisionLogHandle,
    _folder: TempDir,
    _store: TestStore,
    _outage: watch::Sender<Option<Instant>>,
    _stopping: watch::Sender<bool>,
}

/// An ingester that is sent nothing.
fn ingester(system: &ActorSystem, database: &Database) -> IngestHandle {
    let deps = IngesterDeps {
        database: database.clone(),
        prepared: watch::channel(false).1,
    };
    IngestHandle::new(system.spawn("ingester", Arc::default(), deps))
}

/// Keeps the default hook from printing a stack for each injected panic, which takes longer than the tests.
fn silence_injected_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&"injected") {
            default(panic);
        }
    }));
}

/// A queue actor whose workers never begin.
fn job_queue(system: &ActorSystem, resources: &JobResources) -> ActorRef<JobQueueActor> {
    let context = WorkerContext::new(WorkerDeps {
        registry: Registry::shipped(),
        resources: resources.clone(),
        settings: JobsSettings::default(),
        owner: "test".into(),
        instance: "host-1".into(),
        runtime: Handle::current(),
    });
    let deps = JobQueueDeps {
        context: Arc::clone(&context),
        prepared: watch::channel(false).1,
        health: HealthIssues::default(),
    };
    system.spawn("job_queue", Arc::clone(context.counters()), deps)
}

fn server_settings() -> ServerSettings {
    ServerSettings {
        workers: 1,
        max_in_flight: 100,
        max_items: 100,
        ..ServerSettings::default()
    }
}

fn serve_on(listener: TcpListener, state: AppState) {
    let grace = Duration::from_secs(1);
    let server = serve(listener, state, &server_settings(), grace);
    actix_rt::spawn(server.unwrap());
}

impl Service {
    async fn start() -> Self {
        silence_injected_panics();
        let system = ActorSystem::start(fast_supervision());
        let (sentiment, _) = pool(&system, "sentiment", Box::new(SentimentScorer {}));
        let (random, faulty) = pool(&system, "faulty", Box::new(quiet()));
        let pools = [sentiment, random];
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}/weir.db", folder.path().display());
        let database = Database::connect(&DatabaseSettings::with_url(url))
            .await
            .unwrap();
        database.migrate().await.unwrap();
        let rankings = rankings(&system, &database);
        let (outage, store_outage) = watch::channel(None);
        let side_effects = SideEffects::new(None, Some(rankings.clone()));
        let pipeline = Arc::new(Pipeline::new(
            Snapshot::default(),
            store_outage,
            side_effects,
        ));
        let ranker = system.spawn("ranker.1", Arc::default(), Arc::clone(&pipeline));
        let serving = ServingConfig {
            policy: Arc::new(ActivePolicy::new(
                by_both(),
                pools.into(),
                TimeDelta::hours(1),
            )),
            policies: [].into(),
            scorers: [].into(),
            perspective: weir::serving::PerspectiveAttributes::default(),
            arms: ActiveArms {
                arms: Arms::default(),
                otherwise: Arc::new(ActivePolicy::incoming_order("off")),
                counts: Arc::default(),
            },
            deadline: Duration::from_secs(1),
            minimal_metadata: false,
            config_version: "1".into(),
            rankers: Rankers::new(vec![ranker.clone()], pipeline),
        };
        let store = TestStore::sqlite();
        let resources = JobResources {
            database: database.clone(),
            store: store.store.clone(),
            queue: JobQueue::new(&store, QueueLimits::default()),
            large_results: LargeResults::new(folder.path().join("results"), 1, Duration::ZERO),
        };
        let (stopping, is_stopping) = watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = server_settings();
        let state = AppState {
            access: Data::new(Access::new(&AuthSettings::default(), None)),
            bodies: Data::new(BodyReader::new(&settings)),
            rank: Data::new(RankState::new(&settings, &RecorderSettings::default())),
            score: Data::new(ScoreState::new(&settings)),
            serving: Data::new(ArcSwap::from_pointee(serving)),
            jobs: Data::new(JobsState::new(
                Registry::shipped(),
                &resources,
                KnownJobs::new(Registry::shipped().names()),
                is_stopping.clone(),
            )),
            job_queue: Data::new(job_queue(&system, &resources)),
            schedules: Data::new(SchedulesState {
                configured: watch::channel(Arc::default()).1,
                schedules: JobQueue::new(&store, QueueLimits::default()).schedules(),
                known: KnownJobs::new(Registry::shipped().names()),
            }),
            store: Data::new(store.store.clone()),
            ingest: Data::new(IngestState::new(ingester(&system, &database))),
            scrapers: Data::new(RunningScrapers::default()),
            programs: Data::new(RunningPrograms::default()),
            health: Data::new(Health::new(
                HealthIssues::default(),
                database.clone(),
                Arc::default(),
                is_stopping,
            )),
            system: Data::new(system.clone()),
            prometheus: Data::new(telemetry::metrics().unwrap()),
        };
        serve_on(listener, state);
        let client = weir_test_support::http_client();
        Self {
            system,
            faulty,
            ranker,
            url,
            client,
            database,
            rankings,
            _folder: folder,
            _store: store,
            _outage: outage,
            _stopping: stopping,
        }
    }

    /// Ranks; the answer is 200 with every id once, or the test fails.
    async fn rank(&self, feed: &RankRequest) -> (Vec<usize>, Value) {
        let body = serde_json::to_vec(feed).unwrap();
        let response = self
            .client
            .post(format!("{}/rank", self.url))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        (
            ranked_indices(feed, &answer),
            answer["metadata"]["degraded"].clone(),
        )
    }

    fn signs(&self, name: &str) -> ActorStatus {
        self.system
            .statuses()
            .into_iter()
            .find(|signs| signs.name == name)
            .unwrap()
    }

    /// Ranks until nothing is missing from an answer.
    async fn recovers(&self, feed: &RankRequest) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.rank(feed).await.1.is_null() {
            assert!(
                Instant::now() < deadline,
                "never whole again: {:?}",
                self.system.statuses()
            );
            actix_rt::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Supervision within the patience of a test.
fn fast_supervision() -> SupervisionPolicy {
    SupervisionPolicy {
        backoff: Backoff::new(Duration::from_millis(5), Duration::from_millis(20)),
        max_restarts: 8,
        window: Duration::from_millis(800),
        freeze_after: Duration::from_millis(400),
    }
}

/// A log of rankings, which writes at once.
fn rankings(system: &ActorSystem, database: &Database) -> DecisionLogHandle {
    let settings = RankingsSettings {
        batch: 1,
        ..RankingsSettings::default()
    };
    let deps = DecisionLogDeps::new(database.clone(), watch::channel(true).1, &settings);
    let log = system.spawn("decision_log", deps.counters(), deps.clone());
    DecisionLogHandle::new(log, deps)
}

/// Scores that are never cached, so that its threads are always asked.
fn quiet() -> RandomScorer {
    RandomScorer {
        seed: 1,
        sleep: Duration::from_micros(1),
        fail_rate: 0.0,
        panic_rate: 0.0,
    }
}

fn pool(
    system: &ActorSystem,
    name: &str,
    scorer: Box<dyn Scorer>,
) -> (PoolHandle, ActorRef<ScorerPool>) {
    let config = PoolConfig {
        workers: 1,
        queue: 100,
        max_batch: 100,
        time_limit: Duration::from_secs(5),
        cache_entries: 0,
        breaker: BreakerConfig {
            failures: 0,
            ..BreakerConfig::default()
        },
        ..PoolConfig::default()
    };
    let counters = Arc::<PoolCounters>::default();
    let workers = WorkerPool::start(name, scorer, &config, Arc::clone(&counters));
    let workers = Arc::new(ArcSwap::from_pointee(workers));
    let deps = ScorerPoolDeps {
        scorer: name.to_owned(),
        workers: Arc::clone(&workers),
        health: HealthIssues::default(),
    };
    let actor = system.spawn(&format!("scorer_pool.{name}"), counters, deps);
    (PoolHandle::new(workers, Duration::ZERO), actor)
}

fn by_both() -> Policy {
    let terms = vec![
        ScorerTerm::new("sentiment", 1.0),
        ScorerTerm::new("faulty", 1e-6),
    ];
    Policy {
        terms,
        ..Policy::incoming_order("both")
    }
}

/// By sentiment alone the second goes first.
fn feed() -> RankRequest {
    feed_of(&[
        "I hate this horrible war",
        "I love this wonderful day",
        "a table",
    ])
}
