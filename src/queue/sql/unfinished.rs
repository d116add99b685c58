use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;

use super::{SqlQueue, statements};
use crate::store::StoreError;

/// How soon jobs are counted again, for other processes take some in and finish some as well.
const COUNT_AGAIN: Duration = Duration::from_secs(1);
/// Counting a long queue takes its time: at most a fiftieth of all time goes into it.
const REST_PER_COUNT: u32 = 50;

/// How many jobs have not finished: counted now and then, kept up by what this process does in between.
#[derive(Default)]
pub(crate) struct UnfinishedJobCount(Mutex<Count>);

#[derive(Clone, Copy, Default)]
struct Count {
    unfinished: u64,
    good_until: Option<Instant>,
}

impl UnfinishedJobCount {
    /// Whether `limit` jobs or more have not finished.
    pub(crate) async fn reaches(
        &self,
        limit: u64,
        queue: &SqlQueue,
        connection: &impl ConnectionTrait,
    ) -> Result<bool, StoreError> {
        let begun = Instant::now();
        let Count {
            unfinished,
            good_until,
        } = *self.count();
        if good_until.is_some_and(|until| begun < until) {
            return Ok(unfinished >= limit);
        }
        let row = connection
            .query_one_raw(queue.store.statement(statements::UNFINISHED, []))
            .await?;
        let counted: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let rest = (begun.elapsed() * REST_PER_COUNT).max(COUNT_AGAIN);
        let unfinished = counted.unsigned_abs();
        *self.count() = Count {
            unfinished,
            good_until: Some(begun + rest),
        };
        Ok(unfinished >= limit)
    }

    pub(crate) fn add(&self, jobs: u64) {
        self.count().unfinished += jobs;
    }

    pub(crate) fn subtract(&self, jobs: u64) {
        let mut count = self.count();
        count.unfinished = count.unfinished.saturating_sub(jobs);
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
