//! Taking a job in.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::sql;
use crate::results::embedded::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{Enqueued, JobState, NewJob, Start, parse};
use crate::results::millis::delay_ms;

/// Enqueues within a transaction; also whether a worker may find something new.
pub(in crate::results::embedded) async fn enqueue(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    job: &NewJob,
) -> Result<(Enqueued, bool), ResultsError> {
    // Once more for the case that an equal job finishes between the two looks.
    for _ in 0..3 {
        if let Some(state) = insert(store, transaction, job).await? {
            let fresh = Enqueued { id: job.id, state };
            return Ok((fresh, state == JobState::Queued));
        }
        if let Some(standing) = standing(store, transaction, job).await? {
            return Ok((standing, false));
        }
    }
    Err(ResultsError::unavailable(
        &"equal jobs come and go too fast",
    ))
}

/// Inserts the job unless its id or its unique key is taken.
async fn insert(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    job: &NewJob,
) -> Result<Option<JobState>, ResultsError> {
    let (at, delay) = match job.start {
        Start::Now => (None, Duration::ZERO),
        Start::After(delay) => (None, delay),
        Start::At(time) => (Some(time.timestamp_millis()), Duration::ZERO),
    };
    let values = [
        job.id.to_string().into(),
        job.name.as_str().into(),
        job.args.to_string().into(),
        i32::from(job.priority).into(),
        job.unique_key.clone().into(),
        at.into(),
        delay_ms(delay).into(),
        job.schedule.clone().into(),
    ];
    let row = transaction
        .query_one_raw(store.statement(sql::INSERT, values))
        .await?;
    row.map(|row| parse::state(&row.try_get_by::<String, _>("state")?))
        .transpose()
}

/// The job that stands in the way: the same one, or an equal one that has not finished.
async fn standing(
    store: &EmbeddedStore,
    transaction: &DatabaseTransaction,
    job: &NewJob,
) -> Result<Option<Enqueued>, ResultsError> {
    let same = store.statement(sql::STATE, [job.id.to_string().into()]);
    if let Some(row) = transaction.query_one_raw(same).await? {
        let state = parse::state(&row.try_get_by::<String, _>("state")?)?;
        return Ok(Some(Enqueued { id: job.id, state }));
    }
    let equal = store.statement(sql::UNFINISHED_WITH_KEY, [job.unique_key.clone().into()]);
    let row = transaction.query_one_raw(equal).await?;
    let standing = row.map(|row| {
        Ok::<_, ResultsError>(Enqueued {
            id: parse::id(&row.try_get_by::<String, _>("id")?)?,
            state: parse::state(&row.try_get_by::<String, _>("state")?)?,
        })
    });
    standing.transpose()
}
