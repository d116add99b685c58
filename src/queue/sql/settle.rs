//! Ending runs and jobs.

use std::time::Duration;

use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::Value;

use super::followers::{begin_follower, cancel_followers, restore_followers};
use super::{SqlQueue, statements};
use crate::queue::{Cancellation, JobId, JobState, Outcome, QueueLimits, Replay, Settled, record};
use crate::sql::WriteTransaction;
use crate::store::Change;
use crate::store::Key;
use crate::store::StoreError;
use crate::store::clock::{delay_ms, ttl_ms};

impl SqlQueue {
    pub(in crate::queue) async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &QueueLimits,
    ) -> Result<Settled, StoreError> {
        let transaction = self.store.begin().await?;
        let run = Run {
            queue: self,
            transaction: &transaction,
            id,
            token,
        };
        let changes = match outcome {
            Outcome::Succeeded { result, keep } => {
                let (result, keep) = (Some(result.to_string()), (*keep, limits.keep));
                run.finish(outcome.state(), 1, result, None, keep).await?
            }
            Outcome::Dead { error, keep } => {
                let (error, keep) = (Some(json_text(error)), (*keep, limits.keep));
                run.finish(outcome.state(), 1, None, error, keep).await?
            }
            Outcome::Cancelled { keep } => {
                let keep = (*keep, limits.keep);
                run.finish(outcome.state(), 0, None, None, keep).await?
            }
            Outcome::Retry { error, after } => {
                run.repeat(outcome.state(), 1, Some(json_text(error)), *after, limits)
                    .await?
            }
            Outcome::Released => {
                run.repeat(outcome.state(), 0, None, Duration::ZERO, limits)
                    .await?
            }
        };
        let Some(changes) = changes else {
            return run.settled_before().await;
        };
        transaction.commit().await?;
        let finished = changes
            .iter()
            .filter(|change| matches!(change, Change::Job(_)));
        self.unfinished.subtract(finished.count() as u64);
        self.store.announce_all(changes);
        Ok(Settled::Done)
    }

    /// Stores a value unless the run has lost its lease.
    pub(in crate::queue) async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, StoreError> {
        let transaction = self.store.begin().await?;
        let held = self.store.statement(
            statements::HELD,
            [id.to_string().into(), statements::token(token)],
        );
        if transaction.query_one_raw(held).await?.is_none() {
            return Ok(Settled::Overtaken);
        }
        self.store.write(&transaction, key, value, ttl).await?;
        transaction.commit().await?;
        self.store
            .announce_change(Change::Key(key.name().to_owned()));
        Ok(Settled::Done)
    }
}

/// A run about to end. The steps answer what to announce, or nothing if the lease was lost.
struct Run<'a> {
    queue: &'a SqlQueue,
    transaction: &'a WriteTransaction,
    id: JobId,
    token: u64,
}

impl Run<'_> {
    async fn finish(
        &self,
        state: JobState,
        attempt: i32,
        result: Option<String>,
        error: Option<String>,
        (keep, keep_failed): (Duration, Duration),
    ) -> Result<Option<Vec<Change>>, StoreError> {
        let values = [
            self.id.to_string().into(),
            statements::token(self.token),
            state.as_str().into(),
            attempt.into(),
            result.into(),
            error.into(),
            ttl_ms(keep).into(),
        ];
        let finish = self.queue.store.statement(statements::FINISH_RUN, values);
        let Some(job) = self.transaction.query_one_raw(finish).await? else {
            return Ok(None);
        };
        note_outcome(self.queue, self.transaction, &job, self.id, state).await?;
        let (queue, transaction) = (self.queue, self.transaction);
        let next: Option<String> = job.try_get_by("next")?;
        let mut changes = vec![Change::Job(self.id)];
        let finished = if state == JobState::Succeeded {
            changes.extend(next.is_some().then_some(Change::Work));
            begin_follower(queue, transaction, self.id, next, keep_failed).await?
        } else {
            cancel_followers(queue, transaction, self.id, next, state, keep).await?
        };
        changes.extend(finished.into_iter().map(Change::Job));
        Ok(Some(changes))
    }

    async fn repeat(
        &self,
        state: JobState,
        attempt: i32,
        error: Option<String>,
        after: Duration,
        limits: &QueueLimits,
    ) -> Result<Option<Vec<Change>>, StoreError> {
        let values = [
            self.id.to_string().into(),
            statements::token(self.token),
            state.as_str().into(),
            attempt.into(),
            error.clone().into(),
            delay_ms(after).into(),
        ];
        let repeat = self.queue.store.statement(statements::REPEAT_RUN, values);
        if self.transaction.query_one_raw(repeat).await?.is_some() {
            return Ok(Some(vec![Change::Work]));
        }
        let keep = (limits.keep, limits.keep);
        self.finish(JobState::Cancelled, attempt, None, error, keep)
            .await
    }

    /// Whether it was this run that settled the job, in a call whose answer was lost.
    async fn settled_before(&self) -> Result<Settled, StoreError> {
        let settled = self
            .queue
            .store
            .statement(statements::SETTLED, [self.id.to_string().into()]);
        let row = self.transaction.query_one_raw(settled).await?;
        let by: Option<i64> = row.map(|row| row.try_get_by("settled")).transpose()?;
        let ours = by.is_some_and(|token| token.unsigned_abs() == self.token);
        Ok(if ours {
            Settled::Done
        } else {
            Settled::Overtaken
        })
    }
}

impl SqlQueue {
    pub(in crate::queue) async fn cancel(
        &self,
        id: JobId,
        limits: &QueueLimits,
    ) -> Result<Cancellation, StoreError> {
        let transaction = self.store.begin().await?;
        let run = self
            .store
            .statement(statements::STATE_FOR_UPDATE, [id.to_string().into()]);
        let Some(run) = transaction.query_one_raw(run).await? else {
            return Ok(Cancellation::Unknown);
        };
        let state = record::parse_state(&run.try_get_by::<String, _>("state")?)?;
        let mut finished = Vec::new();
        let cancellation = match state {
            JobState::Running => {
                let ask = self
                    .store
                    .statement(statements::ASK_TO_CANCEL, [id.to_string().into()]);
                transaction.execute_raw(ask).await?;
                Cancellation::Requested
            }
            state if state.is_finished() => return Ok(Cancellation::Finished(state)),
            _ => {
                finished = finish(self, &transaction, id, JobState::Cancelled, limits.keep).await?;
                Cancellation::Done
            }
        };
        transaction.commit().await?;
        self.unfinished.subtract(finished.len() as u64);
        self.store
            .announce_all(finished.into_iter().map(Change::Job));
        if cancellation == Cancellation::Requested {
            self.store.announce_change(Change::Job(id));
        }
        Ok(cancellation)
    }

    pub(in crate::queue) async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        let transaction = self.store.begin().await?;
        let job = self
            .store
            .statement(statements::STATE_FOR_UPDATE, [id.to_string().into()]);
        let Some(job) = transaction.query_one_raw(job).await? else {
            return Ok(Replay::Unknown);
        };
        let state = record::parse_state(&job.try_get_by::<String, _>("state")?)?;
        if state != JobState::Dead {
            return Ok(Replay::NotDead(state));
        }
        let unique_key: Option<String> = job.try_get_by("unique_key")?;
        let equal = self
            .store
            .statement(statements::UNFINISHED_WITH_KEY, [unique_key.into()]);
        if transaction.query_one_raw(equal).await?.is_some() {
            return Ok(Replay::Equal);
        }
        let replayed = transaction
            .query_one_raw(
                self.store
                    .statement(statements::REPLAY, [id.to_string().into()]),
            )
            .await?;
        let next = replayed.map(|row| row.try_get_by("next")).transpose()?;
        let restored = restore_followers(self, &transaction, id, next.flatten()).await?;
        transaction.commit().await?;
        self.unfinished.add(1 + restored);
        self.store.announce_change(Change::Work);
        Ok(Replay::Done)
    }
}

/// Ends a job without success, and keeps what is known of it for a while. Returns the jobs that this finished: those that
/// follow as well.
pub(crate) async fn finish(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    state: JobState,
    keep: Duration,
) -> Result<Vec<JobId>, StoreError> {
    let values = [
        id.to_string().into(),
        state.as_str().into(),
        ttl_ms(keep).into(),
    ];
    let finish = queue.store.statement(statements::FINISH, values);
    let Some(job) = transaction.query_one_raw(finish).await? else {
        return Ok(Vec::new());
    };
    note_outcome(queue, transaction, &job, id, state).await?;
    let next = job.try_get_by("next")?;
    let mut finished = vec![id];
    finished.extend(cancel_followers(queue, transaction, id, next, state, keep).await?);
    Ok(finished)
}

/// Tells the schedule that fired the job, if there is one.
async fn note_outcome(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    job: &QueryResult,
    id: JobId,
    state: JobState,
) -> Result<(), StoreError> {
    let schedule: Option<String> = job.try_get_by("schedule")?;
    if let Some(schedule) = schedule {
        let values = [
            schedule.into(),
            id.to_string().into(),
            state.as_str().into(),
        ];
        transaction
            .execute_raw(queue.store.statement(statements::NOTE_OUTCOME, values))
            .await?;
    }
    Ok(())
}

pub(crate) fn json_text(errors: &[String]) -> String {
    Value::from(errors).to_string()
}
