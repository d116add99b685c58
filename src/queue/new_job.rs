//! A job on its way into the queue.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{Builder, Uuid};

use super::{JobId, JobState, record};
use crate::store::clock::{delay_ms, time};
use crate::store::error::StoreError;

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
    /// The schedule that fires it; set by [`crate::queue::schedules::Schedules::fire`].
    pub schedule: Option<String>,
    /// The job that begins in the same step in which this one succeeds. Until then it waits; it is cancelled if this one does
    /// not succeed. Left out if an equal job stands for this one.
    pub then: Option<Box<NewJob>>,
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
            then: None,
        }
    }

    /// Returns the job as the run of `schedule` for `due`, the time in its id. The rest of the id is random, for a due time comes
    /// twice if the clock is set back.
    pub(crate) fn for_schedule(self, schedule: &str, due: DateTime<Utc>) -> Self {
        let due_ms = u64::try_from(due.timestamp_millis()).unwrap_or(0);
        Self {
            id: Builder::from_unix_timestamp_millis(due_ms, &rand::random()).into_uuid(),
            schedule: Some(schedule.to_owned()),
            ..self
        }
    }

    /// The jobs that follow, each within the one before, as the scripts of Redis read them.
    pub(crate) fn follow_up(&self) -> Option<String> {
        let next = self.then.as_deref().map(FollowUp::new)?;
        serde_json::to_string(&next).ok()
    }

    /// Reads what [`NewJob::follow_up`] wrote.
    pub(crate) fn from_follow_up(text: &str) -> Result<Self, StoreError> {
        let next: FollowUp = serde_json::from_str(text).map_err(|_| unreadable())?;
        next.read()
    }

    /// Reads the id of the job that follows. Earlier versions kept all of that job with the first.
    pub(crate) fn id_of_follow_up(text: &str) -> Result<JobId, StoreError> {
        match text.parse() {
            Ok(id) => Ok(id),
            Err(_) => Ok(Self::from_follow_up(text)?.id),
        }
    }

    /// Iterates over the jobs that follow, in their order.
    pub fn followers(&self) -> impl Iterator<Item = &NewJob> {
        std::iter::successors(self.then.as_deref(), |job| job.then.as_deref())
    }
}

impl Start {
    /// The time, in ms since the epoch, if it is one; and the delay in ms.
    pub(crate) fn at_and_delay_ms(self) -> (Option<i64>, i64) {
        match self {
            Self::Now => (None, 0),
            Self::After(delay) => (None, delay_ms(delay)),
            Self::At(time) => (Some(time.timestamp_millis()), 0),
        }
    }
}

/// A job on paper: all texts, under the names that the scripts of Redis use, whose JSON changes large numbers.
#[derive(Serialize, Deserialize)]
struct FollowUp {
    id: String,
    name: String,
    args: String,
    priority: String,
    unique_key: String,
    schedule: String,
    at: String,
    delay_ms: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Box<FollowUp>>,
}

impl FollowUp {
    fn new(job: &NewJob) -> Self {
        let (at_ms, delay_ms) = job.start.at_and_delay_ms();
        Self {
            id: job.id.to_string(),
            name: job.name.clone(),
            args: job.args.to_string(),
            priority: job.priority.to_string(),
            unique_key: job.unique_key.clone().unwrap_or_default(),
            schedule: job.schedule.clone().unwrap_or_default(),
            at: at_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            delay_ms: delay_ms.to_string(),
            next: job.then.as_deref().map(|next| Box::new(Self::new(next))),
        }
    }

    fn read(self) -> Result<NewJob, StoreError> {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let delay_ms = self.delay_ms.parse().map_err(|_| unreadable())?;
        let start = match some(self.at) {
            Some(at_ms) => Start::At(time(at_ms.parse().map_err(|_| unreadable())?)),
            None => Start::After(Duration::from_millis(delay_ms)),
        };
        Ok(NewJob {
            id: record::parse_id(&self.id)?,
            name: self.name,
            args: record::parse_json(&self.args, record::ARGS)?,
            priority: self.priority.parse().map_err(|_| unreadable())?,
            unique_key: some(self.unique_key),
            start,
            schedule: some(self.schedule),
            then: self
                .next
                .map(|next| next.read().map(Box::new))
                .transpose()?,
        })
    }
}

fn unreadable() -> StoreError {
    record::unreadable("a job that is to follow another")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_follows_is_read_as_it_was_written() {
        let last = NewJob::new("c", json!({"big": u64::MAX, "text": "\"\\ü\0"}));
        let next = NewJob {
            priority: -3,
            unique_key: Some("key".into()),
            start: Start::At(DateTime::from_timestamp_millis(1_790_000_000_123).unwrap()),
            then: Some(Box::new(NewJob {
                start: Start::After(Duration::from_millis(7)),
                ..last
            })),
            ..NewJob::new("b", json!([1.5]))
        };
        let job = NewJob {
            then: Some(Box::new(next.clone())),
            ..NewJob::new("a", json!({}))
        };
        let text = job.follow_up().unwrap();
        assert_eq!(NewJob::from_follow_up(&text).unwrap(), next);
        assert_eq!(next.then.unwrap().follow_up(), None);
    }
    #[test]
    fn the_id_of_a_scheduled_run_holds_its_due_time_and_is_its_own() {
        let due = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let run = || NewJob::new("j", json!({})).for_schedule("hourly", due).id;
        let (seconds, nanos) = run().get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_790_000_000, 123_000_000));
        assert_ne!(run(), run());
        assert_eq!(run().get_version_num(), 7);
    }
}
