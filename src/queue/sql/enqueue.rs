//! Taking a job in.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::{SqlQueue, statements};
use crate::queue::{Enqueued, JobState, NewJob, QueueLimits, record};
use crate::store::{Change, StoreError};

impl SqlQueue {
    /// Enqueues a job. Returns nothing if the queue is full.
    pub(in crate::queue) async fn enqueue(
        &self,
        job: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Option<Enqueued>, StoreError> {
        let max_unfinished = limits.max_unfinished;
        let enqueued = if job.then.is_none() {
            let writer = self.store.connections().await?.writer();
            add_job(self, writer, job, max_unfinished).await?
        } else {
            let transaction = self.store.begin().await?;
            let enqueued = add_job(self, &transaction, job, max_unfinished).await?;
            transaction.commit().await?;
            enqueued
        };
        let Some((enqueued, is_ready)) = enqueued else {
            return Ok(None);
        };
        if is_ready {
            self.store.announce_change(Change::Work);
        }
        Ok(Some(enqueued))
    }
}

/// Enqueues in one statement, or in two if something stands in the way, unless there is no room for the job and what follows
/// it among `max_unfinished`; also returns whether a worker may find something new. A job with followers needs a
/// transaction.
pub(super) async fn add_job(
    queue: &SqlQueue,
    connection: &impl ConnectionTrait,
    job: &NewJob,
    max_unfinished: u64,
) -> Result<Option<(Enqueued, bool)>, StoreError> {
    let followers = job.followers().count() as u64;
    let is_full = queue
        .unfinished
        .reaches(max_unfinished.saturating_sub(followers), queue, connection)
        .await?;
    if is_full {
        let standing = standing(queue, connection, job).await?;
        return Ok(standing.map(|standing| (standing, false)));
    }
    // Once more for the case that an equal job finishes between the two looks.
    for _ in 0..3 {
        if let Some(state) = insert(queue, connection, job).await? {
            insert_followers(queue, connection, job).await?;
            queue.unfinished.add(1 + followers);
            let fresh = Enqueued { id: job.id, state };
            return Ok(Some((fresh, state == JobState::Queued)));
        }
        if let Some(standing) = standing(queue, connection, job).await? {
            return Ok(Some((standing, false)));
        }
    }
    Err(StoreError::busy(&"equal jobs come and go too fast"))
}

/// Inserts the job unless its id or its unique key is taken.
async fn insert(
    queue: &SqlQueue,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<JobState>, StoreError> {
    let row = connection
        .query_one_raw(queue.store.statement(statements::INSERT, columns(job)))
        .await?;
    row.map(|row| record::parse_state(&row.try_get_by::<String, _>("state")?))
        .transpose()
}

/// Inserts each job that follows, in the state `waiting`.
pub(crate) async fn insert_followers(
    queue: &SqlQueue,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<(), DbErr> {
    let mut before = job.id;
    for follower in job.followers() {
        let values = columns(follower)
            .into_iter()
            .chain([before.to_string().into()]);
        let insert = queue.store.statement(statements::INSERT_WAITING, values);
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
    queue: &SqlQueue,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<Enqueued>, StoreError> {
    let same = queue
        .store
        .statement(statements::STATE, [job.id.to_string().into()]);
    if let Some(row) = connection.query_one_raw(same).await? {
        let state = record::parse_state(&row.try_get_by::<String, _>("state")?)?;
        return Ok(Some(Enqueued { id: job.id, state }));
    }
    let equal = queue.store.statement(
        statements::UNFINISHED_WITH_KEY,
        [job.unique_key.clone().into()],
    );
    let row = connection.query_one_raw(equal).await?;
    let standing = row.map(|row| {
        Ok::<_, StoreError>(Enqueued {
            id: record::parse_id(&row.try_get_by::<String, _>("id")?)?,
            state: record::parse_state(&row.try_get_by::<String, _>("state")?)?,
        })
    });
    standing.transpose()
}
