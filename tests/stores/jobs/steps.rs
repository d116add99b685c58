//! The steps that the tests are made of.

use std::time::Duration;

use serde_json::{Value, json};
use weir::queue::{Claim, JobId, JobQueue, JobRecord, Lease, NewJob, Outcome, QueueLimits, Worker};

use crate::common::stores::{TestStore, job_names, within};

pub(super) const LEASE: Duration = Duration::from_mins(1);
pub(super) const BRIEF: Duration = Duration::from_millis(150);
pub(super) const KEEP: Duration = Duration::from_mins(10);
/// The clocks of test and store may round differently.
pub(super) const CLOCK_SLACK: Duration = Duration::from_millis(5);
pub(super) const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn jobs(store: &TestStore) -> JobQueue {
    JobQueue::new(store, QueueLimits::default())
}

pub(super) fn worker(owner: &str) -> Worker {
    Worker {
        owner: owner.into(),
        name: format!("{owner}/1"),
        instance: "host-1".into(),
        jobs: job_names(&[
            "a",
            "any",
            "b",
            "c",
            "count",
            "crashes its process",
            "d",
            "e",
            "f",
            "first",
            "j",
            "last",
            "mine",
            "next",
            "näme",
            "old",
            "other",
            "theirs",
            "third",
        ]),
    }
}

pub(super) async fn enqueue(jobs: &JobQueue, name: &str) -> JobId {
    jobs.enqueue(NewJob::new(name, json!({}))).await.unwrap().id
}

pub(super) async fn try_claim(jobs: &JobQueue, lease: Duration) -> Option<Lease> {
    match jobs.claim(&worker("a"), lease).await.unwrap() {
        Claim::Leased(lease) => Some(lease),
        Claim::Nothing { .. } => None,
    }
}

pub(super) async fn claim(jobs: &JobQueue) -> Lease {
    try_claim(jobs, LEASE).await.expect("a job is ready")
}

/// Claims again and again until there is something, as a worker does.
pub(super) async fn claim_when_ready(jobs: &JobQueue) -> Lease {
    within(LIMIT, async {
        loop {
            match jobs.claim(&worker("b"), LEASE).await.unwrap() {
                Claim::Leased(lease) => return lease,
                Claim::Nothing { retry_after } => {
                    tokio::time::sleep(retry_after.expect("something is waiting")).await;
                }
            }
        }
    })
    .await
}

pub(super) async fn look_up(jobs: &JobQueue, id: JobId) -> JobRecord {
    jobs.job(id).await.unwrap().unwrap()
}

/// Writes a field of a job, past Weir.
pub(super) async fn edit_job(store: &TestStore, id: JobId, field: &str, value: &str) {
    let key = format!("weir:job:{id}");
    let quoted = value.replace('\'', "\'\'");
    let update = format!("UPDATE weir_jobs SET {field} = '{quoted}' WHERE id = '{id}'");
    store.edit(&[&["HSET", &key, field, value]], &update).await;
}

pub(super) fn succeeded(result: Value) -> Outcome {
    Outcome::Succeeded { result, keep: KEEP }
}

pub(super) fn dead(error: &str) -> Outcome {
    Outcome::Dead {
        error: vec![error.into(), "its cause".into()],
        keep: KEEP,
    }
}
