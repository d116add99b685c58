//! How jobs are queued and claimed.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;
use weir::queue::{
    Cancellation, Claim, JobQueue, JobState, NewJob, Outcome, QueueError, QueueLimits, Settled,
    Start,
};
use weir::store::Change;

use super::steps::{
    CLOCK_SLACK, KEEP, LEASE, LIMIT, claim, claim_when_ready, dead, enqueue, jobs, look_up,
    succeeded, try_claim, worker,
};
use crate::common::stores::{TestStore, on_every_store, sees, within};

on_every_store!(
    a_job_is_enqueued_claimed_and_settled,
    jobs_run_by_priority_then_in_order_of_arrival,
    a_delayed_job_waits_for_its_time,
    a_due_time_in_the_past_is_now,
    enqueuing_an_id_again_changes_nothing,
    an_equal_unfinished_job_is_returned_instead,
    a_full_queue_refuses_until_a_job_has_finished,
    unicode_and_zero_bytes_come_back_as_they_are,
    new_work_is_announced,
);

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

async fn jobs_run_by_priority_then_in_order_of_arrival(store: TestStore) {
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
    let Claim::Nothing { retry_after } = jobs.claim(&worker("a"), LEASE).await.unwrap() else {
        panic!("nothing is ready");
    };
    assert!(retry_after.unwrap() <= delay, "{retry_after:?}");

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

async fn a_due_time_in_the_past_is_now(store: TestStore) {
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

async fn an_equal_unfinished_job_is_returned_instead(store: TestStore) {
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

async fn a_full_queue_refuses_until_a_job_has_finished(store: TestStore) {
    let jobs = JobQueue::new(
        &store,
        QueueLimits {
            max_unfinished: 3,
            ..QueueLimits::default()
        },
    );
    let job = || NewJob::new("j", json!({}));
    let first = job();
    jobs.enqueue(first.clone()).await.unwrap();
    for _ in 0..2 {
        jobs.enqueue(job()).await.unwrap();
    }
    let refusal = jobs.enqueue(job()).await.unwrap_err();
    assert!(
        matches!(refusal, QueueError::Full { limit: 3 }),
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
    let mut changes = store.changes();

    enqueue(&jobs, "j").await;

    within(LIMIT, async {
        while changes.recv().await.unwrap() != Change::Work {}
    })
    .await;
}
