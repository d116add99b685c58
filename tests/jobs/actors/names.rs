//! Workers whose names come and go.

use std::collections::BTreeSet;

use serde_json::json;
use weir::jobs::Job;
use weir::queue::{JobState, NewJob};
use weir::settings::JobsSettings;
use weir_test_support::eventually;

use super::{Probe, Rig, probe};
use crate::common::stores::TestStore;

#[actix_rt::test]
async fn a_job_waits_until_its_name_is_announced() {
    for store in [TestStore::redis(), TestStore::sqlite()] {
        let rig = Rig::start(&store, 2, JobsSettings::default()).await;
        rig.context.known().set_others(BTreeSet::new());
        rig.context.known().withdraw([Probe::NAME]);
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(rig.enqueue(probe(&Probe::Answer)).await);
        }
        let other = rig.enqueue(super::lasting(&Probe::Answer)).await;
        assert_eq!(rig.finished(other).await.state, JobState::Succeeded);
        eventually(|| !rig.health.current().is_empty()).await;
        let issue = &rig.health.current()[0];
        assert_eq!(issue.part, "unknown jobs");
        assert!(issue.why.ends_with("probe (3)"), "{}", issue.why);
        let waiting = rig.resources.queue.job(ids[0]).await.unwrap().unwrap();
        assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));

        rig.context.known().announce([Probe::NAME]);
        for id in ids {
            assert_eq!(rig.finished(id).await.state, JobState::Succeeded);
        }
        rig.context.known().announce(["to look again"]);
        eventually(|| rig.health.current().is_empty()).await;
    }
}

#[actix_rt::test]
async fn a_job_that_another_instance_can_run_is_left_to_it() {
    let store = TestStore::redis();
    let rig = Rig::start(&store, 1, JobsSettings::default()).await;
    let theirs = rig.enqueue(NewJob::new("theirs", json!({}))).await;
    rig.context
        .known()
        .set_others(BTreeSet::from(["theirs".to_owned()]));
    let ours = rig.enqueue(probe(&Probe::Answer)).await;
    assert_eq!(rig.finished(ours).await.state, JobState::Succeeded);
    assert_eq!(rig.state(theirs).await, JobState::Queued);
    assert!(rig.health.current().is_empty());
    rig.context.known().set_others(BTreeSet::new());
    eventually(|| !rig.health.current().is_empty()).await;
}
