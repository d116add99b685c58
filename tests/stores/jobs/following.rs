//! Jobs that follow others: whatever becomes of the job before, an id that was answered is found.

use std::time::Duration;

use serde_json::json;
use weir::queue::JobState::{Cancelled, Dead, Queued, Succeeded, Waiting};
use weir::queue::{
    Cancellation, JobQueue, JobRecord, JobState, Lease, NewJob, Outcome, QueueError, QueueLimits,
    Replay, Start,
};

use super::steps::{
    BRIEF, KEEP, LEASE, claim, claim_when_ready, dead, edit_job, jobs, look_up, succeeded,
    try_claim,
};
use crate::common::stores::{TestStore, on_every_store};

on_every_store!(
    success_starts_the_follow_ups_once,
    a_follow_up_may_have_the_unique_key_of_its_predecessor,
    a_follow_up_whose_key_another_job_has_is_dead_and_names_it,
    follow_ups_of_a_job_that_did_not_succeed_are_cancelled_with_a_reason,
    a_cancelled_follow_up_cancels_only_its_own_follow_ups,
    a_replayed_job_has_its_follow_ups_again,
    a_retry_leaves_follow_ups_waiting,
    follow_ups_take_room_in_the_queue,
    the_delay_of_a_follow_up_starts_when_its_predecessor_ends,
    an_equal_job_keeps_its_own_follow_ups,
    a_follow_up_written_by_an_earlier_version_is_found_and_runs,
);

fn job(name: &str) -> NewJob {
    NewJob::new(name, json!({}))
}

fn keyed(name: &str, key: &str) -> NewJob {
    NewJob {
        unique_key: Some(key.into()),
        ..job(name)
    }
}

/// Jobs in a row, each following the one before.
fn chain(jobs: &[NewJob]) -> NewJob {
    let mut next = None;
    for job in jobs.iter().rev() {
        next = Some(Box::new(NewJob {
            then: next,
            ..job.clone()
        }));
    }
    *next.unwrap()
}

async fn states<const N: usize>(jobs: &JobQueue, all: &[NewJob; N]) -> [JobState; N] {
    let mut states = [JobState::Queued; N];
    for (state, job) in states.iter_mut().zip(all) {
        *state = look_up(jobs, job.id).await.state;
    }
    states
}

async fn succeed(jobs: &JobQueue) -> Lease {
    let lease = claim(jobs).await;
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    lease
}

fn why(job: &JobRecord) -> &str {
    &job.error.as_ref().unwrap()[0]
}

async fn success_starts_the_follow_ups_once(store: TestStore) {
    let jobs = jobs(&store);
    let all = [
        job("first"),
        NewJob {
            priority: 7,
            ..NewJob::new("next", json!({"text": "ü\"\\"}))
        },
        NewJob::new("last", json!({"n": u64::MAX})),
    ];
    let enqueued = jobs.enqueue(chain(&all)).await.unwrap();
    assert_eq!(enqueued.state, JobState::Queued);

    let next = look_up(&jobs, all[1].id).await;
    assert_eq!(
        (next.state, next.follows, next.then),
        (JobState::Waiting, Some(all[0].id), Some(all[2].id))
    );
    assert_eq!(jobs.counts().await.unwrap().count(JobState::Waiting), 2);
    for job in &all {
        let lease = claim(&jobs).await;
        assert_eq!((lease.id, &lease.args), (job.id, &job.args));
        assert_eq!(try_claim(&jobs, LEASE).await, None);
        jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
        jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    }

    assert_eq!(jobs.counts().await.unwrap().count(JobState::Succeeded), 3);
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
}

async fn a_follow_up_may_have_the_unique_key_of_its_predecessor(store: TestStore) {
    let jobs = jobs(&store);
    let all = [keyed("a", "k"), keyed("b", "k"), keyed("c", "k")];
    jobs.enqueue(chain(&all)).await.unwrap();
    for expected in &all {
        let standing = jobs.enqueue(keyed("other", "k")).await.unwrap();
        assert_eq!(standing.id, expected.id, "the key is taken all the while");
        assert_eq!(succeed(&jobs).await.id, expected.id);
    }
    assert_eq!(states(&jobs, &all).await, [JobState::Succeeded; 3]);
}

async fn a_follow_up_whose_key_another_job_has_is_dead_and_names_it(store: TestStore) {
    let jobs = jobs(&store);
    let all = [job("a"), keyed("b", "k"), job("c")];
    jobs.enqueue(chain(&all)).await.unwrap();
    let holder = NewJob {
        start: Start::After(KEEP),
        ..keyed("holder", "k")
    };
    jobs.enqueue(holder.clone()).await.unwrap();

    succeed(&jobs).await;

    assert_eq!(states(&jobs, &all).await, [Succeeded, Dead, Cancelled]);
    let b = look_up(&jobs, all[1].id).await;
    assert!(why(&b).contains(&holder.id.to_string()), "{b:?}");
    let c = look_up(&jobs, all[2].id).await;
    assert!(why(&c).contains(&b.id.to_string()), "{c:?}");
    assert_eq!(try_claim(&jobs, LEASE).await, None);

    assert_eq!(jobs.replay(b.id).await.unwrap(), Replay::Equal);
    jobs.cancel(holder.id).await.unwrap();
    assert_eq!(jobs.replay(b.id).await.unwrap(), Replay::Done);
    succeed(&jobs).await;
    succeed(&jobs).await;
    assert_eq!(states(&jobs, &all).await, [Succeeded; 3]);
}

async fn follow_ups_of_a_job_that_did_not_succeed_are_cancelled_with_a_reason(store: TestStore) {
    let jobs = JobQueue::new(
        &store,
        QueueLimits {
            max_lost: 0,
            ..QueueLimits::default()
        },
    );
    for end in ["dead", "cancelled", "waiting", "lost"] {
        let all = [job("a"), job("b"), keyed("c", "k")];
        jobs.enqueue(chain(&all)).await.unwrap();
        match end {
            "waiting" => assert_eq!(jobs.cancel(all[0].id).await.unwrap(), Cancellation::Done),
            "lost" => {
                try_claim(&jobs, Duration::from_millis(1)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
                assert_eq!(try_claim(&jobs, LEASE).await, None);
            }
            _ => {
                let outcome = match end {
                    "dead" => dead("no"),
                    _ => Outcome::Cancelled { keep: KEEP },
                };
                jobs.settle(&claim(&jobs).await, outcome).await.unwrap();
            }
        }
        let [first, b, c] = states(&jobs, &all).await;
        assert!(first.is_finished(), "{end}");
        assert_eq!([b, c], [JobState::Cancelled; 2], "{end}");
        let b = look_up(&jobs, all[1].id).await;
        assert!(why(&b).contains(&all[0].id.to_string()), "{b:?}");
        assert!(b.finished_at.is_some());
        let c = look_up(&jobs, all[2].id).await;
        assert!(why(&c).contains(&b.id.to_string()), "{c:?}");
        assert_eq!(try_claim(&jobs, LEASE).await, None);
    }
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
}

async fn a_cancelled_follow_up_cancels_only_its_own_follow_ups(store: TestStore) {
    let jobs = jobs(&store);
    let all = [job("a"), job("b"), job("c")];
    jobs.enqueue(chain(&all)).await.unwrap();

    assert_eq!(jobs.cancel(all[1].id).await.unwrap(), Cancellation::Done);

    assert_eq!(states(&jobs, &all).await, [Queued, Cancelled, Cancelled]);
    succeed(&jobs).await;
    assert_eq!(states(&jobs, &all).await, [Succeeded, Cancelled, Cancelled]);
    assert_eq!(try_claim(&jobs, LEASE).await, None);
}

async fn a_replayed_job_has_its_follow_ups_again(store: TestStore) {
    let jobs = jobs(&store);
    let all = [job("a"), job("b"), job("c"), job("d")];
    jobs.enqueue(chain(&all)).await.unwrap();
    jobs.cancel(all[2].id).await.unwrap();
    jobs.settle(&claim(&jobs).await, dead("no")).await.unwrap();

    assert_eq!(jobs.replay(all[0].id).await.unwrap(), Replay::Done);

    let expected = [Queued, Waiting, Cancelled, Cancelled];
    assert_eq!(
        states(&jobs, &all).await,
        expected,
        "c was cancelled by request"
    );
    assert_eq!(look_up(&jobs, all[1].id).await.error, None);
    succeed(&jobs).await;
    succeed(&jobs).await;
    let expected = [Succeeded, Succeeded, Cancelled, Cancelled];
    assert_eq!(states(&jobs, &all).await, expected);
}

async fn a_retry_leaves_follow_ups_waiting(store: TestStore) {
    let jobs = jobs(&store);
    let all = [job("a"), job("b")];
    jobs.enqueue(chain(&all)).await.unwrap();
    let retry = Outcome::Retry {
        error: vec!["no".into()],
        after: Duration::ZERO,
    };
    jobs.settle(&claim(&jobs).await, retry).await.unwrap();
    let expected = [JobState::Retrying, JobState::Waiting];
    assert_eq!(states(&jobs, &all).await, expected);
    let lease = claim_when_ready(&jobs).await;
    jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
    assert_eq!(succeed(&jobs).await.id, all[1].id);
}

async fn follow_ups_take_room_in_the_queue(store: TestStore) {
    let jobs = JobQueue::new(
        &store,
        QueueLimits {
            max_unfinished: 4,
            ..QueueLimits::default()
        },
    );
    let three = || chain(&[job("a"), job("b"), job("c")]);
    let first = three();
    jobs.enqueue(first.clone()).await.unwrap();
    let refused = three();
    let refusal = jobs.enqueue(refused.clone()).await.unwrap_err();
    assert!(matches!(refusal, QueueError::Full { limit: 4 }));
    assert_eq!(jobs.job(refused.id).await.unwrap(), None);
    assert_eq!(jobs.enqueue(first).await.unwrap().state, JobState::Queued);
    jobs.enqueue(job("d")).await.unwrap();

    for _ in 0..2 {
        let lease = claim(&jobs).await;
        jobs.settle(&lease, dead("no")).await.unwrap();
    }

    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
    jobs.enqueue(refused).await.unwrap();
}

async fn the_delay_of_a_follow_up_starts_when_its_predecessor_ends(store: TestStore) {
    let jobs = jobs(&store);
    let after = NewJob {
        start: Start::After(BRIEF),
        ..job("b")
    };
    let all = [job("a"), after];
    jobs.enqueue(chain(&all)).await.unwrap();
    tokio::time::sleep(BRIEF * 2).await;
    succeed(&jobs).await;

    let next = look_up(&jobs, all[1].id).await;
    assert_eq!(next.state, JobState::Scheduled);
    assert!(next.due_at.is_some());
    assert_eq!(try_claim(&jobs, LEASE).await, None);
    assert_eq!(claim_when_ready(&jobs).await.id, all[1].id);
}

async fn an_equal_job_keeps_its_own_follow_ups(store: TestStore) {
    let jobs = jobs(&store);
    let first = chain(&[keyed("a", "k"), job("b")]);
    let second = chain(&[keyed("a", "k"), job("b")]);
    jobs.enqueue(first.clone()).await.unwrap();
    assert_eq!(jobs.enqueue(second.clone()).await.unwrap().id, first.id);
    let follower = second.then.unwrap().id;
    assert_eq!(
        jobs.job(follower).await.unwrap(),
        None,
        "its id is not answered"
    );
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 2);
}

async fn a_follow_up_written_by_an_earlier_version_is_found_and_runs(store: TestStore) {
    let jobs = jobs(&store);
    let (b, c) = (job("b"), job("c"));
    let text = |job: &NewJob, next| {
        json!({"id": job.id, "name": job.name, "args": "{\"k\":\"ü\"}", "priority": "0", "unique_key": "",
            "schedule": "", "at": "", "delay_ms": "0", "next": next})
    };
    let next = text(&b, text(&c, json!(null)))
        .to_string()
        .replace(",\"next\":null", "");
    for succeeds in [true, false] {
        let first = job("a");
        jobs.enqueue(first.clone()).await.unwrap();
        edit_job(&store, first.id, "next", &next).await;
        assert_eq!(look_up(&jobs, first.id).await.then, Some(b.id));
        if succeeds {
            for id in [first.id, b.id, c.id] {
                let lease = claim(&jobs).await;
                assert_eq!(lease.id, id);
                jobs.settle(&lease, succeeded(json!(1))).await.unwrap();
            }
        } else {
            jobs.settle(&claim(&jobs).await, dead("no")).await.unwrap();
        }
    }
    assert_eq!(look_up(&jobs, c.id).await.args, json!({"k": "ü"}));
}
