//! Jobs in SQL: each step a transaction of few statements, each of them answered by an index.

mod claim;
mod clock;
mod enqueue;
mod follow;
mod list;
mod occupancy;
mod record;
mod settle;
mod sql;

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use serde_json::Value;

pub(super) use self::enqueue::enqueue;
pub(super) use self::occupancy::Occupancy;
pub(super) use self::sql::COLUMNS;
use super::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{
    Cancellation, Claim, Enqueued, Heartbeat, Job, JobCounts, JobFilter, JobId, JobPage, JobState,
    JobStore, Limits, NewJob, Outcome, Replay, Settled, Worker,
};
use crate::results::keys::Key;
use crate::results::millis::ttl_ms;
use crate::results::store::Change;

#[async_trait]
impl JobStore for EmbeddedStore {
    async fn enqueue(&self, job: &NewJob, limits: &Limits) -> Result<Enqueued, ResultsError> {
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
        limits: &Limits,
    ) -> Result<Claim, ResultsError> {
        claim::claim(self, worker, lease, limits).await
    }

    async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, ResultsError> {
        let values = [
            id.to_string().into(),
            sql::token(token),
            ttl_ms(lease).into(),
            progress.map(Value::to_string).into(),
        ];
        let heartbeat = self.statement(sql::HEARTBEAT, values);
        let row = self
            .connections()
            .await?
            .writer()
            .query_one_raw(heartbeat)
            .await?;
        let Some(row) = row else {
            return Ok(Heartbeat::Lost);
        };
        let cancel: i32 = row.try_get_by("cancel").map_err(ResultsError::from)?;
        Ok(Heartbeat::Held {
            cancel: cancel != 0,
        })
    }

    async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &Limits,
    ) -> Result<Settled, ResultsError> {
        settle::settle(self, id, token, outcome, limits).await
    }

    async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, ResultsError> {
        settle::put_fenced(self, id, token, key, value, ttl).await
    }

    async fn cancel(&self, id: JobId, limits: &Limits) -> Result<Cancellation, ResultsError> {
        settle::cancel(self, id, limits).await
    }

    async fn replay(&self, id: JobId) -> Result<Replay, ResultsError> {
        settle::replay(self, id).await
    }

    async fn recover(&self, owner: &str, limits: &Limits) -> Result<u64, ResultsError> {
        claim::recover(self, owner, limits).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, ResultsError> {
        let read = self.statement(sql::JOB, [id.to_string().into()]);
        let row = self
            .connections()
            .await?
            .reader()
            .query_one_raw(read)
            .await?;
        row.map(|row| record::job(&row)).transpose()
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, ResultsError> {
        list::page(self, filter).await
    }

    async fn counts(&self) -> Result<JobCounts, ResultsError> {
        let count = self.statement(sql::COUNTS, []);
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
