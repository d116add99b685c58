//! The hashes of jobs, read singly and in pages.

use std::collections::HashMap;

use ::redis::{Cmd, RedisResult, Value};

use super::RedisQueue;
use crate::queue::{JobFilter, JobId, JobPage, JobRecord, JobState, NewJob, UnreadableJob, record};
use crate::store::StoreError;
use crate::store::clock::time;
use crate::store::redis::transaction;

/// How many jobs of other names a page may look at for each that it wants.
const LOOKS_PER_PAGE: usize = 10;

impl RedisQueue {
    /// Goes back through the ids, a page at a time, until enough jobs of the name are found or enough were looked at.
    pub(in crate::queue) async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        let limit = filter.limit.clamp(1, JobFilter::MAX_LIMIT);
        let mut page = JobPage {
            jobs: Vec::new(),
            unreadable: Vec::new(),
            next: filter.before,
        };
        for _ in 0..LOOKS_PER_PAGE {
            let ids = ids(self, filter.state, page.next, limit).await?;
            let mut read = ::redis::pipe();
            // One record of another type must not hide the rest.
            read.ignore_errors();
            for id in &ids {
                read.add_command(read_without_result(self.store.prefix(), id));
            }
            let records: Vec<RedisResult<Value>> = if ids.is_empty() {
                Vec::new()
            } else {
                self.store.run(&read).await?
            };
            for (id, values) in ids.iter().zip(records) {
                page.next = record::parse_id(id).ok().or(page.next);
                match read_record(id, values) {
                    Ok(job) => {
                        page.jobs.extend(job.filter(|job| {
                            filter.name.as_ref().is_none_or(|name| job.name == *name)
                        }));
                    }
                    Err(why) if filter.name.is_none() => page.unreadable.push(UnreadableJob {
                        id: id.clone(),
                        why: why.to_string(),
                    }),
                    Err(_) => {}
                }
                if page.jobs.len() + page.unreadable.len() == limit {
                    return Ok(page);
                }
            }
            if ids.len() < limit {
                page.next = None;
                return Ok(page);
            }
        }
        Ok(page)
    }
}

fn read_record(id: &str, values: RedisResult<Value>) -> Result<Option<JobRecord>, StoreError> {
    let values: Values =
        ::redis::from_redis_value(values?).map_err(|_| record::unreadable("a job"))?;
    job(record::parse_id(id)?, values)
}

/// The newest ids older than `before`, in one state or in all: read in one step, so that a job that goes from one state to
/// another is in one of them.
async fn ids(
    queue: &RedisQueue,
    state: Option<JobState>,
    before: Option<JobId>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let states = state.map_or(JobState::ALL.to_vec(), |state| vec![state]);
    let newest = before.map_or("+".to_owned(), |id| format!("({id}"));
    let mut read = transaction();
    for state in states {
        read.cmd("ZREVRANGEBYLEX")
            .arg(format!("{}jobs:{state}", queue.store.prefix()));
        read.arg(&newest).arg("-").arg("LIMIT").arg(0).arg(limit);
    }
    let by_state: RedisResult<Vec<Vec<String>>> = queue.store.run(&read).await;
    let mut ids = by_state?.concat();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    ids.truncate(limit);
    Ok(ids)
}

/// All fields but the result, which may be large.
const FIELDS: [&str; 19] = [
    "name",
    "args",
    "state",
    "priority",
    "attempts",
    "lost",
    "unique_key",
    "schedule",
    "next",
    "follows",
    "worker",
    "instance",
    "progress",
    "error",
    "cancel",
    "enqueued_at",
    "due_at",
    "started_at",
    "finished_at",
];

/// The values of some fields, in the order they were asked for.
type Values = Vec<Option<String>>;

pub(super) fn read(prefix: &str, id: &str) -> Cmd {
    let mut read = read_without_result(prefix, id);
    read.arg("result");
    read
}

fn read_without_result(prefix: &str, id: &str) -> Cmd {
    let mut read = ::redis::cmd("HMGET");
    read.arg(format!("{prefix}job:{id}")).arg(&FIELDS);
    read
}

/// The job, unless its hash is gone.
pub(super) fn job(id: JobId, values: Values) -> Result<Option<JobRecord>, StoreError> {
    let names = FIELDS.into_iter().chain(["result"]);
    let mut fields = Fields(
        names
            .zip(values)
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
    );
    let Some(name) = fields.take("name") else {
        return Ok(None);
    };
    let required = |value: Option<_>| value.ok_or(record::unreadable("a job"));
    Ok(Some(JobRecord {
        id,
        name,
        args: record::parse_json(&required(fields.take("args"))?, record::ARGS)?,
        state: record::parse_state(&required(fields.take("state"))?)?,
        priority: fields.number("priority")?.unwrap_or(0),
        attempts: fields.number("attempts")?.unwrap_or(0),
        lost: fields.number("lost")?.unwrap_or(0),
        unique_key: fields.take("unique_key"),
        schedule: fields.take("schedule"),
        then: fields
            .take("next")
            .map(|text| NewJob::id_of_follow_up(&text))
            .transpose()?,
        follows: fields
            .take("follows")
            .map(|id| record::parse_id(&id))
            .transpose()?,
        worker: fields.take("worker"),
        instance: fields.take("instance"),
        progress: fields
            .take("progress")
            .map(|text| record::parse_json(&text, record::PROGRESS))
            .transpose()?,
        result: fields
            .take("result")
            .map(|text| record::parse_json(&text, record::RESULT))
            .transpose()?,
        error: fields
            .take("error")
            .map(|text| record::parse_errors(&text))
            .transpose()?,
        cancel_requested: fields.take("cancel").is_some(),
        enqueued_at: time(fields.number("enqueued_at")?.unwrap_or(0)),
        due_at: fields.number("due_at")?.map(time),
        started_at: fields.number("started_at")?.map(time),
        finished_at: fields.number("finished_at")?.map(time),
    }))
}

struct Fields(HashMap<&'static str, String>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, StoreError> {
        let unreadable = |_| record::unreadable("a number of a job");
        self.take(name)
            .map(|text| text.parse().map_err(unreadable))
            .transpose()
    }
}
