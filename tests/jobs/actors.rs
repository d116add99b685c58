//! Desk, workers and scheduler on a real store, with jobs that do what jobs should not.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::common::databases::TestDatabase;
use crate::common::jobs::eventually;
use crate::common::stores::{TestStore, sees};
use chrono::{DurationRound, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement, TransactionTrait};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use weir::actors::messages::{Cancel, Enqueue};
use weir::actors::{
    JobCounters, JobDesk, JobPool, JobPoolParts, JobWorker, Schedule, Scheduler, SchedulerCounters,
    SchedulerParts,
};
use weir::health::HealthIssues;
use weir::jobs::{
    Job, JobContext, JobError, JobResources, LargeResults, Limits, Registry, RetryPolicy,
};
use weir::results::jobs::{
    Cancellation, Job as Stored, JobFilter, JobId, JobState, Limits as StoreLimits, NewJob,
};
use weir::results::{Results, StoreLocation};
use weir::settings::{CatchUp, JobsSettings, Timetable};
use weir_supervision::{ActorRef, ActorSystem, SupervisionPolicy};

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
        first_delay: Duration::from_millis(10),
        longest_delay: Duration::from_millis(10),
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
    pool: Arc<JobPool>,
    desk: ActorRef<JobDesk>,
    counters: Arc<JobCounters>,
    resources: JobResources,
    folder: TempDir,
    _database: TestDatabase,
    _ready: watch::Sender<bool>,
}

impl Rig {
    async fn start(results: &Results, workers: usize, settings: JobsSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::sqlite().await;
        let resources = JobResources {
            database: database.database.clone(),
            results: results.clone(),
            jobs: results.jobs(StoreLimits::default()),
            large_results: LargeResults::new(folder.path().into(), 1 << 20, LIMIT),
        };
        let counters = Arc::<JobCounters>::default();
        let pool = JobPool::new(JobPoolParts {
            registry: Registry::default().with::<Probe>().with::<Lasting>(),
            resources: resources.clone(),
            settings,
            owner: "rig".into(),
            instance: "host-1".into(),
            runtime: Handle::current(),
            counters: Arc::clone(&counters),
        });
        let system = ActorSystem::start(policy());
        for nth in 0..workers {
            start_worker(&system, &pool, &nth.to_string());
        }
        let (of_desk, ready) = (Arc::clone(&pool), watch::Sender::new(true));
        let prepared = ready.subscribe();
        let desk = system.supervise("desk", Arc::new(json!({})), move |_, _| {
            JobDesk::new(Arc::clone(&of_desk), prepared.clone())
        });
        Self {
            system,
            pool,
            desk,
            counters,
            resources,
            folder,
            _database: database,
            _ready: ready,
        }
    }

    fn start_worker(&self, name: &str) {
        start_worker(&self.system, &self.pool, name);
    }

    async fn enqueue(&self, job: NewJob) -> JobId {
        let (reply, answer) = oneshot::channel();
        self.desk.tell(Enqueue { job, reply });
        answer.await.unwrap().unwrap().id
    }

    async fn finished(&self, id: JobId) -> Stored {
        let mut job = self.resources.jobs.watch(id);
        let ended = |job: &Option<Stored>| job.as_ref().is_some_and(|job| job.state.is_finished());
        sees(LIMIT, &mut job, ended).await;
        job.borrow().clone().unwrap()
    }

    async fn state(&self, id: JobId) -> JobState {
        self.resources.jobs.job(id).await.unwrap().unwrap().state
    }

    fn gate(&self) -> PathBuf {
        self.folder.path().join("gate")
    }
}

fn start_worker(system: &ActorSystem, pool: &Arc<JobPool>, name: &str) {
    let (pool, name) = (Arc::clone(pool), name.to_owned());
    system.supervise("worker", Arc::new(json!({})), move |_, incarnation| {
        JobWorker::new(name.clone(), Arc::clone(&pool), incarnation, Arc::default())
    });
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.system.stop();
    }
}

fn policy() -> SupervisionPolicy {
    SupervisionPolicy {
        initial_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(20),
        max_restarts: 5,
        window: Duration::from_secs(1),
        freeze_after: Duration::from_secs(5),
    }
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[actix_rt::test]
async fn a_run_past_its_soft_limit_is_asked_to_end_and_tried_again() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 1, JobsSettings::default()).await;
    let id = rig.enqueue(probe(&Probe::Wait)).await;
    let job = rig.finished(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    let error = job.error.unwrap();
    assert!(error[0].contains("soft limit of 200 ms"), "{error:?}");
    assert_eq!(count(&rig.counters.abandoned), 0);
}

#[actix_rt::test]
async fn a_run_past_its_hard_limit_is_ended() {
    let store = TestStore::sqlite();
    let rig = Rig::start(&store.results, 1, JobsSettings::default()).await;
    let id = rig.enqueue(probe(&Probe::Sleep)).await;
    let job = rig.finished(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    let error = job.error.unwrap();
    assert!(error[0].contains("hard limit of 400 ms"), "{error:?}");
    assert_eq!(count(&rig.counters.abandoned), 0, "it could be aborted");
}

#[actix_rt::test]
async fn abandoned_runs_free_their_place_up_to_a_number_of_strays() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        max_abandoned: 1,
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store.results, 1, settings).await;
    let until = rig.gate();
    let block = Probe::Block {
        until: until.clone(),
    };
    let blocked = rig.enqueue(probe(&block)).await;
    // The first run is left behind and the second tried; with that one left behind as well there are too many.
    assert_eq!(rig.finished(blocked).await.state, JobState::Dead);
    eventually(|| count(&rig.counters.abandoned) == 2).await;
    let next = rig.enqueue(probe(&Probe::Answer)).await;
    assert_eq!(rig.state(next).await, JobState::Queued);
    assert_eq!(count(&rig.counters.running), 0);

    std::fs::write(until, "").unwrap();
    assert_eq!(rig.finished(next).await.state, JobState::Succeeded);
    let late = store.results.get("late").await.unwrap();
    assert_eq!(late, None, "what an abandoned run leaves is refused");
}

#[actix_rt::test]
async fn a_panic_ends_its_run_alone() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 1, JobsSettings::default()).await;
    let panics = rig.enqueue(probe(&Probe::Panic)).await;
    let job = rig.finished(panics).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    assert_eq!(job.error.unwrap(), ["the job panicked: as told"]);
    let next = rig.enqueue(probe(&Probe::Answer)).await;
    assert_eq!(rig.finished(next).await.state, JobState::Succeeded);
}

#[actix_rt::test]
async fn a_job_that_nobody_knows_is_dead() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 1, JobsSettings::default()).await;
    let id = rig
        .enqueue(NewJob::new("of_another_version", json!({})))
        .await;
    let job = rig.finished(id).await;
    assert_eq!(job.state, JobState::Dead);
    assert!(job.error.unwrap()[0].contains("there is no job"));
}

#[actix_rt::test]
async fn progress_is_seen_with_the_next_heartbeat_and_cancel_at_once() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        lease: Duration::from_millis(300),
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store.results, 1, settings).await;
    let id = rig.enqueue(lasting(&Probe::Wait)).await;
    let mut job = rig.resources.jobs.watch(id);
    let progress = json!({"done": 3, "total": 10});
    let told = |job: &Option<Stored>| {
        job.as_ref().and_then(|job| job.progress.as_ref()) == Some(&progress)
    };
    sees(LIMIT, &mut job, told).await;

    let (reply, answer) = oneshot::channel();
    rig.desk.tell(Cancel { id, reply });
    assert_eq!(answer.await.unwrap().unwrap(), Cancellation::Requested);
    assert_eq!(rig.finished(id).await.state, JobState::Cancelled);
}

#[actix_rt::test]
async fn a_lease_is_kept_for_longer_than_it_lasts() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        lease: Duration::from_millis(300),
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store.results, 2, settings).await;
    let until = rig.gate();
    let id = rig
        .enqueue(lasting(&Probe::Block {
            until: until.clone(),
        }))
        .await;
    // Three leases long: another worker looks for lost ones all the while.
    tokio::time::sleep(Duration::from_millis(900)).await;
    std::fs::write(until, "").unwrap();
    let job = rig.finished(id).await;
    assert_eq!((job.attempts, job.lost), (1, 0));
}

#[actix_rt::test]
async fn an_overtaken_run_writes_nothing_and_settles_nothing() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 2, JobsSettings::default()).await;
    let until = rig.gate();
    let id = rig
        .enqueue(lasting(&Probe::Block {
            until: until.clone(),
        }))
        .await;
    eventually(|| count(&rig.counters.running) == 1).await;
    // Somebody takes this Weir for dead.
    assert_eq!(rig.resources.jobs.recover("rig").await.unwrap(), 1);
    eventually(|| count(&rig.counters.running) == 2).await;
    std::fs::write(until, "").unwrap();

    let job = rig.finished(id).await;
    assert_eq!(
        (job.state, job.attempts, job.lost),
        (JobState::Succeeded, 1, 1)
    );
    eventually(|| count(&rig.counters.overtaken) == 1).await;
    let late = store.results.get("late").await.unwrap().unwrap();
    assert_eq!(
        late.json::<u64>().unwrap(),
        2,
        "the token of the second run"
    );
}

#[actix_rt::test]
async fn a_result_over_the_cap_is_refused_and_a_large_one_is_a_file() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        max_result_bytes: 200,
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store.results, 1, settings).await;
    let id = rig.enqueue(probe(&Probe::Large)).await;
    let result = rig.finished(id).await.result.unwrap();
    let file = rig.resources.large_results.file_of(id, &result).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), vec![b'x'; 100_000]);
}

#[actix_rt::test]
async fn two_weirs_share_the_work_and_no_job_runs_twice() {
    let store = TestStore::redis();
    let one = Rig::start(&store.results, 3, JobsSettings::default()).await;
    let other = Rig::start(&store.another(), 3, JobsSettings::default()).await;
    let enqueues = (0..300).map(|_| one.enqueue(probe(&Probe::Answer)));
    let ids = futures_util::future::join_all(enqueues).await;
    for id in ids {
        let job = one.finished(id).await;
        assert_eq!(
            (job.state, job.attempts, job.lost),
            (JobState::Succeeded, 1, 0)
        );
    }
    eventually(|| count(&one.counters.succeeded) + count(&other.counters.succeeded) == 300).await;
}

#[actix_rt::test]
async fn a_pool_that_drains_hands_back_what_does_not_end() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 1, JobsSettings::default()).await;
    let id = rig.enqueue(lasting(&Probe::Sleep)).await;
    eventually(|| count(&rig.counters.running) == 1).await;
    rig.pool.drain(Duration::from_millis(50)).await;
    assert_eq!(count(&rig.counters.running), 0);
    let job = rig.resources.jobs.job(id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.attempts, job.lost),
        (JobState::Queued, 0, 0)
    );
}

#[actix_rt::test]
async fn a_pool_that_drains_waits_for_a_job_that_is_being_leased() {
    let store = TestStore::postgres();
    let StoreLocation::Postgres { database } = &store.location else {
        unreachable!("this is Postgres")
    };
    let other = Database::connect(database.url.expose()).await.unwrap();
    let rig = Rig::start(&store.results, 0, JobsSettings::default()).await;
    let id = rig.enqueue(probe(&Probe::Answer)).await;
    let lock = other.begin().await.unwrap();
    let no_lease = "LOCK TABLE weir_jobs IN EXCLUSIVE MODE";
    lock.execute_unprepared(no_lease).await.unwrap();
    rig.start_worker("late");
    // One that has just begun, for it is given up soon, and tried again.
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
        AND clock_timestamp() - query_start < interval '200 ms'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    let is_waiting = async {
        while other
            .query_one_raw(waiting.clone())
            .await
            .unwrap()
            .is_none()
        {}
    };
    tokio::time::timeout(LIMIT, is_waiting).await.unwrap();

    let pool = Arc::clone(&rig.pool);
    let mut drained = tokio::spawn(async move { pool.drain(LIMIT).await });
    let too_soon = tokio::time::timeout(Duration::from_millis(100), &mut drained).await;
    assert!(too_soon.is_err(), "a job may be on its way");
    lock.commit().await.unwrap();
    drained.await.unwrap();

    assert_eq!(rig.state(id).await, JobState::Succeeded);
}

/// The schedules of one Weir, without workers.
struct Clock {
    system: ActorSystem,
    planned: watch::Sender<Arc<Vec<Schedule>>>,
    counters: Arc<SchedulerCounters>,
    _signals: [watch::Sender<bool>; 2],
}

impl Clock {
    fn start(results: &Results, schedules: &[Schedule]) -> Self {
        Self::within(StoreLimits::default(), results, schedules)
    }

    fn within(limits: StoreLimits, results: &Results, schedules: &[Schedule]) -> Self {
        let planned = watch::Sender::new(Arc::new(schedules.to_vec()));
        let counters = Arc::<SchedulerCounters>::default();
        let (ready, stop) = (watch::Sender::new(true), watch::Sender::new(false));
        let parts = SchedulerParts {
            planned: planned.subscribe(),
            schedules: results.schedules(limits),
            runtime: Handle::current(),
            prepared: ready.subscribe(),
            stopping: stop.subscribe(),
            health: HealthIssues::default(),
            counters: Arc::clone(&counters),
        };
        let system = ActorSystem::start(policy());
        system.supervise("scheduler", Arc::new(json!({})), move |_, incarnation| {
            Scheduler::new(parts.clone(), incarnation)
        });
        Self {
            system,
            planned,
            counters,
            _signals: [ready, stop],
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.system.stop();
    }
}

fn every(name: &str, every: Duration) -> Schedule {
    Schedule {
        name: name.into(),
        job: Probe::NAME.into(),
        args: json!(Probe::Answer),
        timetable: Timetable::Every(every),
        jitter: Duration::ZERO,
        catch_up: CatchUp::Once,
    }
}

async fn jobs_of(results: &Results) -> Vec<Stored> {
    let filter = JobFilter {
        limit: 1_000,
        ..JobFilter::default()
    };
    let jobs = results.jobs(StoreLimits::default());
    jobs.list(filter).await.unwrap().jobs
}

#[actix_rt::test]
async fn two_schedulers_fire_each_due_time_once() {
    let store = TestStore::redis();
    let rig = Rig::start(&store.results, 2, JobsSettings::default()).await;
    let often = [every("often", Duration::from_millis(40))];
    let clocks = [
        Clock::start(&store.results, &often),
        Clock::start(&store.another(), &often),
    ];
    let fired = || {
        clocks
            .iter()
            .map(|clock| count(&clock.counters.fired))
            .sum::<u64>()
    };
    eventually(|| fired() >= 30).await;
    for clock in &clocks {
        clock.system.stop();
    }
    let mut settled = fired();
    let jobs = loop {
        let jobs = jobs_of(&rig.resources.results).await;
        if fired() == settled && jobs.len() as u64 == settled {
            break jobs;
        }
        settled = fired();
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let due = |job: &Stored| {
        let (seconds, nanos) = job.id.get_timestamp().unwrap().to_unix();
        seconds * 1_000 + u64::from(nanos) / 1_000_000
    };
    let mut times: Vec<u64> = jobs.iter().map(due).collect();
    times.sort_unstable();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] > pair[0] && (pair[1] - pair[0]) % 40 == 0),
        "{times:?}"
    );
}

#[actix_rt::test]
async fn missed_times_are_made_up_for_once_or_not_at_all() {
    for (catch_up, runs) in [(CatchUp::Once, 1), (CatchUp::Skip, 0)] {
        let store = TestStore::sqlite();
        let schedule = Schedule {
            catch_up,
            ..every("hourly", Duration::from_hours(1))
        };
        let schedules = store.results.schedules(StoreLimits::default());
        let now = Utc::now()
            .duration_trunc(TimeDelta::milliseconds(1))
            .unwrap();
        let long_ago = now - TimeDelta::minutes(150);
        schedules
            .plan("hourly", &schedule.definition(), long_ago)
            .await
            .unwrap();
        let _clock = Clock::start(&store.results, &[schedule]);
        let next = loop {
            let board = schedules.board().await.unwrap();
            if board.schedules[0].next_due > board.now {
                break board.schedules[0].next_due;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(
            (next - long_ago).num_minutes(),
            180,
            "the row of times goes on"
        );
        assert_eq!(jobs_of(&store.results).await.len(), runs, "{catch_up:?}");
    }
}

#[actix_rt::test]
async fn a_run_that_has_not_finished_is_not_stacked_upon() {
    let store = TestStore::redis();
    let clock = Clock::start(&store.results, &[every("often", Duration::from_millis(20))]);
    eventually(|| count(&clock.counters.not_stacked) >= 3).await;
    assert_eq!(jobs_of(&store.results).await.len(), 1);
}

#[actix_rt::test]
async fn a_restart_neither_fires_twice_nor_forgets() {
    let store = TestStore::redis();
    let hourly = [every("hourly", Duration::from_hours(1))];
    let schedules = store.results.schedules(StoreLimits::default());
    let first = Clock::start(&store.results, &hourly);
    eventually(|| count(&first.counters.fired) == 1).await;
    let before = schedules.board().await.unwrap().schedules;
    drop(first);

    let again = Clock::start(
        &store.another(),
        &[
            every("hourly", Duration::from_hours(1)),
            every("new", Duration::from_hours(1)),
        ],
    );
    eventually(|| count(&again.counters.fired) == 1).await;

    let after = schedules.board().await.unwrap().schedules;
    assert_eq!(after[0], before[0]);
    assert_eq!(jobs_of(&store.results).await.len(), 2, "one of each");
}

#[actix_rt::test]
async fn schedules_are_added_changed_and_removed_while_it_runs() {
    let store = TestStore::redis();
    let hour = Duration::from_hours(1);
    let clock = Clock::start(&store.results, &[every("a", hour), every("b", hour)]);
    let schedules = store.results.schedules(StoreLimits::default());
    let definitions = async || -> Vec<String> {
        let board = schedules.board().await.unwrap();
        let shown = board.schedules.into_iter();
        shown
            .map(|state| format!("{} {}", state.name, state.definition))
            .collect()
    };
    let come_to = async |expected: &[&str]| {
        while definitions().await != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, async {
        come_to(&["a probe every 1h", "b probe every 1h"]).await;
        let changed = vec![every("b", 2 * hour), every("c", hour)];
        clock.planned.send_replace(Arc::new(changed));
        come_to(&["b probe every 2h", "c probe every 1h"]).await;
    });
    in_time.await.unwrap();
}

#[actix_rt::test]
async fn jitter_delays_a_run() {
    let store = TestStore::redis();
    let schedule = Schedule {
        jitter: Duration::from_hours(24),
        ..every("spread", Duration::from_hours(1))
    };
    let clock = Clock::start(&store.results, &[schedule]);
    eventually(|| count(&clock.counters.fired) == 1).await;
    let job = jobs_of(&store.results).await.remove(0);
    assert_eq!(job.state, JobState::Scheduled);
    assert!(job.due_at.unwrap() <= Utc::now() + TimeDelta::hours(24));
}

#[actix_rt::test]
async fn a_full_queue_holds_up_the_schedules_that_are_due_and_no_others() {
    let store = TestStore::redis();
    let limits = StoreLimits {
        max_unfinished: 1,
        ..StoreLimits::default()
    };
    let jobs = store.results.jobs(limits);
    let in_the_way = jobs.enqueue(probe(&Probe::Answer)).await.unwrap().id;
    let hour = Duration::from_hours(1);
    let clock = Clock::within(limits, &store.results, &[every("due", hour)]);
    let schedules = store.results.schedules(limits);
    let planned = async |many: usize| {
        let in_time = async {
            while schedules.board().await.unwrap().schedules.len() < many {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, in_time).await.unwrap();
    };
    planned(1).await;
    let never = Schedule {
        timetable: Timetable::Cron("@yearly".parse().unwrap(), chrono_tz::Tz::UTC),
        ..every("later", hour)
    };
    let both = vec![every("due", hour), never];
    clock.planned.send_replace(Arc::new(both));
    planned(2).await;
    assert_eq!(count(&clock.counters.fired), 0);

    jobs.cancel(in_the_way).await.unwrap();
    eventually(|| count(&clock.counters.fired) == 1).await;
}
