//! Schedules: what every results store does alike.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::json;
use weir::queue::{
    Claim, Fired, JobFilter, JobQueue, JobState, NewJob, Outcome, QueueLimits, ScheduleState,
    Schedules, Start, Worker,
};

use crate::common::stores::{TestStore, job_names, on_every_store};

on_every_store!(
    a_due_schedule_fires_once_and_moves_on,
    a_schedule_that_is_not_due_does_not_fire,
    a_run_that_has_not_finished_is_not_joined_by_another,
    the_outcome_of_the_last_run_is_noted,
    planning_again_keeps_the_state_unless_the_definition_changed,
    a_schedule_survives_reopening_and_goes_when_it_is_removed,
    many_schedulers_fire_each_due_time_once,
    the_states_come_with_the_time_of_the_store,
    a_due_time_can_be_passed_over_once,
    a_scheduled_run_may_wait,
    a_due_time_that_comes_again_fires_again,
);

fn schedules(store: &TestStore) -> Schedules {
    JobQueue::new(store, QueueLimits::default()).schedules()
}

fn minutes_from_now(minutes: i64) -> DateTime<Utc> {
    let now = Utc::now()
        .duration_round(TimeDelta::milliseconds(1))
        .unwrap();
    now + TimeDelta::minutes(minutes)
}

fn job() -> NewJob {
    NewJob::new("count", json!({"k": 10}))
}

async fn only_schedule(schedules: &Schedules) -> ScheduleState {
    let states = schedules.states().await.unwrap();
    assert_eq!(states.schedules.len(), 1);
    states.schedules.into_iter().next().unwrap()
}

async fn a_due_schedule_fires_once_and_moves_on(store: TestStore) {
    let schedules = schedules(&store);
    let jobs = JobQueue::new(&store, QueueLimits::default());
    let (due, next) = (minutes_from_now(-1), minutes_from_now(1));
    schedules.plan("hourly", "v1", due).await.unwrap();

    let Fired::Enqueued(id) = schedules.fire("hourly", due, next, job()).await.unwrap() else {
        panic!("it was due");
    };

    assert_eq!(
        schedules.fire("hourly", due, next, job()).await.unwrap(),
        Fired::Passed
    );
    assert_eq!(
        schedules.fire("hourly", next, next, job()).await.unwrap(),
        Fired::Early
    );
    let schedule = only_schedule(&schedules).await;
    assert_eq!((schedule.next_due, schedule.last_due), (next, Some(due)));
    assert_eq!((schedule.last_job, schedule.last_outcome), (Some(id), None));
    let queued = jobs.job(id).await.unwrap().unwrap();
    assert_eq!(
        (queued.name.as_str(), queued.state),
        ("count", JobState::Queued)
    );
    assert_eq!(
        (queued.args, queued.schedule.as_deref()),
        (json!({"k": 10}), Some("hourly"))
    );
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 1);
}

async fn a_schedule_that_is_not_due_does_not_fire(store: TestStore) {
    let schedules = schedules(&store);
    let due = minutes_from_now(5);
    schedules.plan("hourly", "v1", due).await.unwrap();

    let early = schedules
        .fire("hourly", due, minutes_from_now(10), job())
        .await
        .unwrap();
    let unknown = schedules
        .fire("unknown", due, minutes_from_now(10), job())
        .await
        .unwrap();

    assert_eq!((early, unknown), (Fired::Early, Fired::Passed));
    assert_eq!(only_schedule(&schedules).await.next_due, due);
}

async fn a_run_that_has_not_finished_is_not_joined_by_another(store: TestStore) {
    let schedules = schedules(&store);
    let jobs = JobQueue::new(&store, QueueLimits::default());
    let times = [-4, -3, -2, -1].map(minutes_from_now);
    schedules.plan("hourly", "v1", times[0]).await.unwrap();
    let first = schedules
        .fire("hourly", times[0], times[1], job())
        .await
        .unwrap();

    let second = schedules
        .fire("hourly", times[1], times[2], job())
        .await
        .unwrap();

    assert_eq!(second, Fired::StillRunning);
    let schedule = only_schedule(&schedules).await;
    assert_eq!(
        (schedule.next_due, schedule.last_due),
        (times[2], Some(times[0]))
    );
    let Fired::Enqueued(first) = first else {
        panic!("it was due");
    };
    jobs.cancel(first).await.unwrap();
    let third = schedules
        .fire("hourly", times[2], times[3], job())
        .await
        .unwrap();
    assert!(
        matches!(third, Fired::Enqueued(id) if id != first),
        "{third:?}"
    );
}

async fn the_outcome_of_the_last_run_is_noted(store: TestStore) {
    let schedules = schedules(&store);
    let jobs = JobQueue::new(&store, QueueLimits::default());
    let worker = Worker {
        owner: "o".into(),
        name: "w".into(),
        instance: "host-1".into(),
        jobs: job_names(&["count"]),
    };
    let keep = Duration::from_millis(1);
    let mut due = minutes_from_now(-10);
    schedules.plan("hourly", "v1", due).await.unwrap();
    let succeeded = Outcome::Succeeded {
        result: json!(1),
        keep,
    };
    let dead = Outcome::Dead {
        error: vec!["no".into()],
        keep,
    };
    for outcome in [succeeded, dead] {
        let next = due + TimeDelta::minutes(1);
        schedules.fire("hourly", due, next, job()).await.unwrap();
        due = next;
        assert_eq!(only_schedule(&schedules).await.last_outcome, None);
        let Claim::Leased(lease) = jobs.claim(&worker, Duration::from_mins(1)).await.unwrap()
        else {
            panic!("its job is ready");
        };
        let state = outcome.state();
        jobs.settle(&lease, outcome).await.unwrap();

        // The job itself may be forgotten already.
        let schedule = only_schedule(&schedules).await;
        assert_eq!(schedule.last_outcome, Some(state));
        assert!(schedule.last_finished_at.is_some());
    }
}

async fn planning_again_keeps_the_state_unless_the_definition_changed(store: TestStore) {
    let schedules = schedules(&store);
    let (due, next) = (minutes_from_now(-1), minutes_from_now(1));
    schedules.plan("hourly", "v1", due).await.unwrap();
    schedules.fire("hourly", due, next, job()).await.unwrap();

    schedules
        .plan("hourly", "v1", minutes_from_now(-1))
        .await
        .unwrap();
    assert_eq!(only_schedule(&schedules).await.next_due, next);

    let other = minutes_from_now(30);
    schedules.plan("hourly", "v2", other).await.unwrap();
    let schedule = only_schedule(&schedules).await;
    assert_eq!(
        (schedule.next_due, schedule.definition.as_str()),
        (other, "v2")
    );
    assert_eq!(schedule.last_due, Some(due), "what has been stays known");
}

async fn a_schedule_survives_reopening_and_goes_when_it_is_removed(store: TestStore) {
    let due = minutes_from_now(7);
    schedules(&store).plan("b", "v1", due).await.unwrap();
    schedules(&store).plan("a", "v1", due).await.unwrap();

    let reopened = JobQueue::new(&store.another(), QueueLimits::default()).schedules();

    let names: Vec<_> = reopened
        .states()
        .await
        .unwrap()
        .schedules
        .into_iter()
        .map(|s| s.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(reopened.unplan("a").await.unwrap());
    assert!(!reopened.unplan("a").await.unwrap());
    assert_eq!(only_schedule(&schedules(&store)).await.name, "b");
}

async fn many_schedulers_fire_each_due_time_once(store: TestStore) {
    let first = minutes_from_now(-30);
    let due_times: Vec<_> = (0..12).map(|n| first + TimeDelta::minutes(n)).collect();
    schedules(&store).plan("hourly", "v1", first).await.unwrap();
    let schedulers = (0..3).map(|_| {
        let handle = store.another();
        let due_times = due_times.clone();
        tokio::spawn(async move {
            let (schedules, jobs) = (
                JobQueue::new(&handle, QueueLimits::default()).schedules(),
                JobQueue::new(&handle, QueueLimits::default()),
            );
            let mut fired = Vec::new();
            for due in due_times {
                let next = due + TimeDelta::minutes(1);
                if let Fired::Enqueued(id) =
                    schedules.fire("hourly", due, next, job()).await.unwrap()
                {
                    fired.push(id);
                    jobs.cancel(id).await.unwrap();
                }
            }
            fired
        })
    });
    let fired: Vec<_> = futures_util::future::join_all(schedulers)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();

    let all = JobFilter {
        limit: 100,
        ..JobFilter::default()
    };
    let jobs = JobQueue::new(&store, QueueLimits::default())
        .list(all)
        .await
        .unwrap()
        .jobs;
    // A due time may be skipped while the run before is being cancelled, never fired twice.
    assert_eq!(jobs.len(), fired.len(), "each firing is one job");
    let ids: std::collections::HashSet<_> = fired.iter().collect();
    assert_eq!(ids.len(), fired.len(), "no due time fired twice");
    assert!(!fired.is_empty());
    let end = first + TimeDelta::minutes(12);
    assert_eq!(only_schedule(&schedules(&store)).await.next_due, end);
}

async fn the_states_come_with_the_time_of_the_store(store: TestStore) {
    let states = schedules(&store).states().await.unwrap();
    assert!(
        (states.now - Utc::now()).abs() < TimeDelta::seconds(5),
        "{}",
        states.now
    );
}

async fn a_due_time_can_be_passed_over_once(store: TestStore) {
    let schedules = schedules(&store);
    let (due, next) = (minutes_from_now(-5), minutes_from_now(1));
    schedules.plan("hourly", "v1", due).await.unwrap();
    assert!(schedules.pass("hourly", due, next).await.unwrap());
    assert!(!schedules.pass("hourly", due, next).await.unwrap());
    assert_eq!(
        schedules.fire("hourly", due, next, job()).await.unwrap(),
        Fired::Passed
    );
    let schedule = only_schedule(&schedules).await;
    assert_eq!((schedule.next_due, schedule.last_due), (next, None));
}

async fn a_scheduled_run_may_wait(store: TestStore) {
    let schedules = schedules(&store);
    let (due, next) = (minutes_from_now(-1), minutes_from_now(1));
    schedules.plan("hourly", "v1", due).await.unwrap();
    let waiting = NewJob {
        start: Start::After(Duration::from_mins(1)),
        ..job()
    };
    let fired = schedules.fire("hourly", due, next, waiting).await.unwrap();
    let Fired::Enqueued(id) = fired else {
        panic!("it was due");
    };
    let job = JobQueue::new(&store, QueueLimits::default())
        .job(id)
        .await
        .unwrap();
    assert_eq!(job.unwrap().state, JobState::Scheduled);
}

/// As when the clock was set back.
async fn a_due_time_that_comes_again_fires_again(store: TestStore) {
    let schedules = schedules(&store);
    let jobs = JobQueue::new(&store, QueueLimits::default());
    let (due, next) = (minutes_from_now(-1), minutes_from_now(1));
    schedules.plan("hourly", "v1", due).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let fired = schedules.fire("hourly", due, next, job()).await.unwrap();
        let Fired::Enqueued(id) = fired else {
            panic!("it was due");
        };
        assert_eq!(jobs.job(id).await.unwrap().unwrap().state, JobState::Queued);
        jobs.cancel(id).await.unwrap();
        let schedule = only_schedule(&schedules).await;
        assert_eq!(schedule.last_outcome, Some(JobState::Cancelled));
        ids.push(id);
        assert!(schedules.pass("hourly", next, due).await.unwrap());
    }
    assert_ne!(ids[0], ids[1]);
}
