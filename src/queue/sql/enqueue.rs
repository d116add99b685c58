//! Taking a job in.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::statements;
use crate::queue::{Enqueued, JobState, NewJob, parse};
use crate::store::error::StoreError;
use crate::store::sql::SqlStore;

/// Enqueues in one statement, or in two if something stands in the way, unless there is no room for the job and what follows
/// it among `max_unfinished`; also returns whether a worker may find something new. A job with followers needs a
/// transaction.
pub(crate) async fn enqueue(
    store: &SqlStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
    max_unfinished: u64,
) -> Result<(Enqueued, bool), StoreError> {
    let followers = job.followers().count() as u64;
    let is_full = store
        .unfinished
        .reaches(max_unfinished.saturating_sub(followers), store, connection)
        .await?;
    if is_full {
        let standing = standing(store, connection, job).await?;
        let full = StoreError::QueueFull {
            limit: max_unfinished,
        };
        return standing.map(|standing| (standing, false)).ok_or(full);
    }
    // Once more for the case that an equal job finishes between the two looks.
    for _ in 0..3 {
        if let Some(state) = insert(store, connection, job).await? {
            insert_followers(store, connection, job).await?;
            store.unfinished.came(1 + followers);
            let fresh = Enqueued { id: job.id, state };
            return Ok((fresh, state == JobState::Queued));
        }
        if let Some(standing) = standing(store, connection, job).await? {
            return Ok((standing, false));
        }
    }
    Err(StoreError::busy(&"equal jobs come and go too fast"))
}

/// Inserts the job unless its id or its unique key is taken.
async fn insert(
    store: &SqlStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<JobState>, StoreError> {
    let row = connection
        .query_one_raw(store.statement(statements::INSERT, columns(job)))
        .await?;
    row.map(|row| parse::state(&row.try_get_by::<String, _>("state")?))
        .transpose()
}

/// Inserts each job that follows, in the state `waiting`.
pub(crate) async fn insert_followers(
    store: &SqlStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<(), DbErr> {
    let mut before = job.id;
    for follower in job.followers() {
        let values = columns(follower)
            .into_iter()
            .chain([before.to_string().into()]);
        let insert = store.statement(statements::INSERT_WAITING, values);
        connection.execute_raw(insert).await?;
        before = follower.id;
    }
    Ok(())
}

fn columns(job: &NewJob) -> [Value; 9] {
    let (at_ms, delay_ms) = job.start.at_and_delay_ms();
    [
        job.id.to_string().into(),
        job.name.as_str().into(),
        job.args.to_string().into(),
        i32::from(job.priority).into(),
        job.unique_key.clone().into(),
        at_ms.into(),
        (at_ms.is_none() && delay_ms > 0).then_some(delay_ms).into(),
        job.schedule.clone().into(),
        job.then.as_ref().map(|next| next.id.to_string()).into(),
    ]
}

/// The job that stands in the way: the same one, or an equal one that has not finished.
async fn standing(
    store: &SqlStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<Enqueued>, StoreError> {
    let same = store.statement(statements::STATE, [job.id.to_string().into()]);
    if let Some(row) = connection.query_one_raw(same).await? {
        let state = parse::state(&row.try_get_by::<String, _>("state")?)?;
        return Ok(Some(Enqueued { id: job.id, state }));
    }
    let equal = store.statement(
        statements::UNFINISHED_WITH_KEY,
        [job.unique_key.clone().into()],
    );
    let row = connection.query_one_raw(equal).await?;
    let standing = row.map(|row| {
        Ok::<_, StoreError>(Enqueued {
            id: parse::id(&row.try_get_by::<String, _>("id")?)?,
            state: parse::state(&row.try_get_by::<String, _>("state")?)?,
        })
    });
    standing.transpose()
}
