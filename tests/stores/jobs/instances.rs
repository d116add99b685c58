//! Instances that use one store, and stores of an earlier version.

use serde_json::json;
use uuid::Uuid;
use weir::queue::{JobQueue, JobState, NewJob, QueueLimits};
use weir::store::Instance;

use super::steps::{claim, jobs, look_up, succeeded};
use crate::common::stores::{TestStore, job_names, on_every_store};

on_every_store!(
    instances_see_each_other_until_they_leave,
    an_instance_last_seen_long_ago_or_in_the_future_is_not_running,
);

fn instance(name: &str, scrapers: u64) -> Instance {
    Instance {
        id: Uuid::now_v7().to_string(),
        name: name.into(),
        scrapers,
        jobs: (*job_names(&["a.b", name])).clone(),
    }
}

async fn instances_see_each_other_until_they_leave(store: TestStore) {
    let (a, b) = (instance("host a-1", 0), instance("b-2", 3));
    let (first, second) = (&*store, store.another());
    assert_eq!(first.announce(&a).await.unwrap(), []);
    assert_eq!(first.announce(&a).await.unwrap(), [], "it is no other");
    assert_eq!(second.announce(&b).await.unwrap(), std::slice::from_ref(&a));
    assert_eq!(first.announce(&a).await.unwrap(), std::slice::from_ref(&b));
    second.withdraw(&b.id).await.unwrap();
    assert_eq!(first.announce(&a).await.unwrap(), []);
}

async fn an_instance_last_seen_long_ago_or_in_the_future_is_not_running(store: TestStore) {
    let (a, b) = (instance("a", 0), instance("b", 0));
    for seconds in [-60_i64, 60, 365 * 24 * 3600] {
        store.announce(&b).await.unwrap();
        let seen_at = (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).timestamp_millis();
        let record = format!("{seen_at} 0 b");
        let update = format!(
            "UPDATE weir_instances SET seen_at = {seen_at} WHERE id = '{}'",
            b.id
        );
        store
            .edit(&[&["HSET", "weir:instances", &b.id, &record]], &update)
            .await;
        assert_eq!(store.announce(&a).await.unwrap(), [], "{seconds} s");
    }
}

/// The table of jobs as it was before jobs could wait for others.
async fn a_store_of_an_earlier_version_is_brought_up_to_date(store: TestStore) {
    let old = NewJob::new("old", json!({}));
    jobs(&store).enqueue(old.clone()).await.unwrap();
    for index in ["weir_jobs_waits", "weir_jobs_ready_by_name"] {
        store.edit(&[], &format!("DROP INDEX {index}")).await;
    }
    let ready = "CREATE INDEX weir_jobs_ready ON weir_jobs (state, priority DESC, ready_at, id) WHERE state = 'queued'";
    store.edit(&[], ready).await;
    let undo = "ALTER TABLE weir_instances DROP COLUMN jobs";
    store.edit(&[], undo).await;
    for column in ["follows", "instance", "start_at", "delay", "lease"] {
        let undo = format!("ALTER TABLE weir_jobs DROP COLUMN {column}");
        store.edit(&[], &undo).await;
    }

    let again = store.another();
    let instance = instance("a", 0);
    again.announce(&instance).await.unwrap();
    let others = again.announce(&self::instance("b", 0)).await.unwrap();
    assert_eq!(others, [instance]);
    // It is gone, or this would fail.
    store.edit(&[], ready).await;
    let jobs = JobQueue::new(&again, QueueLimits::default());
    let follower = NewJob::new("b", json!({}));
    let first = NewJob {
        then: Some(Box::new(follower.clone())),
        ..NewJob::new("a", json!({}))
    };
    jobs.enqueue(first).await.unwrap();

    for _ in 0..3 {
        jobs.settle(&claim(&jobs).await, succeeded(json!(1)))
            .await
            .unwrap();
    }
    for id in [old.id, follower.id] {
        assert_eq!(look_up(&jobs, id).await.state, JobState::Succeeded);
    }
}

#[tokio::test]
async fn a_sqlite_file_of_an_earlier_version_is_brought_up_to_date() {
    a_store_of_an_earlier_version_is_brought_up_to_date(TestStore::sqlite()).await;
}

#[tokio::test]
async fn a_postgres_table_of_an_earlier_version_is_brought_up_to_date() {
    a_store_of_an_earlier_version_is_brought_up_to_date(TestStore::postgres()).await;
}
