//! Jobs in Redis.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::redis::Cmd;
use serde_json::Value;

use super::{RedisQueue, add_job, records};
use crate::queue::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobId, JobRecord, JobState, Lease, NewJob,
    Outcome, QueueLimits, Replay, Settled, Worker, record,
};
use crate::store::clock::{delay_ms, ttl_ms};
use crate::store::{Key, StoreError};

/// Answer to a claim: time, where to go on checking due times, how many times were moved, ms to wait, id, name, args,
/// token, attempts, lost.
type Claimed = (
    i64,
    u64,
    u64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    u64,
    u32,
    u32,
);

impl RedisQueue {
    /// Enqueues a job. Returns nothing if the queue is full.
    pub(in crate::queue) async fn enqueue(
        &self,
        job: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Option<Enqueued>, StoreError> {
        let mut enqueue = self.script(&self.scripts.enqueue);
        add_job(&mut enqueue, job, limits);
        let stands: Option<(String, String)> = self.store.run(&enqueue).await?;
        let enqueued = stands.map(|(id, state)| {
            Ok(Enqueued {
                id: record::parse_id(&id)?,
                state: record::parse_state(&state)?,
            })
        });
        enqueued.transpose()
    }

    /// Sent once: done twice it would lease two jobs.
    pub(in crate::queue) async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &QueueLimits,
    ) -> Result<Claim, StoreError> {
        let mut claim = self.script(&self.scripts.claim);
        claim
            .arg(&worker.owner)
            .arg(&worker.name)
            .arg(&worker.instance)
            .arg(ttl_ms(lease));
        claim
            .arg(limits.max_lost)
            .arg(ttl_ms(limits.keep))
            .arg(limits.max_finished);
        let (first, count) = self.due_check.step();
        let expected_ms = self.clock.expected_ms().map(|ms| ms.to_string());
        // Nothing at all would be sent for `None`.
        claim
            .arg(expected_ms.unwrap_or_default())
            .arg(first)
            .arg(count);
        for name in &*worker.jobs {
            claim.arg(name);
        }
        let claimed: Claimed = self.store.run_once(&claim).await?;
        self.due_check.advance(count, claimed.1);
        self.note_clock(claimed.0, claimed.2);
        match claimed {
            (_, _, _, _, Some(id), Some(name), Some(args), token, attempts, lost) => {
                let id = record::parse_id(&id)?;
                let Ok(args) = record::parse_json(&args, record::ARGS) else {
                    let outcome = Outcome::unreadable_args(limits);
                    self.settle(id, token, &outcome, limits).await?;
                    return Ok(Claim::Nothing {
                        retry_after: Some(Duration::from_millis(1)),
                    });
                };
                Ok(Claim::Leased(Lease {
                    id,
                    name,
                    args,
                    token,
                    attempts,
                    lost,
                }))
            }
            _ if self.due_check.is_urgent() => Ok(Claim::Nothing {
                retry_after: Some(Duration::from_millis(1)),
            }),
            (_, _, _, wait_ms, ..) => Ok(Claim::Nothing {
                retry_after: u64::try_from(wait_ms).ok().map(Duration::from_millis),
            }),
        }
    }

    pub(in crate::queue) async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, StoreError> {
        let mut heartbeat = self.script(&self.scripts.heartbeat);
        let progress = progress.map(Value::to_string).unwrap_or_default();
        heartbeat
            .arg(id.to_string())
            .arg(token)
            .arg(ttl_ms(lease))
            .arg(progress);
        let cancel: Option<bool> = self.store.run(&heartbeat).await?;
        Ok(cancel.map_or(Heartbeat::Lost, |cancel| Heartbeat::Held { cancel }))
    }

    pub(in crate::queue) async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &QueueLimits,
    ) -> Result<Settled, StoreError> {
        let nothing = Duration::ZERO;
        let (text, after, keep) = match outcome {
            Outcome::Succeeded { result, keep } => (result.to_string(), nothing, *keep),
            Outcome::Retry { error, after } => (json_text(error), *after, limits.keep),
            Outcome::Dead { error, keep } => (json_text(error), nothing, *keep),
            Outcome::Cancelled { keep } => (String::new(), nothing, *keep),
            Outcome::Released => (String::new(), nothing, limits.keep),
        };
        let mut settle = self.script(&self.scripts.settle);
        settle
            .arg(id.to_string())
            .arg(token)
            .arg(outcome.state().as_str());
        settle
            .arg(text)
            .arg(delay_ms(after))
            .arg(ttl_ms(keep))
            .arg(ttl_ms(limits.keep));
        let done: bool = self.store.run(&settle).await?;
        Ok(Settled::done_if(done))
    }

    pub(in crate::queue) async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, StoreError> {
        let mut put = self.script(&self.scripts.put_fenced);
        put.arg(id.to_string()).arg(token).arg(key.name());
        put.arg(if key.is_shared() { "shared" } else { "own" });
        put.arg(value).arg(ttl_ms(ttl));
        let done: bool = self.store.run(&put).await?;
        Ok(Settled::done_if(done))
    }

    pub(in crate::queue) async fn cancel(
        &self,
        id: JobId,
        limits: &QueueLimits,
    ) -> Result<Cancellation, StoreError> {
        let mut cancel = self.script(&self.scripts.cancel);
        cancel.arg(id.to_string()).arg(ttl_ms(limits.keep));
        let state: Option<String> = self.store.run(&cancel).await?;
        Ok(
            match state.as_deref().map(record::parse_state).transpose()? {
                None => Cancellation::Unknown,
                Some(JobState::Running) => Cancellation::Requested,
                Some(state) if state.is_finished() => Cancellation::Finished(state),
                Some(_) => Cancellation::Done,
            },
        )
    }

    pub(in crate::queue) async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        let mut replay = self.script(&self.scripts.replay);
        replay.arg(id.to_string());
        let state: Option<String> = self.store.run(&replay).await?;
        match state.as_deref() {
            None => Ok(Replay::Unknown),
            Some("equal") => Ok(Replay::Equal),
            Some("dead") => Ok(Replay::Done),
            Some(state) => Ok(Replay::NotDead(record::parse_state(state)?)),
        }
    }

    pub(in crate::queue) async fn recover(
        &self,
        owner: &str,
        limits: &QueueLimits,
    ) -> Result<u64, StoreError> {
        let mut recover = self.script(&self.scripts.recover);
        recover
            .arg(owner)
            .arg(limits.max_lost)
            .arg(ttl_ms(limits.keep));
        Ok(self.store.run(&recover).await?)
    }

    pub(in crate::queue) async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let fields = self
            .store
            .run(&records::read(self.store.prefix(), &id.to_string()))
            .await?;
        records::job(id, fields)
    }

    pub(in crate::queue) async fn counts(&self) -> Result<JobCounts, StoreError> {
        let mut count = ::redis::pipe();
        for state in JobState::ALL {
            count.zcard(format!("{}jobs:{state}", self.store.prefix()));
        }
        let counts: Vec<u64> = self.store.run(&count).await?;
        Ok(JobState::ALL.into_iter().zip(counts).collect())
    }

    /// Counts the queued jobs by name, but for those of `known`.
    pub(in crate::queue) async fn queued_except(
        &self,
        known: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let prefix = self.store.prefix();
        let mut names: Vec<String> = self
            .store
            .run(&Cmd::smembers(format!("{prefix}jobs:names")))
            .await?;
        names.retain(|name| !known.contains(name));
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut count = ::redis::pipe();
        for name in &names {
            count.zcard(format!("{prefix}jobs:ready:{name}"));
        }
        let counts: Vec<u64> = self.store.run(&count).await?;
        let counted = names.into_iter().zip(counts);
        Ok(counted.filter(|(_, count)| *count > 0).collect())
    }

    /// Takes note of what a claim told of the clock and of times that did not fit it.
    fn note_clock(&self, now_ms: i64, moved: u64) {
        if self.clock.observe(now_ms).is_some() {
            self.due_check.hurry();
        }
        if moved > 0 {
            tracing::warn!(
                moved,
                "the clock of the store was moved, times of jobs were adjusted"
            );
        }
    }
}

fn json_text(errors: &[String]) -> String {
    Value::from(errors).to_string()
}
