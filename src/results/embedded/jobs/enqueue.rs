//! Taking a job in.

use sea_orm::ConnectionTrait;

use super::sql;
use crate::results::embedded::EmbeddedStore;
use crate::results::error::ResultsError;
use crate::results::jobs::{Enqueued, JobState, NewJob, parse};

/// Enqueues in one statement, or in two if something stands in the way, unless `max_unfinished` jobs are there; also
/// whether a worker may find something new.
pub(in crate::results::embedded) async fn enqueue(
    store: &EmbeddedStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
    max_unfinished: u64,
) -> Result<(Enqueued, bool), ResultsError> {
    let is_full = store
        .occupancy
        .reaches(max_unfinished, store, connection)
        .await?;
    if is_full {
        let standing = standing(store, connection, job).await?;
        let full = ResultsError::QueueFull {
            limit: max_unfinished,
        };
        return standing.map(|standing| (standing, false)).ok_or(full);
    }
    // Once more for the case that an equal job finishes between the two looks.
    for _ in 0..3 {
        if let Some(state) = insert(store, connection, job).await? {
            store.occupancy.came();
            let fresh = Enqueued { id: job.id, state };
            return Ok((fresh, state == JobState::Queued));
        }
        if let Some(standing) = standing(store, connection, job).await? {
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
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<JobState>, ResultsError> {
    let (at_ms, delay_ms) = job.start.at_and_delay_ms();
    let values = [
        job.id.to_string().into(),
        job.name.as_str().into(),
        job.args.to_string().into(),
        i32::from(job.priority).into(),
        job.unique_key.clone().into(),
        at_ms.into(),
        delay_ms.into(),
        job.schedule.clone().into(),
        job.follow_up().into(),
    ];
    let row = connection
        .query_one_raw(store.statement(sql::INSERT, values))
        .await?;
    row.map(|row| parse::state(&row.try_get_by::<String, _>("state")?))
        .transpose()
}

/// The job that stands in the way: the same one, or an equal one that has not finished.
async fn standing(
    store: &EmbeddedStore,
    connection: &impl ConnectionTrait,
    job: &NewJob,
) -> Result<Option<Enqueued>, ResultsError> {
    let same = store.statement(sql::STATE, [job.id.to_string().into()]);
    if let Some(row) = connection.query_one_raw(same).await? {
        let state = parse::state(&row.try_get_by::<String, _>("state")?)?;
        return Ok(Some(Enqueued { id: job.id, state }));
    }
    let equal = store.statement(sql::UNFINISHED_WITH_KEY, [job.unique_key.clone().into()]);
    let row = connection.query_one_raw(equal).await?;
    let standing = row.map(|row| {
        Ok::<_, ResultsError>(Enqueued {
            id: parse::id(&row.try_get_by::<String, _>("id")?)?,
            state: parse::state(&row.try_get_by::<String, _>("state")?)?,
        })
    });
    standing.transpose()
}
