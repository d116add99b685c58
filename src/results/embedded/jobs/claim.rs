//! Leasing jobs, and taking leases back.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{settle, sql};
use crate::results::embedded::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{Claim, JobId, JobState, Lease, Limits, Worker, parse};
use crate::results::millis::ttl_ms;
use crate::results::store::Change;

/// Leases the first job that is ready. Each claim also brings a bounded number of others up to date.
pub(super) async fn claim(
    store: &EmbeddedStore,
    worker: &Worker,
    lease: Duration,
    limits: &Limits,
) -> Result<Claim, ResultsError> {
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
    let values = [
        worker.owner.as_str().into(),
        worker.name.as_str().into(),
        ttl_ms(lease).into(),
    ];
    let claimed = match transaction
        .query_one_raw(store.statement(sql::CLAIM, values))
        .await?
    {
        Some(row) => Claim::Leased(read_lease(&row)?),
        None => Claim::Nothing {
            look_again: next(store, &transaction).await?,
        },
    };
    transaction.commit().await?;
    store.say_all(finished.into_iter().map(Change::Job));
    Ok(claimed)
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
    store.say_all(finished.into_iter().map(Change::Job).chain([Change::Work]));
    Ok(leases.len() as u64)
}

/// Ends leases whose holders ended without a word: not the job's fault, up to a limit. The jobs that this finished.
async fn lose(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
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

async fn next(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
) -> Result<Option<Duration>, DbErr> {
    let row = transaction
        .query_one_raw(store.statement(sql::NEXT, []))
        .await?;
    let wait: Option<i64> = row.map(|row| row.try_get_by("wait")).transpose()?.flatten();
    Ok(wait.map(|ms| Duration::from_millis(ms.max(1).unsigned_abs())))
}
