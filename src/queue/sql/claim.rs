//! Leasing jobs, and taking leases back.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{clock, settle, statements};
use crate::queue::{Claim, JobId, JobState, Lease, Outcome, QueueLimits, Worker, parse};
use crate::sql::{Pool, WriteTransaction};
use crate::store::backend::Change;
use crate::store::error::StoreError;
use crate::store::millis::ttl_ms;
use crate::store::sql::SqlStore;

/// Leases the first job that is ready, once those that are due have been seen to.
pub(crate) async fn claim(
    store: &SqlStore,
    worker: &Worker,
    lease: Duration,
    limits: &QueueLimits,
) -> Result<Claim, StoreError> {
    let connections = store.connections().await?;
    let mut ahead = look_ahead(store, connections.reader()).await?;
    if clock::fit_times(store, &ahead).await? {
        ahead = look_ahead(store, connections.reader()).await?;
    }
    let Ahead {
        due,
        lease_ends,
        forget,
        ..
    } = ahead;
    if [due, lease_ends, forget]
        .iter()
        .flatten()
        .any(|wait_ms| *wait_ms <= 0)
    {
        bring_up_to_date(store, limits).await?;
    }
    let values = [
        worker.owner.as_str().into(),
        worker.name.as_str().into(),
        ttl_ms(lease).into(),
        worker.instance.as_str().into(),
    ];
    let claim = store.statement(statements::CLAIM, values);
    if let Some(row) = connections.writer().query_one_raw(claim).await? {
        return match read_lease(&row) {
            Ok(lease) => Ok(Claim::Leased(lease)),
            Err(error) => bury(store, &row, limits, error).await,
        };
    }
    let next_ms = due.into_iter().chain(lease_ends).min();
    Ok(Claim::Nothing {
        look_again: next_ms.map(|ms| Duration::from_millis(ms.max(1).unsigned_abs())),
    })
}

/// Ends a job that was leased and whose arguments cannot be read; a record that is worse is left to lose its lease.
async fn bury(
    store: &SqlStore,
    row: &QueryResult,
    limits: &QueueLimits,
    error: StoreError,
) -> Result<Claim, StoreError> {
    let id = row.try_get_by::<String, _>("id").ok();
    let token = row.try_get_by::<i64, _>("token").ok();
    let (Some(id), Some(token)) = (id.and_then(|id| parse::id(&id).ok()), token) else {
        return Err(error);
    };
    let outcome = Outcome::unreadable_args(limits);
    settle::settle(store, id, token.unsigned_abs(), &outcome, limits).await?;
    Ok(Claim::Nothing {
        look_again: Some(Duration::from_millis(1)),
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

async fn look_ahead(store: &SqlStore, reader: &Pool) -> Result<Ahead, DbErr> {
    let Some(row) = reader
        .query_one_raw(store.statement(statements::LOOK_AHEAD, []))
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

/// Sees to a bounded number of jobs whose time has come.
async fn bring_up_to_date(store: &SqlStore, limits: &QueueLimits) -> Result<(), StoreError> {
    let transaction = store.begin().await?;
    transaction
        .execute_raw(store.statement(statements::FORGET, []))
        .await?;
    transaction
        .execute_raw(store.statement(statements::MAKE_READY, []))
        .await?;
    let expired = transaction
        .query_all_raw(store.statement(statements::EXPIRED_LEASES, []))
        .await?;
    let finished = lose(store, &transaction, &expired, limits).await?;
    transaction.commit().await?;
    store.unfinished.finished(finished.len() as u64);
    store.say_all(finished.into_iter().map(Change::Job));
    Ok(())
}

/// Takes back the leases of an owner that is known to be dead.
pub(crate) async fn recover(
    store: &SqlStore,
    owner: &str,
    limits: &QueueLimits,
) -> Result<u64, StoreError> {
    let transaction = store.begin().await?;
    let leases = store.statement(statements::LEASES_OF, [owner.into()]);
    let leases = transaction.query_all_raw(leases).await?;
    let finished = lose(store, &transaction, &leases, limits).await?;
    transaction.commit().await?;
    store.unfinished.finished(finished.len() as u64);
    store.say_all(finished.into_iter().map(Change::Job).chain([Change::Work]));
    Ok(leases.len() as u64)
}

/// Ends leases whose holders ended without a word: not the job's fault, up to a limit. The jobs that this finished.
async fn lose(
    store: &SqlStore,
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
                .execute_raw(store.statement(statements::REQUEUE_LOST, [id.into()]))
                .await?;
            continue;
        };
        let count = store.statement(statements::COUNT_LOST, [id.as_str().into(), error.into()]);
        transaction.execute_raw(count).await?;
        let id = parse::id(&id)?;
        finished.extend(settle::finish(store, transaction, id, state, limits.keep).await?);
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
        id: parse::id(&text("id")?)?,
        name: text("name")?,
        args: parse::json(&text("args")?, parse::ARGS)?,
        token: row.try_get_by::<i64, _>("token")?.unsigned_abs(),
        attempts: count("attempts")?,
        lost: count("lost")?,
    })
}
