//! Jobs that follow others.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::enqueue::insert_followers;
use super::settle::json_text;
use super::{SqlQueue, statements};
use crate::queue::{JobId, JobState, NewJob};
use crate::sql::WriteTransaction;
use crate::store::StoreError;
use crate::store::clock::ttl_ms;

/// A follower is kept for longer than the job before, whose replay brings it back.
const KEPT_LONGER: Duration = Duration::from_millis(1);

/// Returns the id of the job that follows `id`, by the column `next` of that. Earlier versions kept all of it there.
async fn follower(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    next: Option<String>,
) -> Result<Option<JobId>, StoreError> {
    let Some(next) = next else {
        return Ok(None);
    };
    if let Ok(next) = next.parse() {
        return Ok(Some(next));
    }
    // One that cannot be read must not keep the job before from ending.
    let Ok(follower) = NewJob::from_follow_up(&next) else {
        tracing::error!(job = %id, "the job that follows another cannot be read and is left out");
        return Ok(None);
    };
    let job = NewJob {
        id,
        then: Some(Box::new(follower)),
        ..NewJob::new("", serde_json::Value::Null)
    };
    insert_followers(queue, transaction, &job).await?;
    let next = job.then.map(|next| next.id);
    let set = [
        id.to_string().into(),
        next.map(|next| next.to_string()).into(),
    ];
    transaction
        .execute_raw(queue.store.statement(statements::SET_FOLLOWER, set))
        .await?;
    Ok(next)
}

/// Begins the job that follows `id`, which has succeeded. Another job may have its unique key by now: then it is dead, and
/// the jobs that finished with it are returned.
pub(crate) async fn begin_follower(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    next: Option<String>,
    keep: Duration,
) -> Result<Vec<JobId>, StoreError> {
    let Some(next) = follower(queue, transaction, id, next).await? else {
        return Ok(Vec::new());
    };
    let key = queue
        .store
        .statement(statements::KEY_OF_WAITING, [next.to_string().into()]);
    let Some(row) = transaction.query_one_raw(key).await? else {
        return Ok(Vec::new());
    };
    let key: Option<String> = row.try_get_by("unique_key")?;
    let holder = queue
        .store
        .statement(statements::UNFINISHED_WITH_KEY, [key.into()]);
    if let Some(holder) = transaction.query_one_raw(holder).await? {
        let holder: String = holder.try_get_by("id")?;
        let error = format!("job {holder} has the same unique_key and has not finished");
        return finish(queue, transaction, next, JobState::Dead, error, keep).await;
    }
    let start = queue
        .store
        .statement(statements::START_WAITING, [next.to_string().into()]);
    transaction.execute_raw(start).await?;
    Ok(Vec::new())
}

/// Cancels the jobs that follow `id`, which ended in `state`. Returns those that this finished.
pub(crate) async fn cancel_followers(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    next: Option<String>,
    state: JobState,
    keep: Duration,
) -> Result<Vec<JobId>, StoreError> {
    let Some(next) = follower(queue, transaction, id, next).await? else {
        return Ok(Vec::new());
    };
    let error = format!("job {id}, which this one follows, is {state}");
    finish(
        queue,
        transaction,
        next,
        JobState::Cancelled,
        error,
        keep + KEPT_LONGER,
    )
    .await
}

/// Ends a job that waits, and with it all that follow. Returns those that this finished.
async fn finish(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    state: JobState,
    error: String,
    keep: Duration,
) -> Result<Vec<JobId>, StoreError> {
    let (mut id, mut state, mut error, mut keep) = (id, state, error, keep);
    let mut finished = Vec::new();
    loop {
        let values = [
            id.to_string().into(),
            state.as_str().into(),
            json_text(&[error]).into(),
            ttl_ms(keep).into(),
        ];
        let finish = queue.store.statement(statements::FINISH_WAITING, values);
        let Some(row) = transaction.query_one_raw(finish).await? else {
            return Ok(finished);
        };
        finished.push(id);
        let Some(next) = follower(queue, transaction, id, row.try_get_by("next")?).await? else {
            return Ok(finished);
        };
        error = format!("job {id}, which this one follows, is {state}");
        (id, state, keep) = (next, JobState::Cancelled, keep + KEPT_LONGER);
    }
}

/// Brings back the jobs that were cancelled because `id` had died, which runs again. Returns how many.
pub(crate) async fn restore_followers(
    queue: &SqlQueue,
    transaction: &WriteTransaction,
    id: JobId,
    next: Option<String>,
) -> Result<u64, StoreError> {
    let mut next = follower(queue, transaction, id, next).await?;
    let mut restored = 0;
    while let Some(id) = next {
        let wait = queue
            .store
            .statement(statements::WAIT_AGAIN, [id.to_string().into()]);
        let Some(row) = transaction.query_one_raw(wait).await? else {
            return Ok(restored);
        };
        restored += 1;
        next = follower(queue, transaction, id, row.try_get_by("next")?).await?;
    }
    Ok(restored)
}
