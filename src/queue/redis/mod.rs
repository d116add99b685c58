//! Jobs in Redis. `lua/common.lua` says which keys there are.

pub(crate) mod due_check;
mod list;
mod record;
mod schedules;

use std::time::Duration;

use ::redis::ScriptInvocation;
use async_trait::async_trait;
use serde_json::Value;

use crate::queue::backend::JobStore;
use crate::queue::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobFilter, JobId, JobPage, JobRecord,
    JobState, Lease, NewJob, Outcome, QueueLimits, Replay, Settled, Worker, parse,
};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::millis::{delay_ms, ttl_ms};
use crate::store::redis::RedisStore;

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

#[async_trait]
impl JobStore for RedisStore {
    async fn enqueue(&self, job: &NewJob, limits: &QueueLimits) -> Result<Enqueued, StoreError> {
        let mut enqueue = self.scripts.enqueue.key(&self.prefix);
        add_job(&mut enqueue, job, limits);
        let stands: Option<(String, String)> = self.run(&enqueue).await?;
        let (id, state) = stands.ok_or(StoreError::QueueFull {
            limit: limits.max_unfinished,
        })?;
        Ok(Enqueued {
            id: parse::id(&id)?,
            state: parse::state(&state)?,
        })
    }

    /// Sent once: done twice it would lease two jobs.
    async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &QueueLimits,
    ) -> Result<Claim, StoreError> {
        let mut claim = self.scripts.claim.key(&self.prefix);
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
        let claimed: Claimed = self.connections.run_once(&claim).await?;
        self.due_check.advance(count, claimed.1);
        self.note_clock(claimed.0, claimed.2);
        match claimed {
            (_, _, _, _, Some(id), Some(name), Some(args), token, attempts, lost) => {
                let id = parse::id(&id)?;
                let Ok(args) = parse::json(&args, parse::ARGS) else {
                    let outcome = Outcome::unreadable_args(limits);
                    self.settle(id, token, &outcome, limits).await?;
                    return Ok(Claim::Nothing {
                        look_again: Some(Duration::from_millis(1)),
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
                look_again: Some(Duration::from_millis(1)),
            }),
            (_, _, _, wait_ms, ..) => Ok(Claim::Nothing {
                look_again: u64::try_from(wait_ms).ok().map(Duration::from_millis),
            }),
        }
    }

    async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, StoreError> {
        let mut heartbeat = self.scripts.heartbeat.key(&self.prefix);
        let progress = progress.map(Value::to_string).unwrap_or_default();
        heartbeat
            .arg(id.to_string())
            .arg(token)
            .arg(ttl_ms(lease))
            .arg(progress);
        let cancel: Option<bool> = self.run(&heartbeat).await?;
        Ok(cancel.map_or(Heartbeat::Lost, |cancel| Heartbeat::Held { cancel }))
    }

    async fn settle(
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
        let mut settle = self.scripts.settle.key(&self.prefix);
        settle
            .arg(id.to_string())
            .arg(token)
            .arg(outcome.state().as_str());
        settle
            .arg(text)
            .arg(delay_ms(after))
            .arg(ttl_ms(keep))
            .arg(ttl_ms(limits.keep));
        let done: bool = self.run(&settle).await?;
        Ok(Settled::done_if(done))
    }

    async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, StoreError> {
        let mut put = self.scripts.put_fenced.key(&self.prefix);
        put.arg(id.to_string()).arg(token).arg(key.name());
        put.arg(if key.is_shared() { "shared" } else { "own" });
        put.arg(value).arg(ttl_ms(ttl));
        let done: bool = self.run(&put).await?;
        Ok(Settled::done_if(done))
    }

    async fn cancel(&self, id: JobId, limits: &QueueLimits) -> Result<Cancellation, StoreError> {
        let mut cancel = self.scripts.cancel.key(&self.prefix);
        cancel.arg(id.to_string()).arg(ttl_ms(limits.keep));
        let state: Option<String> = self.run(&cancel).await?;
        Ok(match state.as_deref().map(parse::state).transpose()? {
            None => Cancellation::Unknown,
            Some(JobState::Running) => Cancellation::Requested,
            Some(state) if state.is_finished() => Cancellation::Finished(state),
            Some(_) => Cancellation::Done,
        })
    }

    async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        let mut replay = self.scripts.replay.key(&self.prefix);
        replay.arg(id.to_string());
        let state: Option<String> = self.run(&replay).await?;
        match state.as_deref() {
            None => Ok(Replay::Unknown),
            Some("equal") => Ok(Replay::Equal),
            Some("dead") => Ok(Replay::Done),
            Some(state) => Ok(Replay::NotDead(parse::state(state)?)),
        }
    }

    async fn recover(&self, owner: &str, limits: &QueueLimits) -> Result<u64, StoreError> {
        let mut recover = self.scripts.recover.key(&self.prefix);
        recover
            .arg(owner)
            .arg(limits.max_lost)
            .arg(ttl_ms(limits.keep));
        Ok(self.run(&recover).await?)
    }

    async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let fields = self
            .run(&record::read(&self.prefix, &id.to_string()))
            .await?;
        record::job(id, fields)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        list::page(self, filter).await
    }

    async fn counts(&self) -> Result<JobCounts, StoreError> {
        let mut count = ::redis::pipe();
        for state in JobState::ALL {
            count.zcard(format!("{}jobs:{state}", self.prefix));
        }
        let counts: Vec<u64> = self.run(&count).await?;
        Ok(JobState::ALL.into_iter().zip(counts).collect())
    }
}

impl RedisStore {
    /// Takes note of what a claim told of the clock and of times that did not fit it.
    fn note_clock(&self, now_ms: i64, moved: u64) {
        if self.clock.observe(now_ms).is_some() {
            self.due_check.hurry();
        }
        if moved > 0 {
            tracing::warn!(
                moved,
                "the clock of the results store was moved, times of jobs were adjusted"
            );
        }
    }
}

/// The arguments that `job_from` in the scripts reads.
pub(crate) fn add_job(script: &mut ScriptInvocation<'_>, job: &NewJob, limits: &QueueLimits) {
    let (at_ms, delay_ms) = job.start.at_and_delay_ms();
    script
        .arg(job.id.to_string())
        .arg(&job.name)
        .arg(job.args.to_string())
        .arg(job.priority);
    script.arg(job.unique_key.as_deref().unwrap_or_default());
    script.arg(job.schedule.as_deref().unwrap_or_default());
    script
        .arg(at_ms.map(|ms| ms.to_string()).unwrap_or_default())
        .arg(delay_ms);
    script.arg(job.follow_up().unwrap_or_default());
    script.arg(limits.max_unfinished);
}

fn json_text(errors: &[String]) -> String {
    Value::from(errors).to_string()
}
