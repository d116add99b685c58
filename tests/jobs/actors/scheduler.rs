//! The scheduler.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DurationRound, TimeDelta, Utc};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::watch;
use weir::actors::Scheduler;
use weir::health::HealthIssues;
use weir::jobs::{Job, KnownJobs, Schedule, SchedulerCounters, SchedulerDeps};
use weir::queue::{JobFilter, JobQueue, JobRecord as Stored, JobState, QueueLimits};
use weir::settings::CatchUp;
use weir::settings::JobsSettings;
use weir::store::Store;
use weir::timetable::Timetable;
use weir_supervision::ActorSystem;
use weir_test_support::eventually;

use super::{LIMIT, Probe, Rig, count, policy, probe};
use crate::common::stores::TestStore;

/// The schedules of one instance, without workers.
struct Clock {
    system: ActorSystem,
    planned: watch::Sender<Arc<Vec<Schedule>>>,
    counters: Arc<SchedulerCounters>,
    known: KnownJobs,
    health: HealthIssues,
    _signals: [watch::Sender<bool>; 2],
}

impl Clock {
    fn start(store: &Store, schedules: &[Schedule]) -> Self {
        Self::within(QueueLimits::default(), store, schedules)
    }

    fn within(limits: QueueLimits, store: &Store, schedules: &[Schedule]) -> Self {
        let planned = watch::Sender::new(Arc::new(schedules.to_vec()));
        let counters = Arc::<SchedulerCounters>::default();
        let (ready, stop) = (watch::Sender::new(true), watch::Sender::new(false));
        let (known, health) = (KnownJobs::new([Probe::NAME]), HealthIssues::default());
        let deps = SchedulerDeps {
            planned: planned.subscribe(),
            schedules: JobQueue::new(store, limits).schedules(),
            runtime: Handle::current(),
            prepared: ready.subscribe(),
            stopping: stop.subscribe(),
            known: known.clone(),
            health: health.clone(),
        };
        let system = ActorSystem::start(policy());
        system.spawn::<Scheduler>("scheduler", Arc::clone(&counters), deps);
        Self {
            system,
            planned,
            counters,
            known,
            health,
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

async fn jobs_of(store: &Store) -> Vec<Stored> {
    let filter = JobFilter {
        limit: 1_000,
        ..JobFilter::default()
    };
    let jobs = JobQueue::new(store, QueueLimits::default());
    jobs.list(filter).await.unwrap().jobs
}

#[actix_rt::test]
async fn two_schedulers_fire_each_due_time_once() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 2, JobsSettings::default()).await;
    let often = [every("often", Duration::from_millis(40))];
    let clocks = [
        Clock::start(&store, &often),
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
        let jobs = jobs_of(&rig.resources.store).await;
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
        let schedules = JobQueue::new(&store, QueueLimits::default()).schedules();
        let now = Utc::now()
            .duration_trunc(TimeDelta::milliseconds(1))
            .unwrap();
        let long_ago = now - TimeDelta::minutes(150);
        schedules
            .plan("hourly", &schedule.definition(), long_ago)
            .await
            .unwrap();
        let _clock = Clock::start(&store, &[schedule]);
        let next = loop {
            let board = schedules.states().await.unwrap();
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
        assert_eq!(jobs_of(&store).await.len(), runs, "{catch_up:?}");
    }
}

#[actix_rt::test]
async fn a_schedule_does_not_fire_while_its_run_is_unfinished() {
    let store = TestStore::redis();
    let clock = Clock::start(&store, &[every("often", Duration::from_millis(20))]);
    eventually(|| count(&clock.counters.not_stacked) >= 3).await;
    assert_eq!(jobs_of(&store).await.len(), 1);
}

#[actix_rt::test]
async fn a_restart_neither_fires_twice_nor_forgets() {
    let store = TestStore::redis();
    let hourly = [every("hourly", Duration::from_hours(1))];
    let schedules = JobQueue::new(&store, QueueLimits::default()).schedules();
    let first = Clock::start(&store, &hourly);
    eventually(|| count(&first.counters.fired) == 1).await;
    let before = schedules.states().await.unwrap().schedules;
    drop(first);

    let again = Clock::start(
        &store.another(),
        &[
            every("hourly", Duration::from_hours(1)),
            every("new", Duration::from_hours(1)),
        ],
    );
    eventually(|| count(&again.counters.fired) == 1).await;

    let after = schedules.states().await.unwrap().schedules;
    assert_eq!(after[0], before[0]);
    assert_eq!(jobs_of(&store).await.len(), 2, "one of each");
}

#[actix_rt::test]
async fn schedules_are_added_changed_and_removed_while_it_runs() {
    let store = TestStore::redis();
    let hour = Duration::from_hours(1);
    let clock = Clock::start(&store, &[every("a", hour), every("b", hour)]);
    let schedules = JobQueue::new(&store, QueueLimits::default()).schedules();
    let definitions = async || -> Vec<String> {
        let board = schedules.states().await.unwrap();
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
    let clock = Clock::start(&store, &[schedule]);
    eventually(|| count(&clock.counters.fired) == 1).await;
    let job = jobs_of(&store).await.remove(0);
    assert_eq!(job.state, JobState::Scheduled);
    assert!(job.due_at.unwrap() <= Utc::now() + TimeDelta::hours(24));
}

#[actix_rt::test]
async fn a_full_queue_holds_up_the_schedules_that_are_due_and_no_others() {
    let store = TestStore::redis();
    let limits = QueueLimits {
        max_unfinished: 1,
        ..QueueLimits::default()
    };
    let jobs = JobQueue::new(&store, limits);
    let in_the_way = jobs.enqueue(probe(&Probe::Answer)).await.unwrap().id;
    let hour = Duration::from_hours(1);
    let clock = Clock::within(limits, &store, &[every("due", hour)]);
    let schedules = JobQueue::new(&store, limits).schedules();
    let planned = async |many: usize| {
        let in_time = async {
            while schedules.states().await.unwrap().schedules.len() < many {
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

#[actix_rt::test]
async fn a_schedule_of_an_unknown_job_neither_fires_nor_fails_until_the_job_is_announced() {
    let store = TestStore::sqlite();
    let later = Schedule {
        job: "mine.topics".into(),
        ..every("later", Duration::from_hours(1))
    };
    let clock = Clock::start(&store, &[later, every("now", Duration::from_millis(20))]);
    eventually(|| count(&clock.counters.not_stacked) >= 3).await;
    assert!(
        clock.health.current().is_empty(),
        "others were not asked yet"
    );
    clock.known.set_others(std::collections::BTreeSet::new());
    eventually(|| !clock.health.current().is_empty()).await;

    let issue = &clock.health.current()[0];
    assert_eq!(issue.part, "schedule later");
    assert!(issue.why.contains("mine.topics"), "{}", issue.why);
    assert_eq!(count(&clock.counters.fired), 1, "of the other");
    let states = JobQueue::new(&store, QueueLimits::default())
        .schedules()
        .states()
        .await
        .unwrap();
    assert_eq!(states.schedules[0].last_job, None);

    clock.known.announce(["mine.topics"]);
    eventually(|| count(&clock.counters.fired) == 2).await;
    eventually(|| clock.health.current().is_empty()).await;
    let jobs = jobs_of(&store).await;
    assert!(jobs.iter().any(|job| job.name == "mine.topics"));
}
