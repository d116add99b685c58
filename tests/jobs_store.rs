//! Jobs with leases: what every results store does alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use common::stores::{TestStore, on_every_store, sees, within};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement, TransactionTrait};
use serde_json::{Value, json};
use uuid::Uuid;
use weir::results::{
    Change, ResultsError, StoreLocation,
    jobs::{
        Cancellation, Claim, Heartbeat, Job, JobFilter, JobId, JobState, Jobs, Lease, Limits,
        NewJob, Outcome, Replay, Settled, Start, Worker,
    },
};

const LEASE: Duration = Duration::from_mins(1);
const BRIEF: Duration = Duration::from_millis(150);
const KEEP: Duration = Duration::from_mins(10);
/// The clocks of test and store may round differently.
const CLOCK_SLACK: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_secs(5);

on_every_store!(
    a_job_is_enqueued_claimed_and_settled,
    a_failed_run_can_be_settled_again_without_effect,
    jobs_run_by_priority_then_in_the_order_they_came,
    a_delayed_job_waits_for_its_time,
    a_time_that_has_passed_is_now,
    enqueuing_an_id_again_changes_nothing,
    an_equal_unfinished_job_stands_for_another,
    a_heartbeat_keeps_the_lease_and_notes_progress,
    a_lease_that_ran_out_goes_to_another_and_the_first_is_overtaken,
    a_heartbeat_after_the_lease_ran_out_keeps_it_if_nobody_has_taken_it,
    a_retry_comes_back_after_its_delay_and_counts,
    a_dead_job_can_be_replayed,
    a_replay_gives_way_to_an_equal_job,
    a_released_job_is_queued_again_and_no_attempt_counts,
    a_waiting_job_is_cancelled_at_once,
    a_running_job_is_asked_to_end,
    a_cancelled_run_does_not_come_back,
    a_restarted_owner_takes_back_its_own_leases_and_no_others,
    a_job_that_loses_too_many_leases_is_buried,
    a_finished_job_is_forgotten_after_its_time,
    lists_go_back_page_by_page,
    counts_are_by_state,
    the_end_of_a_job_is_seen_at_once,
    new_work_is_announced,
    workers_that_crash_at_any_step_lose_no_job_and_finish_none_twice,
    unicode_and_zero_bytes_come_back_as_they_are,
    success_enqueues_what_is_to_follow_once,
    failure_enqueues_nothing_of_what_is_to_follow,
    an_overtaken_run_writes_no_value,
    a_full_queue_refuses_until_a_job_has_finished,
);

fn jobs(store: &TestStore) -> Jobs {
    store.results.jobs(Limits::default())
}

fn worker(owner: &str) -> Worker {
    Worker {
        owner: owner.into(),
        name: format!("{owner}/1"),
    }
}

async fn enqueue(jobs: &Jobs, name: &str) -> JobId {
    jobs.enqueue(NewJob::new(name, json!({}))).await.unwrap().id
}

async fn try_claim(jobs: &Jobs, lease: Duration) -> Option<Lease> {
    match jobs.claim(&worker("a"), lease).await.unwrap() {
        Claim::Leased(lease) => Some(lease),
        Claim::Nothing { .. } => None,
    }
}

async fn claim(jobs: &Jobs) -> Lease {
    try_claim(jobs, LEASE).await.expect("a job is ready")
}

/// Claims again and again until there is something, as a worker does.
async fn claim_when_ready(jobs: &Jobs) -> Lease {
    within(LIMIT, async {
        loop {
            match jobs.claim(&worker("b"), LEASE).await.unwrap() {
                Claim::Leased(lease) => return lease,
                Claim::Nothing { look_again } => {
                    tokio::time::sleep(look_again.expect("something is waiting")).await;
                }
            }
        }
    })
    .await
}

async fn look_up(jobs: &Jobs, id: JobId) -> Job {
    jobs.job(id).await.unwrap().unwrap()
}

fn succeeded(result: Value) -> Outcome {
    Outcome::Succeeded { result, keep: KEEP }
}

fn dead(error: &str) -> Outcome {
    Outcome::Dead {
        error: vec![error.into(), "its cause".into()],
        keep: KEEP,
    }
}

async fn a_job_is_enqueued_claimed_and_settled(store: TestStore) {
    let jobs = jobs(&store);
    let new = NewJob {
        priority: 3,
        unique_key: Some("only one".into()),
        ..NewJob::new("count", json!({"k": 10, "text": "ö\u{0}"}))
    };

    let enqueued = jobs.enqueue(new.clone()).await.unwrap();
    assert_eq!((enqueued.id, enqueued.state), (new.id, JobState::Queued));
    let queued = look_up(&jobs, new.id).await;
    assert_eq!(
        (queued.state, queued.attempts, queued.priority),
        (JobState::Queued, 0, 3)
    );
    assert!((Utc::now() - queued.enqueued_at).abs() < TimeDelta::seconds(5));
    assert_eq!(
        (queued.started_at, queued.finished_at, queued.due_at),
        (None, None, None)
    );

    let lease = claim(&jobs).await;
    assert_eq!(
        (lease.id, lease.name.as_str(), &lease.args),
        (new.id, "count", &new.args)
    );
    assert_eq!((lease.token, lease.attempts, lease.lost), (1, 0, 0));
    let running = look_up(&jobs, new.id).await;
    assert_eq!(
        (running.state, running.worker.as_deref()),
        (JobState::Running, Some("a/1"))
    );
    assert!(running.started_at.unwrap() >= running.enqueued_at);
    assert_eq!(try_claim(&jobs, LEASE).await, None, "it is leased");

    let result = json!({"counts": [1, 2.5, null], "text": "\u{0}"});
    assert_eq!(
        jobs.settle(&lease, succeeded(result.clone()))
            .await
            .unwrap(),
        Settled::Done
    );
    let done = look_up(&jobs, new.id).await;
    assert_eq!(
        (done.state, done.attempts, done.lost),
        (JobState::Succeeded, 1, 0)
    );
    assert_eq!(
        (done.result, done.error, done.args),
        (Some(result), None, new.args)
    );
    assert_eq!(done.unique_key.as_deref(), Some("only one"));
    assert!(done.finished_at.unwrap() >= done.started_at.unwrap());
    assert_eq!(try_claim(&jobs, LEASE).await, None);
    assert_eq!(jobs.job(Uuid::now_v7()).await.unwrap(), None);
}

async fn a_failed_run_can_be_settled_again_without_effect(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let lease = claim(&jobs).await;
    for _ in 0..2 {
        assert_eq!(
            jobs.settle(&lease, dead("no")).await.unwrap(),
            Settled::Done
        );
    }
    let late = jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    assert_eq!(
        late,
        Settled::Done,
        "settled by this run, whose first word counts"
    );
    let job = look_up(&jobs, id).await;
    assert_eq!(
        (job.state, job.attempts, job.result),
        (JobState::Dead, 1, None)
    );
}

async fn jobs_run_by_priority_then_in_the_order_they_came(store: TestStore) {
    let jobs = jobs(&store);
    for (name, priority) in [
        ("b", 0),
        ("c", 0),
        ("e", -128),
        ("a", 127),
        ("d", 0),
        ("f", -128),
    ] {
        let job = NewJob {
            priority,
            ..NewJob::new(name, json!({}))
        };
        jobs.enqueue(job).await.unwrap();
    }
    let mut order = String::new();
    while let Some(lease) = try_claim(&jobs, LEASE).await {
        order.push_str(&lease.name);
    }
    assert_eq!(order, "abcdef");
}

async fn a_delayed_job_waits_for_its_time(store: TestStore) {
    let jobs = jobs(&store);
    let delay = Duration::from_millis(300);
    let begun = Instant::now();
    for start in [Start::After(delay), Start::At(Utc::now() + delay)] {
        let job = NewJob {
            start,
            ..NewJob::new("j", json!({}))
        };
        assert_eq!(jobs.enqueue(job).await.unwrap().state, JobState::Scheduled);
    }
    let Claim::Nothing { look_again } = jobs.claim(&worker("a"), LEASE).await.unwrap() else {
        panic!("nothing is ready");
    };
    assert!(look_again.unwrap() <= delay, "{look_again:?}");

    for _ in 0..2 {
        let lease = claim_when_ready(&jobs).await;
        assert!(
            begun.elapsed() + CLOCK_SLACK > delay,
            "{:?}",
            begun.elapsed()
        );
        assert!(look_up(&jobs, lease.id).await.due_at.is_some());
    }
    assert!(begun.elapsed() < delay * 4, "{:?}", begun.elapsed());
}

async fn a_time_that_has_passed_is_now(store: TestStore) {
    let jobs = jobs(&store);
    let job = NewJob {
        start: Start::At(Utc::now() - TimeDelta::hours(1)),
        ..NewJob::new("j", json!({}))
    };
    assert_eq!(jobs.enqueue(job).await.unwrap().state, JobState::Queued);
    claim(&jobs).await;
}

async fn enqueuing_an_id_again_changes_nothing(store: TestStore) {
    let jobs = jobs(&store);
    let job = NewJob::new("first", json!({}));
    let again = NewJob {
        name: "second".into(),
        ..job.clone()
    };
    jobs.enqueue(job.clone()).await.unwrap();
    assert_eq!(
        jobs.enqueue(again.clone()).await.unwrap().state,
        JobState::Queued
    );
    let lease = claim(&jobs).await;
    assert_eq!(jobs.enqueue(again).await.unwrap().state, JobState::Running);

    assert_eq!(lease.name, "first");
    assert_eq!(try_claim(&jobs, LEASE).await, None);
}

async fn an_equal_unfinished_job_stands_for_another(store: TestStore) {
    let jobs = jobs(&store);
    let equal = || NewJob {
        unique_key: Some("count".into()),
        ..NewJob::new("count", json!({}))
    };
    let first = jobs.enqueue(equal()).await.unwrap();
    let second = jobs.enqueue(equal()).await.unwrap();
    assert_eq!(second, first);
    let other = NewJob {
        unique_key: Some("other".into()),
        ..NewJob::new("count", json!({}))
    };
    assert_ne!(jobs.enqueue(other).await.unwrap().id, first.id);

    let lease = claim(&jobs).await;
    let third = jobs.enqueue(equal()).await.unwrap();
    assert_eq!((third.id, third.state), (first.id, JobState::Running));
    let retry = Outcome::Retry {
        error: vec![],
        after: KEEP,
    };
    jobs.settle(&lease, retry).await.unwrap();
    let fourth = jobs.enqueue(equal()).await.unwrap();
    assert_eq!((fourth.id, fourth.state), (first.id, JobState::Retrying));

    jobs.cancel(first.id).await.unwrap();
    let fifth = jobs.enqueue(equal()).await.unwrap();
    assert_ne!(fifth.id, first.id, "the first has finished");
}

async fn a_heartbeat_keeps_the_lease_and_notes_progress(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let lease = try_claim(&jobs, BRIEF).await.unwrap();
    for n in 0..4 {
        let held = jobs
            .heartbeat(&lease, BRIEF, (n == 1).then(|| json!({"done": n})))
            .await
            .unwrap();
        assert_eq!(held, Heartbeat::Held { cancel: false });
        tokio::time::sleep(BRIEF / 2).await;
        assert_eq!(try_claim(&jobs, LEASE).await, None);
    }
    assert_eq!(look_up(&jobs, id).await.progress, Some(json!({"done": 1})));
}

async fn a_lease_that_ran_out_goes_to_another_and_the_first_is_overtaken(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let first = try_claim(&jobs, BRIEF).await.unwrap();

    let second = claim_when_ready(&jobs).await;

    assert_eq!((second.id, second.attempts, second.lost), (id, 0, 1));
    assert!(second.token > first.token);
    assert_eq!(
        jobs.heartbeat(&first, LEASE, None).await.unwrap(),
        Heartbeat::Lost
    );
    let late = jobs.settle(&first, succeeded(json!("late"))).await.unwrap();
    assert_eq!(late, Settled::Overtaken);
    assert_eq!(look_up(&jobs, id).await.state, JobState::Running);
    let done = jobs
        .settle(&second, succeeded(json!("in time")))
        .await
        .unwrap();
    assert_eq!(done, Settled::Done);
    assert_eq!(
        jobs.settle(&first, dead("later")).await.unwrap(),
        Settled::Overtaken
    );
    assert_eq!(look_up(&jobs, id).await.result, Some(json!("in time")));
}

async fn a_heartbeat_after_the_lease_ran_out_keeps_it_if_nobody_has_taken_it(store: TestStore) {
    let jobs = jobs(&store);
    enqueue(&jobs, "j").await;
    let lease = try_claim(&jobs, Duration::from_millis(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;

    let held = jobs.heartbeat(&lease, LEASE, None).await.unwrap();

    assert_eq!(held, Heartbeat::Held { cancel: false });
    assert_eq!(try_claim(&jobs, LEASE).await, None);
}

async fn a_retry_comes_back_after_its_delay_and_counts(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let lease = claim(&jobs).await;
    let settled = Instant::now();
    let retry = Outcome::Retry {
        error: vec!["no answer".into(), "timed out".into()],
        after: BRIEF,
    };
    jobs.settle(&lease, retry).await.unwrap();
    let waiting = look_up(&jobs, id).await;
    assert_eq!((waiting.state, waiting.attempts), (JobState::Retrying, 1));
    assert_eq!(
        waiting.error,
        Some(vec!["no answer".into(), "timed out".into()])
    );
    assert!(waiting.due_at.is_some() && waiting.finished_at.is_none());
    assert_eq!(try_claim(&jobs, LEASE).await, None);

    let second = claim_when_ready(&jobs).await;

    assert!(
        settled.elapsed() + CLOCK_SLACK > BRIEF,
        "{:?}",
        settled.elapsed()
    );
    assert_eq!((second.id, second.attempts, second.lost), (id, 1, 0));
    jobs.settle(&second, succeeded(json!(1))).await.unwrap();
    let done = look_up(&jobs, id).await;
    assert_eq!((done.state, done.attempts), (JobState::Succeeded, 2));
}

async fn a_dead_job_can_be_replayed(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    assert_eq!(
        jobs.replay(id).await.unwrap(),
        Replay::NotDead(JobState::Queued)
    );
    let first = claim(&jobs).await;
    jobs.settle(&first, dead("no")).await.unwrap();
    let buried = look_up(&jobs, id).await;
    assert_eq!(buried.error, Some(vec!["no".into(), "its cause".into()]));

    assert_eq!(jobs.replay(id).await.unwrap(), Replay::Done);

    let queued = look_up(&jobs, id).await;
    assert_eq!(
        (queued.state, queued.attempts, queued.error),
        (JobState::Queued, 0, None)
    );
    assert_eq!(queued.finished_at, None);
    assert_eq!(jobs.counts().await.unwrap().of(JobState::Dead), 0);
    let second = claim(&jobs).await;
    assert!(second.token > first.token);
    assert_eq!(second.attempts, 0);
    jobs.settle(&second, succeeded(json!(1))).await.unwrap();
    assert_eq!(
        jobs.replay(id).await.unwrap(),
        Replay::NotDead(JobState::Succeeded)
    );
    assert_eq!(jobs.replay(Uuid::now_v7()).await.unwrap(), Replay::Unknown);
}

#[tokio::test]
async fn a_job_that_was_replayed_and_runs_already_is_not_queued_by_a_second_replay() {
    let store = TestStore::postgres();
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    jobs.settle(&claim(&jobs).await, dead("no")).await.unwrap();
    let StoreLocation::Postgres { url } = &store.location else {
        unreachable!("this is Postgres")
    };
    let other = Database::connect(url.expose()).await.unwrap();
    let first = other.begin().await.unwrap();
    let runs = format!("UPDATE weir_jobs SET state = 'running' WHERE id = '{id}'");
    first.execute_unprepared(&runs).await.unwrap();

    let second = tokio::spawn({
        let jobs = jobs.clone();
        async move { jobs.replay(id).await }
    });
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    within(LIMIT, async {
        while other
            .query_one_raw(waiting.clone())
            .await
            .unwrap()
            .is_none()
        {}
    })
    .await;
    first.commit().await.unwrap();

    assert_eq!(
        second.await.unwrap().unwrap(),
        Replay::NotDead(JobState::Running)
    );
    assert_eq!(look_up(&jobs, id).await.state, JobState::Running);
}

async fn a_replay_gives_way_to_an_equal_job(store: TestStore) {
    let jobs = jobs(&store);
    let equal = || NewJob {
        unique_key: Some("count".into()),
        ..NewJob::new("count", json!({}))
    };
    let first = jobs.enqueue(equal()).await.unwrap().id;
    jobs.settle(&claim(&jobs).await, dead("no")).await.unwrap();
    let second = jobs.enqueue(equal()).await.unwrap().id;

    assert_eq!(jobs.replay(first).await.unwrap(), Replay::Equal);
    assert_eq!(look_up(&jobs, first).await.state, JobState::Dead);
    jobs.cancel(second).await.unwrap();
    assert_eq!(jobs.replay(first).await.unwrap(), Replay::Done);
    assert_eq!(jobs.enqueue(equal()).await.unwrap().id, first);
}

async fn a_released_job_is_queued_again_and_no_attempt_counts(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let first = claim(&jobs).await;
    jobs.settle(&first, Outcome::Released).await.unwrap();
    assert_eq!(look_up(&jobs, id).await.state, JobState::Queued);

    let second = claim(&jobs).await;

    assert_eq!((second.id, second.attempts, second.lost), (id, 0, 0));
    assert!(second.token > first.token);
}

async fn a_waiting_job_is_cancelled_at_once(store: TestStore) {
    let jobs = jobs(&store);
    let queued = enqueue(&jobs, "j").await;
    let later = NewJob {
        start: Start::After(BRIEF),
        ..NewJob::new("j", json!({}))
    };
    let scheduled = jobs.enqueue(later).await.unwrap().id;

    for id in [queued, scheduled] {
        assert_eq!(jobs.cancel(id).await.unwrap(), Cancellation::Done);
        let job = look_up(&jobs, id).await;
        assert_eq!((job.state, job.attempts), (JobState::Cancelled, 0));
        assert!(job.finished_at.is_some());
        let again = jobs.cancel(id).await.unwrap();
        assert_eq!(again, Cancellation::Finished(JobState::Cancelled));
    }
    assert_eq!(
        jobs.cancel(Uuid::now_v7()).await.unwrap(),
        Cancellation::Unknown
    );
    tokio::time::sleep(BRIEF).await;
    let nothing = jobs.claim(&worker("a"), LEASE).await.unwrap();
    assert_eq!(nothing, Claim::Nothing { look_again: None });
}

async fn a_running_job_is_asked_to_end(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let lease = claim(&jobs).await;
    let mut watched = jobs.watch(id);

    assert_eq!(jobs.cancel(id).await.unwrap(), Cancellation::Requested);

    sees(LIMIT, &mut watched, |job| {
        job.as_ref().is_some_and(|job| job.cancel_requested)
    })
    .await;
    let held = jobs.heartbeat(&lease, LEASE, None).await.unwrap();
    assert_eq!(held, Heartbeat::Held { cancel: true });
    jobs.settle(&lease, Outcome::Cancelled { keep: KEEP })
        .await
        .unwrap();
    let job = look_up(&jobs, id).await;
    assert_eq!((job.state, job.attempts), (JobState::Cancelled, 0));
}

async fn a_cancelled_run_does_not_come_back(store: TestStore) {
    let jobs = jobs(&store);
    let retry = Outcome::Retry {
        error: vec!["no".into()],
        after: Duration::ZERO,
    };
    for outcome in [Some(retry), Some(Outcome::Released), None] {
        let id = enqueue(&jobs, "j").await;
        let lease = try_claim(&jobs, BRIEF).await.unwrap();
        jobs.cancel(id).await.unwrap();
        match outcome {
            Some(outcome) => assert_eq!(jobs.settle(&lease, outcome).await.unwrap(), Settled::Done),
            None => tokio::time::sleep(BRIEF * 2).await,
        }
        assert_eq!(try_claim(&jobs, LEASE).await, None);
        assert_eq!(look_up(&jobs, id).await.state, JobState::Cancelled);
    }
}

async fn a_restarted_owner_takes_back_its_own_leases_and_no_others(store: TestStore) {
    let jobs = jobs(&store);
    for name in ["mine", "mine", "theirs"] {
        enqueue(&jobs, name).await;
    }
    let mut leases = Vec::new();
    for owner in ["me", "me", "them"] {
        let Claim::Leased(lease) = jobs.claim(&worker(owner), LEASE).await.unwrap() else {
            panic!("a job is ready");
        };
        leases.push(lease);
    }
    assert_eq!(try_claim(&jobs, LEASE).await, None);

    let restarted = store.another().jobs(Limits::default());
    assert_eq!(restarted.recover("me").await.unwrap(), 2);
    assert_eq!(restarted.recover("me").await.unwrap(), 0);

    for _ in 0..2 {
        let lease = claim(&restarted).await;
        assert_eq!(
            (lease.name.as_str(), lease.attempts, lease.lost),
            ("mine", 0, 1)
        );
    }
    assert_eq!(try_claim(&restarted, LEASE).await, None);
    let theirs = jobs.settle(&leases[2], succeeded(json!(1))).await.unwrap();
    assert_eq!(theirs, Settled::Done);
    assert_eq!(
        jobs.settle(&leases[0], succeeded(json!(1))).await.unwrap(),
        Settled::Overtaken
    );
}

async fn a_job_that_loses_too_many_leases_is_buried(store: TestStore) {
    let limits = Limits {
        max_lost: 3,
        ..Limits::default()
    };
    let jobs = store.results.jobs(limits);
    let id = enqueue(&jobs, "crashes its process").await;
    for lost in 0..=3 {
        let lease = claim(&jobs).await;
        assert_eq!((lease.lost, lease.attempts), (lost, 0));
        assert_eq!(jobs.recover("a").await.unwrap(), 1);
    }
    assert_eq!(try_claim(&jobs, LEASE).await, None);
    let job = look_up(&jobs, id).await;
    assert_eq!((job.state, job.lost), (JobState::Dead, 4));
    assert_eq!(job.error, Some(vec!["its lease was lost 4 times".into()]));
    // Replayed, it gets as many again.
    assert_eq!(jobs.replay(id).await.unwrap(), Replay::Done);
    assert_eq!(claim(&jobs).await.lost, 0);
}

async fn a_finished_job_is_forgotten_after_its_time(store: TestStore) {
    let jobs = jobs(&store);
    for _ in 0..3 {
        let id = enqueue(&jobs, "j").await;
        let lease = claim(&jobs).await;
        let outcome = Outcome::Succeeded {
            result: json!(1),
            keep: BRIEF,
        };
        jobs.settle(&lease, outcome).await.unwrap();
        assert!(jobs.job(id).await.unwrap().is_some());
    }
    let kept = enqueue(&jobs, "j").await;
    jobs.settle(&claim(&jobs).await, succeeded(json!(1)))
        .await
        .unwrap();

    within(LIMIT, async {
        while jobs.counts().await.unwrap().of(JobState::Succeeded) > 1 {
            assert_eq!(try_claim(&jobs, LEASE).await, None);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    let left = jobs
        .list(JobFilter {
            limit: 10,
            ..JobFilter::default()
        })
        .await
        .unwrap();
    assert_eq!(
        left.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [kept]
    );
}

async fn lists_go_back_page_by_page(store: TestStore) {
    let jobs = jobs(&store);
    let mut all = Vec::new();
    for n in 0..25 {
        all.push((
            enqueue(&jobs, if n % 3 == 0 { "third" } else { "other" }).await,
            n,
        ));
    }
    for _ in 0..7 {
        let lease = claim(&jobs).await;
        jobs.settle(&lease, succeeded(json!("x".repeat(1000))))
            .await
            .unwrap();
    }
    let pages = async |filter: JobFilter| {
        let mut filter = filter;
        let mut found = Vec::new();
        loop {
            let page = jobs.list(filter.clone()).await.unwrap();
            assert!(page.jobs.len() <= filter.limit);
            assert!(
                page.jobs.iter().all(|job| job.result.is_none()),
                "lists leave results out"
            );
            found.extend(page.jobs.iter().map(|job| job.id));
            filter.before = page.next;
            if page.next.is_none() {
                return found;
            }
        }
    };
    let expected = |wanted: &dyn Fn(usize) -> bool| -> Vec<JobId> {
        all.iter()
            .rev()
            .filter(|(_, n)| wanted(*n))
            .map(|(id, _)| *id)
            .collect()
    };
    let base = JobFilter {
        limit: 4,
        ..JobFilter::default()
    };
    assert_eq!(pages(base.clone()).await, expected(&|_| true));
    let queued = JobFilter {
        state: Some(JobState::Queued),
        ..base.clone()
    };
    assert_eq!(pages(queued.clone()).await, expected(&|n| n >= 7));
    let third = JobFilter {
        name: Some("third".into()),
        ..base
    };
    assert_eq!(pages(third.clone()).await, expected(&|n| n % 3 == 0));
    let queued_third = JobFilter {
        name: third.name,
        ..queued
    };
    assert_eq!(
        pages(queued_third).await,
        expected(&|n| n >= 7 && n % 3 == 0)
    );
}

async fn counts_are_by_state(store: TestStore) {
    let jobs = jobs(&store);
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
    for _ in 0..5 {
        enqueue(&jobs, "j").await;
    }
    let delayed = NewJob {
        start: Start::After(KEEP),
        ..NewJob::new("j", json!({}))
    };
    jobs.enqueue(delayed).await.unwrap();
    let retry = Outcome::Retry {
        error: vec![],
        after: KEEP,
    };
    for outcome in [succeeded(json!(1)), dead("no"), retry] {
        jobs.settle(&claim(&jobs).await, outcome).await.unwrap();
    }
    claim(&jobs).await;

    let counts = jobs.counts().await.unwrap();

    let by_state = JobState::ALL.map(|state| counts.of(state));
    assert_eq!(by_state, [1, 1, 1, 1, 1, 1, 0], "{counts:?}");
    assert_eq!(counts.unfinished(), 4);
}

async fn the_end_of_a_job_is_seen_at_once(store: TestStore) {
    let jobs = jobs(&store);
    for round in 0..3 {
        let id = enqueue(&jobs, "j").await;
        let lease = claim(&jobs).await;
        let mut watched = jobs.watch(id);
        sees(LIMIT, &mut watched, |job| {
            job.as_ref()
                .is_some_and(|job| job.state == JobState::Running)
        })
        .await;
        let settled = Instant::now();
        jobs.settle(&lease, succeeded(json!(round))).await.unwrap();
        sees(LIMIT, &mut watched, |job| {
            job.as_ref()
                .is_some_and(|job| job.result == Some(json!(round)))
        })
        .await;
        // The first round may find the store's subscription still on its way.
        assert!(round == 0 || settled.elapsed() < Duration::from_millis(400));
    }
}

async fn new_work_is_announced(store: TestStore) {
    let jobs = jobs(&store);
    // Settles the subscription: an end that is seen means that announcements arrive.
    let mut watched = jobs.watch(enqueue(&jobs, "j").await);
    let lease = claim(&jobs).await;
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    sees(LIMIT, &mut watched, |job| {
        job.as_ref().is_some_and(|job| job.state.is_finished())
    })
    .await;
    let mut changes = store.results.changes();

    enqueue(&jobs, "j").await;

    within(LIMIT, async {
        while changes.recv().await.unwrap() != Change::Work {}
    })
    .await;
}

async fn unicode_and_zero_bytes_come_back_as_they_are(store: TestStore) {
    let jobs = jobs(&store);
    let args = json!({"text": "\u{0} \u{1F600} ' \" \\ $1 {now}", "n": -1.5e300});
    let id = jobs
        .enqueue(NewJob::new("näme", args.clone()))
        .await
        .unwrap()
        .id;
    let lease = claim(&jobs).await;
    assert_eq!((lease.name.as_str(), &lease.args), ("näme", &args));
    jobs.settle(&lease, dead("a\u{0}b")).await.unwrap();
    assert_eq!(look_up(&jobs, id).await.error.unwrap()[0], "a\u{0}b");
}

/// What the workers of the stress test have in common.
struct Stress {
    jobs: Jobs,
    finished: AtomicU32,
    /// The greatest token that was given out for a job.
    tokens: Mutex<HashMap<JobId, u64>>,
    /// The token of the run whose outcome counted.
    outcomes: Mutex<HashMap<JobId, u64>>,
}

const STRESS_JOBS: u32 = 60;

async fn workers_that_crash_at_any_step_lose_no_job_and_finish_none_twice(store: TestStore) {
    let limits = Limits {
        max_lost: 1000,
        ..Limits::default()
    };
    let stress = Arc::new(Stress {
        jobs: store.results.jobs(limits),
        finished: AtomicU32::new(0),
        tokens: Mutex::default(),
        outcomes: Mutex::default(),
    });
    let mut ids = Vec::new();
    for n in 0..STRESS_JOBS {
        let job = NewJob::new("j", json!({"n": n}));
        ids.push(stress.jobs.enqueue(job).await.unwrap().id);
    }
    let workers = (0..4).map(|n| {
        let handle = store.another().jobs(limits);
        tokio::spawn(work(Arc::clone(&stress), handle, worker(&n.to_string())))
    });
    let workers = futures_util::future::join_all(workers);
    for outcome in within(Duration::from_mins(1), workers).await {
        outcome.unwrap();
    }
    for id in ids {
        let job = look_up(&stress.jobs, id).await;
        assert_eq!(job.state, JobState::Succeeded);
        let token = stress.outcomes.lock().unwrap()[&id];
        assert_eq!(
            job.result,
            Some(json!(token)),
            "the result is that of the run that counted"
        );
    }
    let counts = stress.jobs.counts().await.unwrap();
    assert_eq!(counts.of(JobState::Succeeded), u64::from(STRESS_JOBS));
    assert_eq!(counts.unfinished(), 0);
}

/// Runs jobs until all are done; one claim in three it dies without a word, one in five it falls asleep past its lease.
async fn work(stress: Arc<Stress>, jobs: Jobs, worker: Worker) {
    let lease_time = Duration::from_millis(60);
    let mut claims = 0u32;
    while stress.finished.load(Ordering::SeqCst) < STRESS_JOBS {
        let lease = match jobs.claim(&worker, lease_time).await {
            Ok(Claim::Leased(lease)) => lease,
            Ok(Claim::Nothing { look_again }) => {
                let pause = look_again.unwrap_or(lease_time).min(lease_time);
                tokio::time::sleep(pause).await;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let before = stress.tokens.lock().unwrap().insert(lease.id, lease.token);
        assert!(
            before.is_none_or(|before| before < lease.token),
            "tokens grow"
        );
        claims += 1;
        if claims.is_multiple_of(3) {
            // A crash: half of the time the process comes back and takes its leases.
            if claims.is_multiple_of(2) {
                jobs.recover(&worker.owner).await.unwrap();
            }
            continue;
        }
        if claims.is_multiple_of(5) {
            tokio::time::sleep(lease_time * 2).await;
        }
        let settled = jobs
            .settle(&lease, succeeded(json!(lease.token)))
            .await
            .unwrap();
        if settled == Settled::Done {
            let before = stress
                .outcomes
                .lock()
                .unwrap()
                .insert(lease.id, lease.token);
            assert_eq!(before, None, "one outcome counts");
            stress.finished.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn success_enqueues_what_is_to_follow_once(store: TestStore) {
    let jobs = jobs(&store);
    let last = NewJob::new("last", json!({"n": u64::MAX}));
    let next = NewJob {
        priority: 7,
        then: Some(Box::new(last.clone())),
        ..NewJob::new("next", json!({"text": "ü\"\\"}))
    };
    let first = NewJob {
        then: Some(Box::new(next.clone())),
        ..NewJob::new("first", json!({}))
    };
    jobs.enqueue(first.clone()).await.unwrap();
    let seen = jobs.job(first.id).await.unwrap().unwrap();
    assert_eq!(seen.then, Some(next.id));
    assert_eq!(jobs.job(next.id).await.unwrap(), None);

    for job in [first, next, last] {
        let lease = claim(&jobs).await;
        assert_eq!((lease.id, &lease.args), (job.id, &job.args));
        jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
        jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    }

    assert_eq!(jobs.counts().await.unwrap().of(JobState::Succeeded), 3);
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
}

async fn failure_enqueues_nothing_of_what_is_to_follow(store: TestStore) {
    let jobs = jobs(&store);
    let next = NewJob::new("next", json!({}));
    let first = NewJob {
        then: Some(Box::new(next.clone())),
        ..NewJob::new("first", json!({}))
    };
    jobs.enqueue(first).await.unwrap();
    let lease = claim(&jobs).await;
    let dead = Outcome::Dead {
        error: vec!["broken".into()],
        keep: KEEP,
    };
    jobs.settle(&lease, dead).await.unwrap();
    assert_eq!(jobs.job(next.id).await.unwrap(), None);
}

async fn an_overtaken_run_writes_no_value(store: TestStore) {
    let jobs = jobs(&store);
    jobs.enqueue(NewJob::new("count", json!({}))).await.unwrap();
    let Claim::Leased(first) = jobs.claim(&worker("a"), BRIEF).await.unwrap() else {
        panic!("a job is ready");
    };
    tokio::time::sleep(BRIEF + CLOCK_SLACK).await;
    let second = claim(&jobs).await;
    assert_eq!(first.id, second.id);
    for key in ["report", "my_worker:report"] {
        let put = async |lease: &Lease, value: u32| {
            let value = json!(value);
            jobs.put_fenced(lease.id, lease.token, key, &value, KEEP)
                .await
                .unwrap()
        };
        let stored = async || -> Value {
            let stored = store.results.get(key).await.unwrap().unwrap();
            stored.json().unwrap()
        };
        assert_eq!(put(&first, 0).await, Settled::Overtaken);
        assert!(store.results.get(key).await.unwrap().is_none());
        assert_eq!(put(&second, 2).await, Settled::Done);
        assert_eq!(put(&first, 1).await, Settled::Overtaken);
        assert_eq!(stored().await, 2);
    }
    jobs.settle(&second, succeeded(json!(1))).await.unwrap();
    let value = json!(3);
    let late = jobs.put_fenced(second.id, second.token, "report", &value, KEEP);
    assert_eq!(late.await.unwrap(), Settled::Overtaken);
}

async fn a_full_queue_refuses_until_a_job_has_finished(store: TestStore) {
    let jobs = store.results.jobs(Limits {
        max_unfinished: 3,
        ..Limits::default()
    });
    let job = || NewJob::new("j", json!({}));
    let first = job();
    jobs.enqueue(first.clone()).await.unwrap();
    for _ in 0..2 {
        jobs.enqueue(job()).await.unwrap();
    }
    let refusal = jobs.enqueue(job()).await.unwrap_err();
    assert!(
        matches!(refusal, ResultsError::QueueFull { limit: 3 }),
        "{refusal}"
    );
    // What is there already needs no room.
    assert_eq!(jobs.enqueue(first.clone()).await.unwrap().id, first.id);

    let lease = claim(&jobs).await;
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    let second = jobs.enqueue(job()).await.unwrap().id;
    assert!(jobs.enqueue(job()).await.is_err());
    assert_eq!(jobs.cancel(second).await.unwrap(), Cancellation::Done);
    jobs.enqueue(job()).await.unwrap();
}

/// Readers are always there, so that SQLite never begins its log anew by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_file_begins_anew_under_load() {
    let store = TestStore::sqlite();
    let jobs = store.results.jobs(Limits::default());
    let enqueuing = (0..8).map(|_| {
        let jobs = jobs.clone();
        tokio::spawn(async move {
            for _ in 0..750 {
                let enqueued = jobs.enqueue(NewJob::new("any", json!({}))).await;
                jobs.job(enqueued.unwrap().id).await.unwrap();
            }
        })
    });
    for caller in enqueuing.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let StoreLocation::Sqlite { file } = &store.location else {
        panic!("not a file")
    };
    let log = format!("{}-wal", file.display());
    let bytes = std::fs::metadata(log).unwrap().len();
    assert!(bytes < 64 << 20, "{bytes} bytes after 6,000 jobs");
}
