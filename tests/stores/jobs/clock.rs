//! What becomes of times that were written before the store's clock was set back: such a state is written here, since no
//! test can set the clock of a store.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use weir::queue::{JobId, JobQueue, JobState, NewJob, Outcome, QueueLimits, Start};

use super::steps::{
    BRIEF, KEEP, LEASE, LIMIT, claim, claim_when_ready, enqueue, jobs, look_up, succeeded,
    try_claim,
};
use crate::common::stores::{TestStore, on_every_store, within};

on_every_store!(
    a_delayed_job_waits_no_longer_than_requested,
    a_retry_waits_no_longer_than_requested,
    a_follow_up_waits_no_longer_than_requested,
    a_job_with_a_time_of_its_own_waits_for_that_time,
    a_lease_lasts_no_longer_than_requested,
    many_delayed_jobs_come_back_as_well,
);

const JUMPS: [Duration; 3] = [
    Duration::from_secs(30),
    Duration::from_hours(1),
    Duration::from_hours(365 * 24),
];

/// Moves the time that the job waits for, as if it had been enqueued before the clock was set back.
async fn move_due(store: &TestStore, id: JobId, by: Duration) {
    let (key, id) = (format!("weir:job:{id}"), id.to_string());
    let later = (Utc::now() + by).timestamp_millis().to_string();
    let update =
        format!("UPDATE weir_jobs SET ready_at = {later}, due_at = {later} WHERE id = '{id}'");
    let redis: [&[&str]; 2] = [
        &["ZADD", "weir:jobs:due", &later, &id],
        &["HSET", &key, "due_at", &later],
    ];
    store.edit(&redis, &update).await;
}

fn after(delay: Duration) -> NewJob {
    NewJob {
        start: Start::After(delay),
        ..NewJob::new("j", json!({}))
    }
}

async fn a_delayed_job_waits_no_longer_than_requested(store: TestStore) {
    for by in JUMPS {
        // A process of its own: it finds what one before it has written.
        let jobs = JobQueue::new(&store.another(), QueueLimits::default());
        let id = jobs.enqueue(after(BRIEF)).await.unwrap().id;
        move_due(&store, id, by).await;
        let lease = claim_when_ready(&jobs).await;
        assert_eq!(lease.id, id);
        let due = look_up(&jobs, id).await.due_at.unwrap();
        assert!(due <= Utc::now(), "{due}");
        jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    }
}

async fn a_retry_waits_no_longer_than_requested(store: TestStore) {
    let jobs = jobs(&store);
    // A time of its own bounds only the first wait.
    let job = NewJob {
        start: Start::At(Utc::now() + TimeDelta::milliseconds(100)),
        ..NewJob::new("j", json!({}))
    };
    let id = jobs.enqueue(job).await.unwrap().id;
    let lease = claim_when_ready(&jobs).await;
    let retry = Outcome::Retry {
        error: vec!["no".into()],
        after: BRIEF,
    };
    jobs.settle(&lease, retry).await.unwrap();
    move_due(&store, id, JUMPS[2]).await;

    let jobs = JobQueue::new(&store.another(), QueueLimits::default());
    assert_eq!(claim_when_ready(&jobs).await.id, id);
}

async fn a_follow_up_waits_no_longer_than_requested(store: TestStore) {
    let jobs = jobs(&store);
    let next = after(BRIEF);
    let first = NewJob {
        then: Some(Box::new(next.clone())),
        ..NewJob::new("first", json!({}))
    };
    jobs.enqueue(first).await.unwrap();
    jobs.settle(&claim(&jobs).await, succeeded(json!(1)))
        .await
        .unwrap();
    move_due(&store, next.id, JUMPS[1]).await;

    let jobs = JobQueue::new(&store.another(), QueueLimits::default());
    assert_eq!(claim_when_ready(&jobs).await.id, next.id);
}

async fn a_job_with_a_time_of_its_own_waits_for_that_time(store: TestStore) {
    let jobs = jobs(&store);
    let at = Utc::now() + TimeDelta::days(400);
    let job = NewJob {
        start: Start::At(at),
        ..NewJob::new("j", json!({}))
    };
    let id = jobs.enqueue(job).await.unwrap().id;
    assert_eq!(try_claim(&jobs, LEASE).await, None);
    let job = look_up(&jobs, id).await;
    assert_eq!(job.state, JobState::Scheduled);
    assert_eq!(
        job.due_at.unwrap().timestamp_millis(),
        at.timestamp_millis()
    );
}

async fn a_lease_lasts_no_longer_than_requested(store: TestStore) {
    for by in JUMPS {
        let jobs = jobs(&store);
        let id = enqueue(&jobs, "j").await;
        let first = try_claim(&jobs, BRIEF).await.unwrap();
        let until = (Utc::now() + by).timestamp_millis().to_string();
        let update = format!("UPDATE weir_jobs SET lease_until = {until} WHERE id = '{id}'");
        store
            .edit(
                &[&["ZADD", "weir:jobs:leases", &until, &id.to_string()]],
                &update,
            )
            .await;
        let second = within(LIMIT, async {
            loop {
                if let Some(lease) = try_claim(&jobs, BRIEF).await {
                    return lease;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert!(second.id == id && second.token > first.token);
        jobs.settle(&second, succeeded(json!(1))).await.unwrap();
    }
}

async fn many_delayed_jobs_come_back_as_well(store: TestStore) {
    let jobs = jobs(&store);
    let mut ids = Vec::new();
    for _ in 0..450 {
        ids.push(jobs.enqueue(after(KEEP)).await.unwrap().id);
    }
    for id in &ids {
        move_due(&store, *id, JUMPS[2]).await;
    }
    let latest = || async {
        let mut latest = Utc::now();
        for id in &ids {
            latest = latest.max(look_up(&jobs, *id).await.due_at.unwrap());
        }
        latest
    };
    within(LIMIT * 4, async {
        loop {
            assert_eq!(try_claim(&jobs, LEASE).await, None);
            if latest().await < Utc::now() + KEEP * 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
    .await;
}

/// Redis ends the time of its values itself.
async fn a_value_is_kept_no_longer_than_requested(store: TestStore) {
    store.put("report", &json!(1), LEASE).await.unwrap();
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    let outcome = Outcome::Succeeded {
        result: json!(1),
        keep: LEASE,
    };
    jobs.settle(&claim(&jobs).await, outcome).await.unwrap();
    let hour_ms = 3_600_000;
    let moved = format!(
        "UPDATE weir_results SET written_at = written_at + {hour_ms}, expires_at = expires_at + {hour_ms};
        UPDATE weir_jobs SET finished_at = finished_at + {hour_ms}, expires_at = expires_at + {hour_ms} WHERE id = '{id}'"
    );
    store.edit(&[], &moved).await;

    let another = store.another();
    assert_eq!(
        try_claim(&JobQueue::new(&another, QueueLimits::default()), LEASE).await,
        None
    );

    let written_at = another.get("report").await.unwrap().unwrap().written_at();
    assert!(written_at.unwrap() <= Utc::now());
    assert!(look_up(&jobs, id).await.finished_at.unwrap() <= Utc::now());
}

#[tokio::test]
async fn a_value_in_sqlite_is_kept_no_longer_than_requested() {
    a_value_is_kept_no_longer_than_requested(TestStore::sqlite()).await;
}

#[tokio::test]
async fn a_value_in_postgres_is_kept_no_longer_than_requested() {
    a_value_is_kept_no_longer_than_requested(TestStore::postgres()).await;
}
