//! What is seen of jobs from outside.

use std::time::{Duration, Instant};

use serde_json::json;
use weir::queue::{JobFilter, JobId, JobState, NewJob, Outcome, Start};

use super::steps::{
    BRIEF, KEEP, LEASE, LIMIT, claim, claim_when_ready, dead, edit_job, enqueue, jobs, look_up,
    succeeded, try_claim,
};
use crate::common::stores::{TestStore, on_every_store, sees, within};

on_every_store!(
    a_finished_job_expires,
    lists_go_back_page_by_page,
    counts_are_by_state,
    an_unreadable_job_is_named_and_the_others_are_listed,
    a_job_with_unreadable_arguments_is_dead_and_the_others_run,
    a_job_shows_the_worker_and_the_instance_that_ran_it,
    the_end_of_a_job_is_seen_at_once,
);

async fn a_finished_job_expires(store: TestStore) {
    let jobs = jobs(&store);
    for _ in 0..3 {
        let id = enqueue(&jobs, "j").await;
        let lease = claim(&jobs).await;
        let outcome = Outcome::Succeeded {
            result: json!(1),
            keep: BRIEF,
        };
        jobs.settle(&lease, outcome).await.unwrap();
        assert!(jobs.job(id).await.unwrap().is_some());
    }
    let kept = enqueue(&jobs, "j").await;
    jobs.settle(&claim(&jobs).await, succeeded(json!(1)))
        .await
        .unwrap();

    within(LIMIT, async {
        while jobs.counts().await.unwrap().count(JobState::Succeeded) > 1 {
            assert_eq!(try_claim(&jobs, LEASE).await, None);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    let left = jobs
        .list(JobFilter {
            limit: 10,
            ..JobFilter::default()
        })
        .await
        .unwrap();
    assert_eq!(
        left.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [kept]
    );
}

async fn lists_go_back_page_by_page(store: TestStore) {
    let jobs = jobs(&store);
    let mut all = Vec::new();
    for n in 0..25 {
        all.push((
            enqueue(&jobs, if n % 3 == 0 { "third" } else { "other" }).await,
            n,
        ));
    }
    for _ in 0..7 {
        let lease = claim(&jobs).await;
        jobs.settle(&lease, succeeded(json!("x".repeat(1000))))
            .await
            .unwrap();
    }
    let pages = async |filter: JobFilter| {
        let mut filter = filter;
        let mut found = Vec::new();
        loop {
            let page = jobs.list(filter.clone()).await.unwrap();
            assert!(page.jobs.len() <= filter.limit);
            assert!(
                page.jobs.iter().all(|job| job.result.is_none()),
                "lists leave results out"
            );
            found.extend(page.jobs.iter().map(|job| job.id));
            filter.before = page.next;
            if page.next.is_none() {
                return found;
            }
        }
    };
    let expected = |wanted: &dyn Fn(usize) -> bool| -> Vec<JobId> {
        all.iter()
            .rev()
            .filter(|(_, n)| wanted(*n))
            .map(|(id, _)| *id)
            .collect()
    };
    let base = JobFilter {
        limit: 4,
        ..JobFilter::default()
    };
    assert_eq!(pages(base.clone()).await, expected(&|_| true));
    let queued = JobFilter {
        state: Some(JobState::Queued),
        ..base.clone()
    };
    assert_eq!(pages(queued.clone()).await, expected(&|n| n >= 7));
    let third = JobFilter {
        name: Some("third".into()),
        ..base
    };
    assert_eq!(pages(third.clone()).await, expected(&|n| n % 3 == 0));
    let queued_third = JobFilter {
        name: third.name,
        ..queued
    };
    assert_eq!(
        pages(queued_third).await,
        expected(&|n| n >= 7 && n % 3 == 0)
    );
}

async fn counts_are_by_state(store: TestStore) {
    let jobs = jobs(&store);
    assert_eq!(jobs.counts().await.unwrap().unfinished(), 0);
    for _ in 0..5 {
        enqueue(&jobs, "j").await;
    }
    let delayed = NewJob {
        start: Start::After(KEEP),
        ..NewJob::new("j", json!({}))
    };
    jobs.enqueue(delayed).await.unwrap();
    let retry = Outcome::Retry {
        error: vec![],
        after: KEEP,
    };
    for outcome in [succeeded(json!(1)), dead("no"), retry] {
        jobs.settle(&claim(&jobs).await, outcome).await.unwrap();
    }
    claim(&jobs).await;

    let counts = jobs.counts().await.unwrap();

    let by_state = JobState::ALL.map(|state| counts.count(state));
    assert_eq!(by_state, [1, 1, 0, 1, 1, 1, 1, 0], "{counts:?}");
    assert_eq!(counts.unfinished(), 4);
}

async fn an_unreadable_job_is_named_and_the_others_are_listed(store: TestStore) {
    let jobs = jobs(&store);
    let kept = [enqueue(&jobs, "j").await, enqueue(&jobs, "j").await];
    let broken = [
        (enqueue(&jobs, "j").await, "state", "asleep"),
        (enqueue(&jobs, "j").await, "args", "{\"k\":"),
        (enqueue(&jobs, "j").await, "error", "no list"),
        (enqueue(&jobs, "j").await, "progress", "}"),
        (enqueue(&jobs, "j").await, "next", "no id"),
    ];
    let last = enqueue(&jobs, "j").await;
    for (id, field, value) in broken {
        edit_job(&store, id, field, value).await;
    }

    let mut filter = JobFilter {
        limit: 3,
        ..JobFilter::default()
    };
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    loop {
        let page = jobs.list(filter.clone()).await.unwrap();
        assert!(page.jobs.len() + page.unreadable.len() <= 3);
        readable.extend(page.jobs.iter().map(|job| job.id));
        unreadable.extend(page.unreadable);
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }

    assert_eq!(readable, [last, kept[1], kept[0]]);
    assert_eq!(unreadable.len(), broken.len());
    for ((id, field, _), named) in broken.iter().rev().zip(&unreadable) {
        assert_eq!(named.id, id.to_string());
        assert!(!named.why.is_empty(), "{field}");
        assert!(jobs.job(*id).await.is_err());
    }
    assert!(unreadable.iter().any(|job| job.why.contains("args")));
    jobs.counts().await.unwrap();
}

async fn a_job_with_unreadable_arguments_is_dead_and_the_others_run(store: TestStore) {
    let jobs = jobs(&store);
    let broken = enqueue(&jobs, "j").await;
    edit_job(&store, broken, "args", "{").await;
    let next = enqueue(&jobs, "j").await;

    assert_eq!(claim_when_ready(&jobs).await.id, next);

    edit_job(&store, broken, "args", "{}").await;
    let job = look_up(&jobs, broken).await;
    assert_eq!(job.state, JobState::Dead);
    assert!(job.error.unwrap()[0].contains("args"));
}

async fn a_job_shows_the_worker_and_the_instance_that_ran_it(store: TestStore) {
    let jobs = jobs(&store);
    let id = enqueue(&jobs, "j").await;
    assert_eq!(look_up(&jobs, id).await.instance, None);
    jobs.settle(&claim(&jobs).await, succeeded(json!(1)))
        .await
        .unwrap();
    let job = look_up(&jobs, id).await;
    assert_eq!(
        (job.worker.as_deref(), job.instance.as_deref()),
        (Some("a/1"), Some("host-1"))
    );
}

async fn the_end_of_a_job_is_seen_at_once(store: TestStore) {
    let jobs = jobs(&store);
    for round in 0..3 {
        let id = enqueue(&jobs, "j").await;
        let lease = claim(&jobs).await;
        let mut watched = jobs.watch(id);
        sees(LIMIT, &mut watched, |job| {
            job.as_ref()
                .is_some_and(|job| job.state == JobState::Running)
        })
        .await;
        let settled = Instant::now();
        jobs.settle(&lease, succeeded(json!(round))).await.unwrap();
        sees(LIMIT, &mut watched, |job| {
            job.as_ref()
                .is_some_and(|job| job.result == Some(json!(round)))
        })
        .await;
        // The first round may find the store's subscription still on its way.
        assert!(round == 0 || settled.elapsed() < Duration::from_millis(400));
    }
}
