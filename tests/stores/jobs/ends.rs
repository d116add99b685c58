//! How runs end: settled, tried again, replayed.

use std::time::Instant;

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement, TransactionTrait};
use serde_json::json;
use uuid::Uuid;
use weir::queue::{JobState, NewJob, Outcome, Replay, Settled};
use weir::store::StoreLocation;

use super::steps::{
    BRIEF, CLOCK_SLACK, LEASE, LIMIT, claim, claim_when_ready, dead, enqueue, jobs, look_up,
    succeeded, try_claim,
};
use crate::common::stores::{TestStore, on_every_store, within};

on_every_store!(
    a_failed_run_can_be_settled_again_without_effect,
    a_retry_comes_back_after_its_delay_and_counts,
    a_dead_job_can_be_replayed,
    a_replay_yields_to_an_equal_job,
);

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
    assert_eq!(jobs.counts().await.unwrap().count(JobState::Dead), 0);
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
    let StoreLocation::Postgres { database } = &store.location else {
        unreachable!("this is Postgres")
    };
    let other = Database::connect(database.url.expose()).await.unwrap();
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

async fn a_replay_yields_to_an_equal_job(store: TestStore) {
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
