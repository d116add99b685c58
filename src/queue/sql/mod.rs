//! Jobs in SQL: each step a transaction of few statements, each of them answered by an index.

mod claim;
mod clock;
mod enqueue;
mod followers;
mod list;
mod record;
mod schedules;
mod settle;
mod statements;
mod unfinished;

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use serde_json::Value;

pub(crate) use self::enqueue::enqueue;
pub(crate) use self::statements::COLUMNS;
pub(crate) use self::unfinished::UnfinishedJobCount;
use crate::queue::backend::JobStore;
use crate::queue::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobFilter, JobId, JobPage, JobRecord,
    JobState, NewJob, Outcome, QueueLimits, Replay, Settled, Worker,
};
use crate::store::backend::Change;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::millis::ttl_ms;
use crate::store::sql::SqlStore;

#[async_trait]
impl JobStore for SqlStore {
    async fn enqueue(&self, job: &NewJob, limits: &QueueLimits) -> Result<Enqueued, StoreError> {
        let max_unfinished = limits.max_unfinished;
        let (enqueued, fresh) = if job.then.is_none() {
            let writer = self.connections().await?.writer();
            enqueue(self, writer, job, max_unfinished).await?
        } else {
            let transaction = self.begin().await?;
            let enqueued = enqueue(self, &transaction, job, max_unfinished).await?;
            transaction.commit().await?;
            enqueued
        };
        if fresh {
            self.say(Change::Work);
        }
        Ok(enqueued)
    }

    async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &QueueLimits,
    ) -> Result<Claim, StoreError> {
        claim::claim(self, worker, lease, limits).await
    }

    async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, StoreError> {
        let values = [
            id.to_string().into(),
            statements::token(token),
            ttl_ms(lease).into(),
            progress.map(Value::to_string).into(),
        ];
        let heartbeat = self.statement(statements::HEARTBEAT, values);
        let row = self
            .connections()
            .await?
            .writer()
            .query_one_raw(heartbeat)
            .await?;
        let Some(row) = row else {
            return Ok(Heartbeat::Lost);
        };
        let cancel: i32 = row.try_get_by("cancel").map_err(StoreError::from)?;
        Ok(Heartbeat::Held {
            cancel: cancel != 0,
        })
    }

    async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &QueueLimits,
    ) -> Result<Settled, StoreError> {
        settle::settle(self, id, token, outcome, limits).await
    }

    async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, StoreError> {
        settle::put_fenced(self, id, token, key, value, ttl).await
    }

    async fn cancel(&self, id: JobId, limits: &QueueLimits) -> Result<Cancellation, StoreError> {
        settle::cancel(self, id, limits).await
    }

    async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        settle::replay(self, id).await
    }

    async fn recover(&self, owner: &str, limits: &QueueLimits) -> Result<u64, StoreError> {
        claim::recover(self, owner, limits).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let read = self.statement(statements::JOB, [id.to_string().into()]);
        let row = self
            .connections()
            .await?
            .reader()
            .query_one_raw(read)
            .await?;
        row.map(|row| record::job(&row)).transpose()
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        list::page(self, filter).await
    }

    async fn counts(&self) -> Result<JobCounts, StoreError> {
        let count = self.statement(statements::COUNTS, []);
        let rows = self
            .connections()
            .await?
            .reader()
            .query_all_raw(count)
            .await?;
        let mut counts = Vec::new();
        for row in &rows {
            let (state, count): (String, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
            // Jobs in a state of another version are not counted.
            counts.extend(JobState::named(&state).map(|state| (state, count.unsigned_abs())));
        }
        Ok(counts.into_iter().collect())
    }
}
