//! A job on its way into the queue.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::{Builder, Uuid};
use xxhash_rust::xxh3::xxh3_128;

use super::{JobId, JobState};

/// What to run, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The job's id. Enqueuing the same id again changes nothing, so a call whose answer was lost can be repeated.
    pub id: JobId,
    /// Which job.
    pub name: String,
    /// Its arguments.
    pub args: Value,
    /// Higher runs first; equals run in the order they became ready.
    pub priority: i8,
    /// While a job with this key has not finished, it takes the place of another.
    pub unique_key: Option<String>,
    /// When it may run.
    pub start: Start,
    /// The schedule that fires it; set by [`crate::results::schedules::Schedules::fire`].
    pub schedule: Option<String>,
}

/// When a job may run, by the store's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At once.
    #[default]
    Now,
    /// After a delay.
    After(Duration),
    /// Not before.
    At(DateTime<Utc>),
}

/// What became of a [`NewJob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The id of the job that stands for it: its own, or that of an equal job that has not finished.
    pub id: JobId,
    /// The state of that job.
    pub state: JobState,
}

impl NewJob {
    /// A job to run at once, with an id of its own.
    pub fn new(name: impl Into<String>, args: Value) -> Self {
        Self {
            id: Uuid::now_v7(),
            name: name.into(),
            args,
            priority: 0,
            unique_key: None,
            start: Start::Now,
            schedule: None,
        }
    }

    /// The run of `schedule` for its due time: the same id whoever makes it.
    pub(in crate::results) fn of_schedule(self, schedule: &str, due: DateTime<Utc>) -> Self {
        let mut random = [0; 10];
        random.copy_from_slice(&xxh3_128(schedule.as_bytes()).to_be_bytes()[..10]);
        let due_ms = u64::try_from(due.timestamp_millis()).unwrap_or(0);
        Self {
            id: Builder::from_unix_timestamp_millis(due_ms, &random).into_uuid(),
            schedule: Some(schedule.to_owned()),
            start: Start::Now,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_of_a_scheduled_run_follows_from_schedule_and_due_time() {
        let due = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let run = |schedule, due| NewJob::new("j", json!({})).of_schedule(schedule, due).id;
        assert_eq!(run("hourly", due), run("hourly", due));
        assert_ne!(run("hourly", due), run("daily", due));
        assert_ne!(
            run("hourly", due),
            run("hourly", due + Duration::from_millis(1))
        );
        assert_eq!(run("hourly", due).get_version_num(), 7);
    }
}
