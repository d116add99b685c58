//! Leases, several instances, and a context that drains.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement, TransactionTrait};
use weir::queue::JobState;
use weir::settings::JobsSettings;
use weir::store::StoreLocation;
use weir_test_support::eventually;

use super::{LIMIT, Probe, Rig, count, lasting, probe};
use crate::common::stores::TestStore;

#[actix_rt::test]
async fn a_lease_is_kept_for_longer_than_it_lasts() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        lease: Duration::from_millis(300),
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store, 2, settings).await;
    let until = rig.gate();
    let id = rig
        .enqueue(lasting(&Probe::Block {
            until: until.clone(),
        }))
        .await;
    // Three leases long: another worker looks for lost ones all the while.
    tokio::time::sleep(Duration::from_millis(900)).await;
    std::fs::write(until, "").unwrap();
    let job = rig.finished(id).await;
    assert_eq!((job.attempts, job.lost), (1, 0));
}

#[actix_rt::test]
async fn an_overtaken_run_writes_nothing_and_settles_nothing() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 2, JobsSettings::default()).await;
    let until = rig.gate();
    let id = rig
        .enqueue(lasting(&Probe::Block {
            until: until.clone(),
        }))
        .await;
    eventually(|| count(&rig.counters.running) == 1).await;
    // Somebody takes this Weir for dead.
    assert_eq!(rig.resources.queue.recover("rig").await.unwrap(), 1);
    eventually(|| count(&rig.counters.running) == 2).await;
    std::fs::write(until, "").unwrap();

    let job = rig.finished(id).await;
    assert_eq!(
        (job.state, job.attempts, job.lost),
        (JobState::Succeeded, 1, 1)
    );
    eventually(|| count(&rig.counters.overtaken) == 1).await;
    let late = store.get("late").await.unwrap().unwrap();
    assert_eq!(
        late.json::<u64>().unwrap(),
        2,
        "the token of the second run"
    );
}

#[actix_rt::test]
async fn two_instances_share_the_work_and_no_job_runs_twice() {
    let store = TestStore::redis();
    let one = Rig::start(&store, 3, JobsSettings::default()).await;
    let other = Rig::start(&store.another(), 3, JobsSettings::default()).await;
    let enqueues = (0..300).map(|_| one.enqueue(probe(&Probe::Answer)));
    let ids = futures_util::future::join_all(enqueues).await;
    for id in ids {
        let job = one.finished(id).await;
        assert_eq!(
            (job.state, job.attempts, job.lost),
            (JobState::Succeeded, 1, 0)
        );
    }
    eventually(|| count(&one.counters.succeeded) + count(&other.counters.succeeded) == 300).await;
}

#[actix_rt::test]
async fn a_pool_that_drains_hands_back_what_does_not_end() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let id = rig.enqueue(lasting(&Probe::Sleep)).await;
    eventually(|| count(&rig.counters.running) == 1).await;
    rig.context.drain(Duration::from_millis(50)).await;
    assert_eq!(count(&rig.counters.running), 0);
    let job = rig.resources.queue.job(id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.attempts, job.lost),
        (JobState::Queued, 0, 0)
    );
}

#[actix_rt::test]
async fn a_pool_that_drains_waits_for_a_job_that_is_being_leased() {
    let store = TestStore::postgres();
    let StoreLocation::Postgres { database } = &store.location else {
        unreachable!("this is Postgres")
    };
    let other = Database::connect(database.url.expose()).await.unwrap();
    let rig = Rig::start(&store, 0, JobsSettings::default()).await;
    // The recovery of leases would wait for the lock, and the worker for it.
    rig.context.ready().await;
    let id = rig.enqueue(probe(&Probe::Answer)).await;
    let lock = other.begin().await.unwrap();
    let no_lease = "LOCK TABLE weir_jobs IN EXCLUSIVE MODE";
    lock.execute_unprepared(no_lease).await.unwrap();
    rig.start_worker("late");
    // A claim, not the recovery of leases; one that has just begun, for it is given up soon, and tried again.
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
        AND clock_timestamp() - query_start < interval '50 ms' AND query LIKE '%SET state = ''running''%'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    let is_waiting = async {
        while other
            .query_one_raw(waiting.clone())
            .await
            .unwrap()
            .is_none()
        {}
    };
    tokio::time::timeout(LIMIT, is_waiting).await.unwrap();

    let context = Arc::clone(&rig.context);
    let mut drained = tokio::spawn(async move { context.drain(LIMIT).await });
    let too_soon = tokio::time::timeout(Duration::from_millis(100), &mut drained).await;
    assert!(too_soon.is_err(), "a job may be on its way");
    lock.commit().await.unwrap();
    drained.await.unwrap();

    assert_eq!(rig.state(id).await, JobState::Succeeded);
}
