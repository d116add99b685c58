//! How leases are kept, lost and taken back.

use std::time::Duration;

use serde_json::{Value, json};
use weir::queue::{
    Claim, Heartbeat, JobQueue, JobState, Lease, NewJob, Outcome, QueueLimits, Replay, Settled,
};

use super::steps::{
    BRIEF, CLOCK_SLACK, KEEP, LEASE, claim, claim_when_ready, dead, enqueue, jobs, look_up,
    succeeded, try_claim, worker,
};
use crate::common::stores::{TestStore, on_every_store};

on_every_store!(
    a_heartbeat_keeps_the_lease_and_notes_progress,
    a_lease_that_ran_out_goes_to_another_and_the_first_is_overtaken,
    a_heartbeat_after_the_lease_ran_out_keeps_it_if_nobody_has_taken_it,
    a_released_job_is_queued_again_and_no_attempt_counts,
    a_restarted_owner_takes_back_its_own_leases_and_no_others,
    a_job_that_loses_too_many_leases_is_dead,
    an_overtaken_run_writes_no_value,
);

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

    let restarted = JobQueue::new(&store.another(), QueueLimits::default());
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

async fn a_job_that_loses_too_many_leases_is_dead(store: TestStore) {
    let limits = QueueLimits {
        max_lost: 3,
        ..QueueLimits::default()
    };
    let jobs = JobQueue::new(&store, limits);
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
            let stored = store.get(key).await.unwrap().unwrap();
            stored.json().unwrap()
        };
        assert_eq!(put(&first, 0).await, Settled::Overtaken);
        assert!(store.get(key).await.unwrap().is_none());
        assert_eq!(put(&second, 2).await, Settled::Done);
        assert_eq!(put(&first, 1).await, Settled::Overtaken);
        assert_eq!(stored().await, 2);
    }
    jobs.settle(&second, succeeded(json!(1))).await.unwrap();
    let value = json!(3);
    let late = jobs.put_fenced(second.id, second.token, "report", &value, KEEP);
    assert_eq!(late.await.unwrap(), Settled::Overtaken);
}
