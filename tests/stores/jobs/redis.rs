//! What Redis, which holds its jobs in memory, does beyond the other stores; and what its death leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::Commands;
use serde_json::json;
use weir::{
    queue::{Claim, JobQueue, JobState, Lease, NewJob, Outcome, QueueLimits, Settled, Worker},
    settings::StoreConfig,
    store::{Store, StoreLocation},
};
use weir_test_support::Redis;

use crate::common::stores::{job_names, within};

const LEASE: Duration = Duration::from_mins(1);

fn jobs(redis: &Redis, limits: QueueLimits) -> JobQueue {
    let location = StoreLocation::ExternalRedis {
        url: redis.url().as_str().into(),
    };
    JobQueue::new(
        &Store::open(&StoreConfig::default(), &location).unwrap(),
        limits,
    )
}

async fn claim(jobs: &JobQueue) -> Option<Lease> {
    let worker = Worker {
        owner: "o".into(),
        name: "w".into(),
        instance: "host-1".into(),
        jobs: job_names(&["j"]),
    };
    // Redis may have come back only now, so a claim may have to be made again.
    let claim = async {
        loop {
            match jobs.claim(&worker, LEASE).await {
                Ok(claim) => return claim,
                Err(error) => assert!(error.is_unavailable(), "{error}"),
            }
        }
    };
    match within(Duration::from_secs(5), claim).await {
        Claim::Leased(lease) => Some(lease),
        Claim::Nothing { .. } => None,
    }
}

fn succeeded(keep: Duration) -> Outcome {
    Outcome::Succeeded {
        result: json!(1),
        keep,
    }
}

#[tokio::test]
async fn finished_jobs_past_the_cap_go_those_first_that_are_kept_shortest() {
    let redis = Redis::start();
    let jobs = jobs(
        &redis,
        QueueLimits {
            max_finished: 5,
            ..QueueLimits::default()
        },
    );
    let long = jobs.enqueue(NewJob::new("j", json!({}))).await.unwrap().id;
    jobs.settle(&claim(&jobs).await.unwrap(), succeeded(LEASE * 10))
        .await
        .unwrap();
    for _ in 0..20 {
        jobs.enqueue(NewJob::new("j", json!({}))).await.unwrap();
        jobs.settle(&claim(&jobs).await.unwrap(), succeeded(LEASE))
            .await
            .unwrap();
    }
    for _ in 0..5 {
        assert_eq!(claim(&jobs).await, None);
    }
    assert!(jobs.counts().await.unwrap().count(JobState::Succeeded) <= 5);
    assert_eq!(
        jobs.job(long).await.unwrap().unwrap().state,
        JobState::Succeeded
    );
    let left: Vec<String> = redis.connection().keys("weir:job:*").unwrap();
    assert!(left.len() <= 5, "{left:?}");
}

#[tokio::test]
async fn every_key_of_finished_jobs_goes_by_itself() {
    let redis = Redis::start();
    let jobs = jobs(&redis, QueueLimits::default());
    jobs.enqueue(NewJob::new("j", json!({}))).await.unwrap();
    jobs.settle(&claim(&jobs).await.unwrap(), succeeded(LEASE))
        .await
        .unwrap();
    let keys: Vec<String> = redis.connection().keys("weir:job:*").unwrap();
    let ttl_ms: i64 = redis.connection().pttl(&keys[0]).unwrap();
    assert!((1..=60_000).contains(&ttl_ms), "{ttl_ms}");
}

#[tokio::test]
async fn jobs_survive_the_death_of_redis_at_any_step() {
    let mut redis = Redis::start();
    let jobs = jobs(&redis, QueueLimits::default());
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        for _ in 0..5 {
            // The first after a restart may find the connection dead and is sent again.
            acknowledged.push(
                jobs.enqueue(NewJob::new("j", json!({"round": round})))
                    .await
                    .unwrap()
                    .id,
            );
        }
        let (settled, running) = (claim(&jobs).await.unwrap(), claim(&jobs).await.unwrap());
        assert_eq!(
            jobs.settle(&settled, succeeded(LEASE)).await.unwrap(),
            Settled::Done
        );
        redis.kill();
        let away = jobs.settle(&running, succeeded(LEASE)).await.unwrap_err();
        assert!(away.is_unavailable(), "{away}");
        redis.start_again();
        let again = jobs.settle(&running, succeeded(LEASE)).await.unwrap();
        assert_eq!(again, Settled::Done, "its lease outlived the restart");
    }
    while let Some(lease) = claim(&jobs).await {
        jobs.settle(&lease, succeeded(LEASE)).await.unwrap();
    }
    for id in acknowledged {
        let job = jobs.job(id).await.unwrap().unwrap();
        assert_eq!(
            (job.state, job.attempts, job.lost),
            (JobState::Succeeded, 1, 0)
        );
    }
}

/// Moves ready jobs to where the version before kept them.
fn undo(redis: &Redis, name: &str) {
    let own = format!("weir:jobs:ready:{name}");
    redis.command(&[
        "ZUNIONSTORE",
        "weir:jobs:ready",
        "2",
        "weir:jobs:ready",
        &own,
    ]);
    redis.command(&["DEL", &own]);
    redis.command(&["SREM", "weir:jobs:names", name]);
}

#[tokio::test]
async fn ready_jobs_of_the_version_before_are_taken_over_in_their_order() {
    let redis = Redis::start();
    let jobs = jobs(&redis, QueueLimits::default());
    for _ in 0..1_200 {
        let unknown = NewJob {
            priority: 1,
            ..NewJob::new("unknown", json!({}))
        };
        jobs.enqueue(unknown).await.unwrap();
    }
    let mut ids = Vec::new();
    for priority in [0, 0, 1, -1] {
        let job = NewJob {
            priority,
            ..NewJob::new("j", json!({}))
        };
        ids.push(jobs.enqueue(job).await.unwrap().id);
    }
    undo(&redis, "unknown");
    undo(&redis, "j");
    assert_eq!(
        jobs.queued_except(BTreeSet::new()).await.unwrap(),
        BTreeMap::new()
    );

    let mut order = Vec::new();
    while order.len() < ids.len() {
        order.extend(claim(&jobs).await.map(|lease| lease.id));
    }

    assert_eq!(order, [ids[2], ids[0], ids[1], ids[3]]);
    let unknown = jobs.queued_except(BTreeSet::new()).await.unwrap();
    assert_eq!(unknown, BTreeMap::from([("unknown".to_owned(), 1_200)]));
    let left: bool = redis.connection().exists("weir:jobs:ready").unwrap();
    assert!(!left);
}

#[tokio::test]
async fn a_job_that_the_version_before_has_cancelled_is_passed_over() {
    let redis = Redis::start();
    let jobs = jobs(&redis, QueueLimits::default());
    let [cancelled, queued] = [NewJob::new("j", json!({})), NewJob::new("j", json!({}))];
    jobs.enqueue(cancelled.clone()).await.unwrap();
    jobs.cancel(cancelled.id).await.unwrap();
    let id = cancelled.id.to_string();
    redis.command(&["ZADD", "weir:jobs:ready:j", "-1", &id]);
    jobs.enqueue(queued.clone()).await.unwrap();

    assert_eq!(claim(&jobs).await, None, "it is asked for again at once");
    assert_eq!(claim(&jobs).await.unwrap().id, queued.id);
    let job = jobs.job(cancelled.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Cancelled, 0));
}
