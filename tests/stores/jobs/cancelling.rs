//! How jobs are cancelled.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use weir::queue::{Cancellation, Claim, Heartbeat, JobState, NewJob, Outcome, Settled, Start};

use super::steps::{BRIEF, KEEP, LEASE, LIMIT, claim, enqueue, jobs, look_up, try_claim, worker};
use crate::common::stores::{TestStore, on_every_store, sees};

on_every_store!(
    a_waiting_job_is_cancelled_at_once,
    a_running_job_is_asked_to_end,
    a_cancelled_run_does_not_come_back,
);

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
    assert_eq!(nothing, Claim::Nothing { retry_after: None });
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
