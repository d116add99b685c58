//! Workers are given the jobs that they can run and no others.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::json;
use weir::queue::{Claim, JobId, JobQueue, JobState, Lease, NewJob, Outcome, Worker};

use super::steps::{BRIEF, LEASE, dead, enqueue, jobs, look_up, succeeded, worker};
use crate::common::stores::{TestStore, job_names, on_every_store};

on_every_store!(
    a_worker_is_given_only_jobs_that_it_can_run,
    priority_and_arrival_order_the_jobs_that_a_worker_can_run,
    jobs_that_nobody_can_run_do_not_hold_up_the_others,
    queued_jobs_of_other_names_are_counted,
    a_job_that_comes_back_is_given_to_those_who_can_run_it,
    jobs_whose_time_has_come_wait_for_a_worker_that_can_run_them,
    names_are_any_text,
);

fn of(names: &[&str]) -> Worker {
    Worker {
        jobs: job_names(names),
        ..worker("a")
    }
}

async fn claim(jobs: &JobQueue, names: &[&str]) -> Option<Lease> {
    match jobs.claim(&of(names), LEASE).await.unwrap() {
        Claim::Leased(lease) => Some(lease),
        Claim::Nothing { .. } => None,
    }
}

async fn enqueue_with(jobs: &JobQueue, name: &str, priority: i8) -> JobId {
    let job = NewJob {
        priority,
        ..NewJob::new(name, json!({}))
    };
    jobs.enqueue(job).await.unwrap().id
}

async fn a_worker_is_given_only_jobs_that_it_can_run(store: TestStore) {
    let jobs = jobs(&store);
    let (a, b) = (enqueue(&jobs, "a").await, enqueue(&jobs, "b").await);
    assert_eq!(claim(&jobs, &[]).await, None);
    assert_eq!(claim(&jobs, &["c"]).await, None);
    assert_eq!(claim(&jobs, &["b", "c"]).await.unwrap().id, b);
    assert_eq!(claim(&jobs, &["b", "c"]).await, None);
    let waiting = look_up(&jobs, a).await;
    assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));
    assert_eq!(claim(&jobs, &["c", "a"]).await.unwrap().id, a);
}

async fn priority_and_arrival_order_the_jobs_that_a_worker_can_run(store: TestStore) {
    let jobs = jobs(&store);
    let mut expected = Vec::new();
    for (name, priority) in [
        ("b", 0),
        ("a", 0),
        ("x", 9),
        ("a", 5),
        ("b", 0),
        ("b", 5),
        ("a", -3),
        ("a", 0),
        ("x", 0),
        ("b", -128),
    ] {
        let id = enqueue_with(&jobs, name, priority).await;
        // In SQL they are ordered by the millisecond.
        tokio::time::sleep(Duration::from_millis(2)).await;
        expected.extend((name != "x").then_some((-i32::from(priority), id)));
    }
    expected.sort();
    let mut order = Vec::new();
    while let Some(lease) = claim(&jobs, &["a", "b"]).await {
        order.push(lease.id);
    }
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(order, expected);
}

async fn jobs_that_nobody_can_run_do_not_hold_up_the_others(store: TestStore) {
    let jobs = jobs(&store);
    let timed = async || {
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(enqueue(&jobs, "a").await);
        }
        let begun = Instant::now();
        for id in ids {
            let lease = claim(&jobs, &["a", "b"]).await.unwrap();
            assert_eq!(lease.id, id);
        }
        begun.elapsed()
    };
    let alone = timed().await;
    for _ in 0..100 {
        try_join_all((0..40).map(|n| {
            let name = if n % 2 == 0 { "x" } else { "y" };
            let job = NewJob {
                priority: 100,
                ..NewJob::new(name, json!({}))
            };
            jobs.enqueue(job)
        }))
        .await
        .unwrap();
    }
    let behind_others = timed().await;
    assert!(
        behind_others < alone * 10 + Duration::from_millis(500),
        "{behind_others:?} behind 4,000 others, {alone:?} alone"
    );
    assert_eq!(claim(&jobs, &["a", "b"]).await, None);
}

async fn queued_jobs_of_other_names_are_counted(store: TestStore) {
    let jobs = jobs(&store);
    let counts = async |known: &[&str]| {
        let known = (*job_names(known)).clone();
        let counts = jobs.queued_except(known).await.unwrap();
        let shown = counts
            .into_iter()
            .map(|(name, count)| format!("{name} {count}"));
        shown.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(counts(&[]).await, "");
    for name in ["a", "mine.topics", "a", "c", "mine.topics", "a"] {
        enqueue(&jobs, name).await;
    }
    let cancelled = enqueue(&jobs, "d").await;
    assert_eq!(counts(&[]).await, "a 3, c 1, d 1, mine.topics 2");
    assert_eq!(counts(&["a", "d", "none"]).await, "c 1, mine.topics 2");

    jobs.cancel(cancelled).await.unwrap();
    claim(&jobs, &["a"]).await.unwrap();
    claim(&jobs, &["c"]).await.unwrap();
    assert_eq!(counts(&[]).await, "a 2, mine.topics 2");
    assert_eq!(counts(&["a", "mine.topics"]).await, "");
}

async fn a_job_that_comes_back_is_given_to_those_who_can_run_it(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "a").await;
    enqueue_with(&jobs, "x", 100).await;
    let lease = claim(&jobs, &["a"]).await.unwrap();
    jobs.settle(&lease, Outcome::Released).await.unwrap();
    let lease = claim(&jobs, &["a"]).await.unwrap();
    assert_eq!((lease.id, lease.attempts), (id, 0));
    let retry = Outcome::Retry {
        error: vec!["e".into()],
        after: Duration::ZERO,
    };
    jobs.settle(&lease, retry).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    // Whoever claims brings due jobs up to date, also those of others.
    assert_eq!(claim(&jobs, &["c"]).await, None);
    assert_eq!(claim(&jobs, &["a"]).await.unwrap().id, id);
    assert_eq!(jobs.recover("a").await.unwrap(), 1);
    assert_eq!(claim(&jobs, &["c"]).await, None);
    let lease = claim(&jobs, &["a"]).await.unwrap();
    assert_eq!((lease.id, lease.lost), (id, 1));
    jobs.settle(&lease, dead("e")).await.unwrap();
    jobs.replay(id).await.unwrap();
    assert_eq!(claim(&jobs, &["c"]).await, None);
    let lease = claim(&jobs, &["a"]).await.unwrap();
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    assert_eq!(claim(&jobs, &["a"]).await, None);
}

async fn jobs_whose_time_has_come_wait_for_a_worker_that_can_run_them(store: TestStore) {
    let jobs = jobs(&store);
    let job = NewJob {
        start: weir::queue::Start::After(BRIEF),
        then: Some(Box::new(NewJob::new("b", json!({})))),
        ..NewJob::new("a", json!({}))
    };
    let id = jobs.enqueue(job).await.unwrap().id;
    tokio::time::sleep(BRIEF + Duration::from_millis(20)).await;
    let nothing = jobs.claim(&of(&["b"]), LEASE).await.unwrap();
    assert_eq!(nothing, Claim::Nothing { retry_after: None }, "no hot loop");
    assert_eq!(look_up(&jobs, id).await.state, JobState::Queued);
    let lease = claim(&jobs, &["a"]).await.unwrap();
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    assert_eq!(claim(&jobs, &["a"]).await, None);
    assert_eq!(claim(&jobs, &["b"]).await.unwrap().name, "b");
}

async fn names_are_any_text(store: TestStore) {
    let jobs = jobs(&store);
    for name in [
        "a.b",
        "näme \u{1F600}",
        "it's \"quoted\" \\ $1 {now}",
        "x:y*",
    ] {
        let id = enqueue(&jobs, name).await;
        assert_eq!(claim(&jobs, &["a", "b"]).await, None);
        assert_eq!(claim(&jobs, &["a", name]).await.unwrap().id, id);
    }
}
