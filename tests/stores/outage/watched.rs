//! A handle on a server, with what it reports.

use std::future::Future;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::json;
use weir::health::HealthIssues;
use weir::queue::{Claim, JobFilter, JobQueue, NewJob, Outcome, QueueError, QueueLimits, Worker};
use weir::settings::StoreConfig;
use weir::store::{Store, StoreError, StoreLocation};

const MINUTE: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// A handle with what it reports.
pub(crate) struct Watched {
    pub(crate) store: Store,
    pub(crate) jobs: JobQueue,
    pub(crate) health: HealthIssues,
}

impl Watched {
    pub(crate) fn open(url: &str) -> Self {
        Self::with(&StoreConfig::default(), url)
    }

    pub(crate) fn with(settings: &StoreConfig, url: &str) -> Self {
        let health = HealthIssues::default();
        let location = StoreLocation::ExternalRedis { url: url.into() };
        let store = Store::open_with_health(settings, &location, &health).unwrap();
        Self {
            jobs: JobQueue::new(&store, QueueLimits::default()),
            store,
            health,
        }
    }

    /// A script, a transaction and a job.
    async fn writes(&self) -> [Result<(), StoreError>; 3] {
        [
            self.store.put("report", &json!(1), MINUTE).await,
            self.store.put("my_worker:report", &json!(1), MINUTE).await,
            self.enqueue().await,
        ]
    }

    /// Enqueues a job, for which there is room.
    pub(crate) async fn enqueue(&self) -> Result<(), StoreError> {
        match self.jobs.enqueue(NewJob::new("job", json!({}))).await {
            Ok(_) => Ok(()),
            Err(QueueError::Store(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    /// Uses every form of call.
    pub(crate) async fn use_all(&self) {
        let (store, jobs) = (&self.store, &self.jobs);
        let worker = Worker {
            owner: "owner".into(),
            name: "worker".into(),
            instance: "host-1".into(),
            jobs: crate::common::stores::job_names(&["job"]),
        };
        for key in ["report", "my_worker:report"] {
            store.put(key, &json!(1), MINUTE).await.unwrap();
            assert!(store.get(key).await.unwrap().is_some());
            assert!(store.delete(key).await.unwrap());
        }
        store.put("report", &json!(1), MINUTE).await.unwrap();
        let mut job = NewJob::new("job", json!({}));
        job.unique_key = Some("unique".into());
        let id = jobs.enqueue(job).await.unwrap().id;
        while let Claim::Leased(lease) = jobs.claim(&worker, MINUTE).await.unwrap() {
            jobs.heartbeat(&lease, MINUTE, Some(json!(1)))
                .await
                .unwrap();
            let value = json!(1);
            let put = jobs.put_fenced(lease.id, lease.token, "my_worker:job", &value, MINUTE);
            put.await.unwrap();
            let error = vec!["failed".to_owned()];
            let outcome = Outcome::Dead {
                error,
                keep: MINUTE,
            };
            jobs.settle(&lease, outcome).await.unwrap();
        }
        jobs.replay(id).await.unwrap();
        jobs.cancel(id).await.unwrap();
        jobs.recover("owner").await.unwrap();
        jobs.job(id).await.unwrap();
        jobs.list(JobFilter::default()).await.unwrap();
        jobs.counts().await.unwrap();
        let schedules = JobQueue::new(store, QueueLimits::default()).schedules();
        let due = Utc::now();
        schedules.plan("schedule", "definition", due).await.unwrap();
        let next = due + TimeDelta::hours(1);
        let job = NewJob::new("job", json!({}));
        schedules.fire("schedule", due, next, job).await.unwrap();
        schedules
            .pass("schedule", next, next + TimeDelta::hours(1))
            .await
            .unwrap();
        schedules.states().await.unwrap();
        schedules.unplan("schedule").await.unwrap();
    }

    /// What `/health/ready` says of `part`.
    pub(crate) fn condition(&self, part: &str) -> Option<String> {
        let issues = self.health.current();
        let issue = issues.into_iter().find(|issue| issue.part == part);
        issue.map(|issue| issue.why)
    }

    /// Every write is refused for the moment, with this condition, and health says so.
    pub(crate) async fn refuses(&self, condition: &str) {
        for (index, write) in self.writes().await.into_iter().enumerate() {
            let Err(StoreError::Unavailable { class, why }) = write else {
                panic!("write {index}: {write:?}");
            };
            assert!(class.condition.contains(condition), "{class:?}: {why}");
            assert!(class.retry_after_s.is_some());
        }
        let said = self.condition("store").unwrap_or_default();
        assert!(said.contains(condition), "{said}");
    }

    /// Comes to refuse every write: a server takes a moment to get into its state.
    pub(crate) async fn comes_to_refuse(&self, condition: &str) {
        let refuses = || async {
            let writes = self.writes().await;
            writes.into_iter().all(|write| {
                matches!(&write, Err(StoreError::Unavailable { class, .. }) if class.condition.contains(condition))
            })
        };
        eventually(condition, refuses).await;
        self.refuses(condition).await;
    }

    /// Takes every write again, and health says nothing more.
    pub(crate) async fn recovers(&self) {
        let works = || async { self.writes().await.iter().all(Result::is_ok) };
        eventually("writes again", works).await;
        let begun = Instant::now();
        eventually("health is clean", || async {
            self.health.current().is_empty()
        })
        .await;
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
    }
}

pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
