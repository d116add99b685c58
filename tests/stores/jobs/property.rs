//! Whatever is done to them, Redis and SQLite keep the same jobs.

use std::{fmt::Write, time::Duration};

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;
use weir::queue::{
    Claim, JobFilter, JobId, JobQueue, JobState, Lease, NewJob, Outcome, QueueLimits, Start, Worker,
};
use weir::store::Store;

use crate::common::stores::{TestStore, job_names};

/// The names of jobs. A worker can run those whose bits are set.
const NAMES: [&str; 3] = ["a", "b", "c"];
const LONG: Duration = Duration::from_hours(1);

/// A job that follows another.
#[derive(Clone, Copy, Debug)]
struct Follower {
    unique: Option<u8>,
}

/// What can be done, in terms of the jobs and leases made so far.
#[derive(Clone, Debug)]
enum Step {
    Enqueue {
        name: usize,
        unique: Option<u8>,
        later: bool,
        then: Option<Follower>,
    },
    EnqueueAgain {
        job: usize,
    },
    Claim {
        owner: u8,
        jobs: u8,
    },
    Heartbeat {
        lease: usize,
        progress: bool,
    },
    Settle {
        lease: usize,
        outcome: Ending,
    },
    Cancel {
        job: usize,
    },
    Replay {
        job: usize,
    },
    Recover {
        owner: u8,
    },
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Succeeded,
    RetryNow,
    RetryLater,
    Dead,
    Cancelled,
    Released,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_index = 0..8usize;
    let outcome = prop_oneof![
        Just(Ending::Succeeded),
        Just(Ending::RetryNow),
        Just(Ending::RetryLater),
        Just(Ending::Dead),
        Just(Ending::Cancelled),
        Just(Ending::Released),
    ];
    let follower = prop::option::of(0..2u8).prop_map(|unique| Follower { unique });
    let step = prop_oneof![
        3 => (0..3usize, prop::option::of(0..2u8), any::<bool>(), prop::option::of(follower))
            .prop_map(|(name, unique, later, then)| Step::Enqueue { name, unique, later, then }),
        1 => any_index.clone().prop_map(|job| Step::EnqueueAgain { job }),
        4 => (0..2u8, 0..8u8).prop_map(|(owner, jobs)| Step::Claim { owner, jobs }),
        1 => (any_index.clone(), any::<bool>())
            .prop_map(|(lease, progress)| Step::Heartbeat { lease, progress }),
        4 => (any_index.clone(), outcome).prop_map(|(lease, outcome)| Step::Settle { lease, outcome }),
        1 => any_index.clone().prop_map(|job| Step::Cancel { job }),
        2 => any_index.prop_map(|job| Step::Replay { job }),
        1 => (0..2u8).prop_map(|owner| Step::Recover { owner }),
    ];
    prop::collection::vec(step, 1..40)
}

/// One store, and what has been done to it.
struct Run {
    jobs: JobQueue,
    made: Vec<NewJob>,
    leases: Vec<Lease>,
}

impl Run {
    fn new(store: &Store) -> Self {
        let limits = QueueLimits {
            max_lost: 2,
            ..QueueLimits::default()
        };
        Self {
            jobs: JobQueue::new(store, limits),
            made: Vec::new(),
            leases: Vec::new(),
        }
    }

    /// A job with a priority of its own: which of equals comes first is not promised to the millisecond.
    fn make(id: JobId, name: usize, unique: Option<u8>, number: usize) -> NewJob {
        let number = i8::try_from(number).unwrap();
        NewJob {
            id,
            priority: if number % 2 == 0 { number } else { -number },
            unique_key: unique.map(|key| key.to_string()),
            ..NewJob::new(NAMES[name % 3], json!({"n": number}))
        }
    }

    /// Does a step; what can be seen of its outcome.
    async fn take(&mut self, step: &Step, id: JobId) -> String {
        let job = |place: usize| self.made.get(place).map_or(id, |job| job.id);
        match *step {
            Step::Enqueue {
                name,
                unique,
                later,
                then,
            } => {
                let number = self.made.len();
                let next = then.map(|Follower { unique }| {
                    let next = Uuid::from_u128(id.as_u128() + 1);
                    Box::new(Self::make(next, name + 1, unique, number + 1))
                });
                let new = NewJob {
                    start: if later {
                        Start::After(LONG)
                    } else {
                        Start::Now
                    },
                    then: next,
                    ..Self::make(id, name, unique, number)
                };
                self.made.extend(new.then.as_deref().cloned());
                self.made.push(new.clone());
                format!("{:?}", self.jobs.enqueue(new).await.unwrap())
            }
            Step::EnqueueAgain { job } => match self.made.get(job).cloned() {
                Some(again) => format!("{:?}", self.jobs.enqueue(again).await.unwrap()),
                None => String::new(),
            },
            Step::Claim { owner, jobs } => {
                let is_among = |bit: &usize| jobs >> bit & 1 == 1;
                let names: Vec<&str> = (0..3).filter(is_among).map(|bit| NAMES[bit]).collect();
                let worker = Worker {
                    owner: owner.to_string(),
                    name: owner.to_string(),
                    instance: "host-1".into(),
                    jobs: job_names(&names),
                };
                match self.jobs.claim(&worker, LONG).await.unwrap() {
                    Claim::Leased(lease) => {
                        let seen = format!("{lease:?}");
                        self.leases.push(lease);
                        seen
                    }
                    Claim::Nothing { retry_after } => {
                        format!("something waits: {}", retry_after.is_some())
                    }
                }
            }
            Step::Heartbeat { lease, progress } => match self.leases.get(lease) {
                Some(lease) => {
                    let progress = progress.then(|| json!(lease.token));
                    format!(
                        "{:?}",
                        self.jobs.heartbeat(lease, LONG, progress).await.unwrap()
                    )
                }
                None => String::new(),
            },
            Step::Settle { lease, outcome } => match self.leases.get(lease) {
                Some(lease) => {
                    let outcome = ending(outcome, lease.token);
                    format!("{:?}", self.jobs.settle(lease, outcome).await.unwrap())
                }
                None => String::new(),
            },
            Step::Cancel { job: place } => {
                format!("{:?}", self.jobs.cancel(job(place)).await.unwrap())
            }
            Step::Replay { job: place } => {
                format!("{:?}", self.jobs.replay(job(place)).await.unwrap())
            }
            Step::Recover { owner } => {
                format!("{:?}", self.jobs.recover(&owner.to_string()).await.unwrap())
            }
        }
    }

    /// All that can be looked up, without the times.
    async fn see(&self) -> String {
        let mut seen = format!("{:?}", self.jobs.counts().await.unwrap());
        for known in [vec![], vec!["b", "c"]] {
            let known = (*job_names(&known)).clone();
            let queued = self.jobs.queued_except(known).await.unwrap();
            write!(seen, "\n{queued:?}").unwrap();
        }
        for new in &self.made {
            let Some(mut job) = self.jobs.job(new.id).await.unwrap() else {
                seen.push_str("\nnone");
                continue;
            };
            let times = [job.due_at, job.started_at, job.finished_at].map(|time| time.is_some());
            assert_eq!(
                job.finished_at.is_some(),
                job.state.is_finished(),
                "{job:?}"
            );
            assert_eq!(
                job.result.is_some(),
                job.state == JobState::Succeeded,
                "{job:?}"
            );
            job.enqueued_at = chrono::DateTime::UNIX_EPOCH;
            (job.due_at, job.started_at, job.finished_at) = (None, None, None);
            write!(seen, "\n{job:?} {times:?}").unwrap();
        }
        for state in [None, Some(JobState::Queued), Some(JobState::Dead)] {
            let filter = JobFilter {
                state,
                limit: 100,
                ..JobFilter::default()
            };
            let page = self.jobs.list(filter).await.unwrap();
            let ids: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
            write!(seen, "\n{ids:?}").unwrap();
        }
        seen
    }
}

fn ending(outcome: Ending, token: u64) -> Outcome {
    let keep = LONG;
    let error = vec![format!("run {token}")];
    match outcome {
        Ending::Succeeded => Outcome::Succeeded {
            result: json!({"run": token}),
            keep,
        },
        Ending::RetryNow => Outcome::Retry {
            error,
            after: Duration::ZERO,
        },
        Ending::RetryLater => Outcome::Retry { error, after: LONG },
        Ending::Dead => Outcome::Dead { error, keep },
        Ending::Cancelled => Outcome::Cancelled { keep },
        Ending::Released => Outcome::Released,
    }
}

#[test]
fn redis_and_sqlite_answer_every_sequence_of_steps_alike() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (redis, sqlite) = runtime.block_on(async { (TestStore::redis(), TestStore::sqlite()) });
    let case = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&steps(), |steps| {
        case.set(case.get() + 1);
        runtime.block_on(async {
            let _guard = runtime.enter();
            let mut redis = Run::new(&redis.in_its_own_space(case.get()));
            let mut sqlite = Run::new(&sqlite.in_its_own_space(case.get()));
            for step in &steps {
                let id = Uuid::now_v7();
                let (by_redis, by_sqlite) =
                    (redis.take(step, id).await, sqlite.take(step, id).await);
                prop_assert_eq!(&by_redis, &by_sqlite, "{:?}", step);
            }
            prop_assert_eq!(redis.see().await, sqlite.see().await);
            Ok(())
        })
    });
    outcome.unwrap();
}
