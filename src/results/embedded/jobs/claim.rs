//! Leasing jobs, and taking leases back.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{settle, sql};
use crate::results::embedded::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{Claim, JobId, JobState, Lease, Limits, Worker, parse};
use crate::results::millis::ttl_ms;
use crate::results::store::Change;
use crate::sql::{Pool, WriteTransaction};

/// Leases the first job that is ready, once those that are due have been seen to.
pub(super) async fn claim(
    store: &EmbeddedStore,
    worker: &Worker,
    lease: Duration,
    limits: &Limits,
) -> Result<Claim, ResultsError> {
    let connections = store.connections().await?;
    let ahead = look_ahead(store, connections.reader()).await?;
    if ahead.iter().flatten().any(|wait_ms| *wait_ms <= 0) {
        bring_up_to_date(store, limits).await?;
    }
    let values = [
        worker.owner.as_str().into(),
        worker.name.as_str().into(),
        ttl_ms(lease).into(),
    ];
    let claim = store.statement(sql::CLAIM, values);
    if let Some(row) = connections.writer().query_one_raw(claim).await? {
        return Ok(Claim::Leased(read_lease(&row)?));
    }
    let [due, lease, _] = ahead;
    let next_ms = due.into_iter().chain(lease).min();
    Ok(Claim::Nothing {
        look_again: next_ms.map(|ms| Duration::from_millis(ms.max(1).unsigned_abs())),
    })
}

/// Ms until jobs are due, leases end, and finished jobs are to be forgotten.
async fn look_ahead(store: &EmbeddedStore, reader: &Pool) -> Result<[Option<i64>; 3], DbErr> {
    let Some(row) = reader
        .query_one_raw(store.statement(sql::LOOK_AHEAD, []))
        .await?
    else {
        return Ok([None; 3]);
    };
    Ok([
        row.try_get_by("due")?,
        row.try_get_by("lease")?,
        row.try_get_by("forget")?,
    ])
}

/// Sees to a bounded number of jobs whose time has come.
async fn bring_up_to_date(store: &EmbeddedStore, limits: &Limits) -> Result<(), ResultsError> {
    let transaction = store.begin().await?;
    transaction
        .execute_raw(store.statement(sql::FORGET, []))
        .await?;
    transaction
        .execute_raw(store.statement(sql::MAKE_READY, []))
        .await?;
    let expired = transaction
        .query_all_raw(store.statement(sql::EXPIRED_LEASES, []))
        .await?;
    let finished = lose(store, &transaction, &expired, limits).await?;
    transaction.commit().await?;
    store.occupancy.finished(finished.len() as u64);
    store.say_all(finished.into_iter().map(Change::Job));
    Ok(())
}

/// Takes back the leases of an owner that is known to be dead.
pub(super) async fn recover(
    store: &EmbeddedStore,
    owner: &str,
    limits: &Limits,
) -> Result<u64, ResultsError> {
    let transaction = store.begin().await?;
    let leases = store.statement(sql::LEASES_OF, [owner.into()]);
    let leases = transaction.query_all_raw(leases).await?;
    let finished = lose(store, &transaction, &leases, limits).await?;
    transaction.commit().await?;
    store.occupancy.finished(finished.len() as u64);
    store.say_all(finished.into_iter().map(Change::Job).chain([Change::Work]));
    Ok(leases.len() as u64)
}

/// Ends leases whose holders ended without a word: not the job's fault, up to a limit. The jobs that this finished.
async fn lose(
    store: &EmbeddedStore,
    transaction: &WriteTransaction,
    leases: &[QueryResult],
    limits: &Limits,
) -> Result<Vec<JobId>, ResultsError> {
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
                .execute_raw(store.statement(sql::REQUEUE_LOST, [id.into()]))
                .await?;
            continue;
        };
        let count = store.statement(sql::COUNT_LOST, [id.as_str().into(), error.into()]);
        transaction.execute_raw(count).await?;
        let id = parse::id(&id)?;
        settle::finish(store, transaction, id, state, limits.keep).await?;
        finished.push(id);
    }
    Ok(finished)
}

fn lost_too_often(lost: u32) -> String {
    format!("its lease was lost {lost} times")
}

fn read_lease(row: &QueryResult) -> Result<Lease, ResultsError> {
    let text = |column| row.try_get_by::<String, _>(column);
    let count = |column| row.try_get_by::<i32, _>(column).map(i32::unsigned_abs);
    Ok(Lease {
        id: parse::id(&text("id")?)?,
        name: text("name")?,
        args: parse::json(&text("args")?)?,
        token: row.try_get_by::<i64, _>("token")?.unsigned_abs(),
        attempts: count("attempts")?,
        lost: count("lost")?,
    })
}
