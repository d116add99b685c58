//! Many workers and many jobs at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use weir::queue::{Claim, JobId, JobQueue, JobState, NewJob, QueueLimits, Settled, Worker};
use weir::store::StoreLocation;

use super::steps::{look_up, succeeded, worker};
use crate::common::stores::{TestStore, on_every_store, within};

on_every_store!(workers_that_crash_at_any_step_lose_no_job_and_finish_none_twice,);

const STRESS_JOBS: u32 = 60;

/// What the workers of the stress test have in common.
struct Stress {
    jobs: JobQueue,
    finished: AtomicU32,
    /// The greatest token that was given out for a job.
    tokens: Mutex<HashMap<JobId, u64>>,
    /// The token of the run whose outcome counted.
    outcomes: Mutex<HashMap<JobId, u64>>,
}

async fn workers_that_crash_at_any_step_lose_no_job_and_finish_none_twice(store: TestStore) {
    let limits = QueueLimits {
        max_lost: 1000,
        ..QueueLimits::default()
    };
    let stress = Arc::new(Stress {
        jobs: JobQueue::new(&store, limits),
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
        let handle = JobQueue::new(&store.another(), limits);
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
    assert_eq!(counts.count(JobState::Succeeded), u64::from(STRESS_JOBS));
    assert_eq!(counts.unfinished(), 0);
}

/// Runs jobs until all are done; one claim in three it dies without a word, one in five it falls asleep past its lease.
async fn work(stress: Arc<Stress>, jobs: JobQueue, worker: Worker) {
    let lease_time = Duration::from_millis(60);
    let mut claims = 0u32;
    while stress.finished.load(Ordering::SeqCst) < STRESS_JOBS {
        let lease = match jobs.claim(&worker, lease_time).await {
            Ok(Claim::Leased(lease)) => lease,
            Ok(Claim::Nothing { retry_after }) => {
                let pause = retry_after.unwrap_or(lease_time).min(lease_time);
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

/// Readers are always there, so that SQLite never begins its log anew by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wal_of_sqlite_is_checkpointed_under_load() {
    let store = TestStore::sqlite();
    let jobs = JobQueue::new(&store, QueueLimits::default());
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
