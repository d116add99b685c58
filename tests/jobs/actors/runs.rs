//! Runs that end, fail, and do not end.

use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use weir::actors::Cancel;
use weir::jobs::Job;
use weir::queue::{Cancellation, JobRecord as Stored, JobState, NewJob};
use weir::settings::JobsSettings;
use weir_test_support::eventually;

use super::{LIMIT, Probe, Rig, count, lasting, probe};
use crate::common::stores::{TestStore, sees};

#[actix_rt::test]
async fn a_run_past_its_soft_limit_is_asked_to_end_and_tried_again() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let id = rig.enqueue(probe(&Probe::Wait)).await;
    let job = rig.finished(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    let error = job.error.unwrap();
    assert!(error[0].contains("soft limit of 200 ms"), "{error:?}");
    assert_eq!(count(&rig.counters.abandoned), 0);
}

#[actix_rt::test]
async fn a_run_past_its_hard_limit_is_ended() {
    let store = TestStore::sqlite();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let id = rig.enqueue(probe(&Probe::Sleep)).await;
    let job = rig.finished(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    let error = job.error.unwrap();
    assert!(error[0].contains("hard limit of 400 ms"), "{error:?}");
    assert_eq!(count(&rig.counters.abandoned), 0, "it could be aborted");
}

#[actix_rt::test]
async fn abandoned_runs_free_their_permit_up_to_a_number_of_orphaned_runs() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        max_abandoned: 1,
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store, 1, settings).await;
    let until = rig.gate();
    let block = Probe::Block {
        until: until.clone(),
    };
    let blocked = rig.enqueue(probe(&block)).await;
    // The first run is left behind and the second tried; with that one left behind as well there are too many.
    assert_eq!(rig.finished(blocked).await.state, JobState::Dead);
    eventually(|| count(&rig.counters.abandoned) == 2).await;
    let next = rig.enqueue(probe(&Probe::Answer)).await;
    assert_eq!(rig.state(next).await, JobState::Queued);
    assert_eq!(count(&rig.counters.running), 0);

    std::fs::write(until, "").unwrap();
    assert_eq!(rig.finished(next).await.state, JobState::Succeeded);
    let late = store.get("late").await.unwrap();
    assert_eq!(late, None, "what an abandoned run leaves is refused");
}

#[actix_rt::test]
async fn a_panic_ends_its_run_alone() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let panics = rig.enqueue(probe(&Probe::Panic)).await;
    let job = rig.finished(panics).await;
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    assert_eq!(job.error.unwrap(), ["the job panicked: as told"]);
    let next = rig.enqueue(probe(&Probe::Answer)).await;
    assert_eq!(rig.finished(next).await.state, JobState::Succeeded);
}

#[actix_rt::test]
async fn a_job_whose_arguments_are_of_another_version_is_dead() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let id = rig
        .enqueue(NewJob::new(
            Probe::NAME,
            json!({"act": "of another version"}),
        ))
        .await;
    let job = rig.finished(id).await;
    assert_eq!(job.state, JobState::Dead);
    let error = job.error.unwrap();
    assert!(error[0].contains("unknown variant"), "{error:?}");
}

#[actix_rt::test]
async fn progress_is_seen_with_the_next_heartbeat_and_cancel_at_once() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        lease: Duration::from_millis(300),
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store, 1, settings).await;
    let id = rig.enqueue(lasting(&Probe::Wait)).await;
    let mut job = rig.resources.queue.watch(id);
    let progress = json!({"done": 3, "total": 10});
    let told = |job: &Option<Stored>| {
        job.as_ref().and_then(|job| job.progress.as_ref()) == Some(&progress)
    };
    sees(LIMIT, &mut job, told).await;

    let (reply, answer) = oneshot::channel();
    rig.queue.tell(Cancel { id, reply });
    assert_eq!(answer.await.unwrap().unwrap(), Cancellation::Requested);
    assert_eq!(rig.finished(id).await.state, JobState::Cancelled);
}

#[actix_rt::test]
async fn a_result_over_the_cap_is_refused_and_a_large_one_is_a_file() {
    let store = TestStore::redis();
    let settings = JobsSettings {
        max_result_bytes: 200,
        ..JobsSettings::default()
    };
    let rig = Rig::start(&store, 1, settings).await;
    let id = rig.enqueue(probe(&Probe::Large)).await;
    let result = rig.finished(id).await.result.unwrap();
    let file = rig.resources.large_results.file_of(id, &result).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), vec![b'x'; 100_000]);
}
