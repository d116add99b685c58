//! Leasing jobs, and taking leases back.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::{Value, json};

use super::{SqlQueue, clock, settle, statements};
use crate::queue::{
    Claim, Heartbeat, JobId, JobState, Lease, Outcome, QueueLimits, Worker, record,
};
use crate::sql::{Pool, WriteTransaction};
use crate::store::Change;
use crate::store::StoreError;
use crate::store::clock::ttl_ms;

impl SqlQueue {
    /// Leases the first job that is ready of those that the worker can run, once those that are due have been seen to.
    pub(in crate::queue) async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &QueueLimits,
    ) -> Result<Claim, StoreError> {
        let connections = self.store.connections().await?;
        let mut ahead = look_ahead(self, connections.reader()).await?;
        if clock::fit_times(self, &ahead).await? {
            ahead = look_ahead(self, connections.reader()).await?;
        }
        let has_come = ahead.has_come();
        if has_come {
            bring_up_to_date(self, limits).await?;
        }
        // If others have taken all jobs of a name since, the next name has its turn.
        for name in ready_names(self, connections.reader(), &worker.jobs).await? {
            let values = [
                worker.owner.as_str().into(),
                worker.name.as_str().into(),
                ttl_ms(lease).into(),
                worker.instance.as_str().into(),
                name.into(),
            ];
            let claim = self.store.statement(statements::CLAIM, values);
            if let Some(row) = connections.writer().query_one_raw(claim).await? {
                return match read_lease(&row) {
                    Ok(lease) => Ok(Claim::Leased(lease)),
                    Err(error) => fail_unreadable(self, &row, limits, error).await,
                };
            }
        }
        if has_come {
            ahead = look_ahead(self, connections.reader()).await?;
        }
        Ok(Claim::Nothing {
            retry_after: ahead.next(),
        })
    }

    pub(in crate::queue) async fn heartbeat(
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
        let heartbeat = self.store.statement(statements::HEARTBEAT, values);
        let row = self
            .store
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
}

/// Ends a job that was leased and whose arguments cannot be read; a record that is worse is left to lose its lease.
async fn fail_unreadable(
    queue: &SqlQueue,
    row: &QueryResult,
    limits: &QueueLimits,
    error: StoreError,
) -> Result<Claim, StoreError> {
    let id = row.try_get_by::<String, _>("id").ok();
    let token = row.try_get_by::<i64, _>("token").ok();
    let (Some(id), Some(token)) = (id.and_then(|id| record::parse_id(&id).ok()), token) else {
        return Err(error);
    };
    let outcome = Outcome::unreadable_args(limits);
    queue
        .settle(id, token.unsigned_abs(), &outcome, limits)
        .await?;
    Ok(Claim::Nothing {
        retry_after: Some(Duration::from_millis(1)),
    })
}

/// What lies ahead, in ms from now. The last wait and the last lease begin in the future only if the clock was set back.
#[derive(Default)]
pub(crate) struct Ahead {
    pub(crate) now: Option<i64>,
    due: Option<i64>,
    lease_ends: Option<i64>,
    forget: Option<i64>,
    pub(crate) wait_begins: Option<i64>,
    pub(crate) lease_begins: Option<i64>,
}

impl Ahead {
    /// Returns whether the time of something has come.
    fn has_come(&self) -> bool {
        let mut waits_ms = [self.due, self.lease_ends, self.forget]
            .into_iter()
            .flatten();
        waits_ms.any(|wait_ms| wait_ms <= 0)
    }

    /// Returns the time until the next job is due or the next lease ends.
    fn next(&self) -> Option<Duration> {
        let next_ms = self.due.into_iter().chain(self.lease_ends).min();
        next_ms.map(|ms| Duration::from_millis(ms.max(1).unsigned_abs()))
    }
}

async fn look_ahead(queue: &SqlQueue, reader: &Pool) -> Result<Ahead, DbErr> {
    let Some(row) = reader
        .query_one_raw(queue.store.statement(statements::LOOK_AHEAD, []))
        .await?
    else {
        return Ok(Ahead::default());
    };
    Ok(Ahead {
        now: row.try_get_by("now")?,
        due: row.try_get_by("due")?,
        lease_ends: row.try_get_by("lease")?,
        forget: row.try_get_by("forget")?,
        wait_begins: row.try_get_by("wait_begins")?,
        lease_begins: row.try_get_by("lease_begins")?,
    })
}

async fn ready_names(
    queue: &SqlQueue,
    reader: &Pool,
    names: &BTreeSet<String>,
) -> Result<Vec<String>, DbErr> {
    let names = json!(names).to_string();
    let ready = queue
        .store
        .statement(statements::READY_NAMES, [names.into()]);
    let rows = reader.query_all_raw(ready).await?;
    rows.iter().map(|row| row.try_get_by("name")).collect()
}

/// Sees to a bounded number of jobs whose time has come.
async fn bring_up_to_date(queue: &SqlQueue, limits: &QueueLimits) -> Result<(), StoreError> {
    let transaction = queue.store.begin().await?;
    transaction
        .execute_raw(queue.store.statement(statements::FORGET, []))
        .await?;
    transaction
        .execute_raw(queue.store.statement(statements::MAKE_READY, []))
        .await?;
    let expired = transaction
        .query_all_raw(queue.store.statement(statements::EXPIRED_LEASES, []))
        .await?;
    let finished = lose(queue, &transaction, &expired, limits).await?;
    transaction.commit().await?;
    queue.unfinished.subtract(finished.len() as u64);
    queue
        .store
        .announce_all(finished.into_iter().map(Change::Job));
    Ok(())
}

impl SqlQueue {
    /// Takes back the leases of an owner that is known to be dead.
    pub(in crate::queue) async fn recover(
        &self,
        owner: &str,
        limits: &QueueLimits,
    ) -> Result<u64, StoreError> {
        let transaction = self.store.begin().await?;
        let leases = self.store.statement(statements::LEASES_OF, [owner.into()]);
        let leases = transaction.query_all_raw(leases).await?;
        let finished = lose(self, &transaction, &leases, limits).await?;
        transaction.commit().await?;
        self.unfinished.subtract(finished.len() as u64);
        self.store
            .announce_all(finished.into_iter().map(Change::Job).chain([Change::Work]));
        Ok(leases.len() as u64)
    }
}

/// Ends leases whose holders ended without a word: not the job's fault, up to a limit. The jobs that this finished.
async fn lose(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    leases: &[QueryResult],
    limits: &QueueLimits,
) -> Result<Vec<JobId>, StoreError> {
    let mut finished = Vec::new();
    for row in leases {
        let id: String = row.try_get_by("id")?;
        let (lost, cancel): (i32, i32) = (row.try_get_by("lost")?, row.try_get_by("cancel")?);
        let lost = lost.unsigned_abs() + 1;
        let end = match lost > limits.max_lost {
            _ if cancel != 0 => Some((JobState::Cancelled, None)),
            true => Some((
                JobState::Dead,
                Some(settle::json_text(&[lost_too_often(lost)])),
            )),
            false => None,
        };
        let Some((state, error)) = end else {
            transaction
                .execute_raw(queue.store.statement(statements::REQUEUE_LOST, [id.into()]))
                .await?;
            continue;
        };
        let count = queue
            .store
            .statement(statements::COUNT_LOST, [id.as_str().into(), error.into()]);
        transaction.execute_raw(count).await?;
        let id = record::parse_id(&id)?;
        finished.extend(settle::finish(queue, transaction, id, state, limits.keep).await?);
    }
    Ok(finished)
}

fn lost_too_often(lost: u32) -> String {
    format!("its lease was lost {lost} times")
}

fn read_lease(row: &QueryResult) -> Result<Lease, StoreError> {
    let text = |column| row.try_get_by::<String, _>(column);
    let count = |column| row.try_get_by::<i32, _>(column).map(i32::unsigned_abs);
    Ok(Lease {
        id: record::parse_id(&text("id")?)?,
        name: text("name")?,
        args: record::parse_json(&text("args")?, record::ARGS)?,
        token: row.try_get_by::<i64, _>("token")?.unsigned_abs(),
        attempts: count("attempts")?,
        lost: count("lost")?,
    })
}
